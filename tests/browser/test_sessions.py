from playwright.sync_api import expect

from tests.browser.conftest import Seat
from tests.browser.desk import ITEMS, PASSWORD, REFUND, Flows, Reviewer


def test_what_was_typed_survives_an_ended_session(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    page = alice.open(waiting)
    path = alice.path
    page.get_by_label("No").check()
    page.get_by_label("Reason").fill("half a novel")
    alice.context.clear_cookies(name="sessionid")
    expect(page.locator("#session-notice")).to_contain_text("Your session has ended")
    alice.submit.click()
    expect(page.get_by_text("Your session has ended; nothing was sent")).to_be_visible()
    assert "novel" not in page.url
    alice.fill_login()
    expect(page).to_have_url(f"{alice.url}{path}")
    expect(page.get_by_text("Welcome back")).to_be_visible()
    expect(page.get_by_label("Reason")).to_have_value("half a novel")
    expect(page.get_by_label("No")).to_be_checked()
    alice.submit.click()
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()
    assert waiting.answer == {"approve": False, "reason": "half a novel"}


def test_a_structure_button_after_the_session_ended_loses_nothing(
    flows: Flows, alice: Reviewer
) -> None:
    page = alice.open(flows.pause(schema=ITEMS))
    page.get_by_label("Note").fill("half a novel")
    alice.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Add Items").click()
    expect(page.get_by_text("Your session has ended; nothing was sent")).to_be_visible()
    alice.fill_login()
    expect(page.get_by_label("Note")).to_have_value("half a novel")


def test_a_login_in_another_tab_costs_one_more_press(flows: Flows, alice: Reviewer) -> None:
    """Logging in changes the token that a form carries against forgery."""
    page = alice.open(flows.pause(schema=REFUND))
    page.get_by_label("Yes").check()
    page.get_by_label("Reason").fill("half a novel")
    other = alice.context.new_page()
    alice.context.clear_cookies(name="sessionid")
    other.goto("/accounts/login/")
    other.get_by_label("User name").fill("alice")
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Log in").click()
    expect(other.get_by_role("heading", name="Inbox")).to_be_visible()
    alice.submit.click()
    expect(page.get_by_text("Nothing was sent yet")).to_be_visible()
    expect(page.get_by_label("Reason")).to_have_value("half a novel")
    alice.submit.click()
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()


def test_what_is_typed_after_a_login_in_another_tab_is_saved_unless_it_was_somebody_else(
    flows: Flows, alice: Reviewer
) -> None:
    approval = flows.pause(schema=REFUND)
    page = alice.open(approval)
    note = page.get_by_label("Reason")
    for name, status in (("alice", 204), ("bob", 403)):
        alice.context.clear_cookies(name="sessionid")
        other = alice.context.new_page()
        other.goto("/accounts/login/")
        other.get_by_label("User name").fill(name)
        other.get_by_label("Password").fill(PASSWORD)
        other.get_by_role("button", name="Log in").click()
        expect(other.get_by_role("heading", name="Inbox")).to_be_visible()
        with page.expect_response("**/draft/") as saved:
            note.fill(f"typed while {name} was logged in")
        assert saved.value.status == status
    expect(page.get_by_text("could not be saved as a draft")).to_be_visible()
    other.goto(page.url)
    expect(other.get_by_label("Reason")).to_have_value("")


def test_a_reviewer_logs_in_with_name_and_password(flows: Flows, seat: Seat) -> None:
    alice = seat("alice")
    alice.page.goto("/history/")
    expect(alice.page.get_by_label("User name")).to_be_focused()
    alice.fill_login()
    expect(alice.page.get_by_role("heading", name="History")).to_be_visible()


def test_a_page_forgets_that_its_session_ended_once_there_is_one_again(
    flows: Flows, alice: Reviewer
) -> None:
    waiting = flows.pause(schema=REFUND)
    page = alice.open(waiting)
    page.get_by_label("Reason").fill("half a novel")
    cookies = alice.context.cookies()
    alice.context.clear_cookies(name="sessionid")
    expect(page.get_by_role("alert")).to_contain_text("Your session has ended")
    alice.context.add_cookies(cookies)  # type: ignore[arg-type]
    expect(page.get_by_text("Your session has ended")).to_have_count(0)
    expect(page.get_by_label("Reason")).to_have_value("half a novel")
    flows.resume(waiting, {"approve": False, "reason": "No receipt"})
    expect(page.get_by_text("answered this")).to_be_visible()  # it hears of what happens again


def test_the_end_of_a_session_is_said_once(flows: Flows, alice: Reviewer) -> None:
    page = alice.open(flows.pause(schema=REFUND))
    alice.context.clear_cookies(name="sessionid")
    notice = page.get_by_role("alert")
    expect(notice).to_contain_text("Your session has ended")
    notice.evaluate("element => { element.dataset.same = 1; }")
    for _ in range(2):
        with page.expect_response("**/state/*"):
            pass
    expect(notice).to_have_attribute("data-same", "1")

"""The worked examples, each with real people and groups at their browsers."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.barriers import find_barriers_by_scheme, find_overflow
from tests.browser.conftest import Seat
from tests.browser.desk import PASSWORD, REFUND, Flows, Reviewer, Waiting, here_and_elsewhere
from tests.servers import ApprovalsServer
from tests.teams import TEAMS

_MAKE = """
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from flowruns.models import ApiKey
teams, password = {teams!r}, make_password({password!r})
for name, members in teams.items():
    group, _ = Group.objects.get_or_create(name=name)
    for member in [*members.split(), "Z"]:
        user, _ = User.objects.get_or_create(username=member, defaults={{"password": password}})
        if member in members.split():
            user.groups.add(group)
ApiKey.objects.update(owner=User.objects.get(username="R"))
"""


@pytest.fixture(scope="module", autouse=True)
def teams(server: ApprovalsServer) -> None:
    server.manage("shell", "--command", _MAKE.format(teams=TEAMS, password=PASSWORD))


@pytest.fixture(scope="module")
def held(server: ApprovalsServer) -> Iterator[str]:
    """The name of the policy, which each test changes; it goes with the last of them."""
    yield "held"
    server.manage("removepolicy", "held")


@pytest.fixture
def desk(server: ApprovalsServer, held: str, flows: Flows, seat: Seat) -> "Desk":
    return Desk(server, held, flows, seat)


def press(page: Page, name: str) -> None:
    """Press a button, and wait for the page that it brings."""
    with page.expect_navigation():
        page.get_by_role("button", name=name).click()


class Desk:
    """One approval under a policy, and people who come to it by name."""

    def __init__(self, server: ApprovalsServer, policy: str, flows: Flows, seat: Seat) -> None:
        self._server, self._policy, self._flows, self._seat = server, policy, flows, seat
        self._people: dict[str, Reviewer] = {}
        self.waiting: Waiting

    def ask(self, line: str) -> None:
        self._server.manage("setpolicy", self._policy, line)
        self.waiting = self._flows.pause(schema=REFUND)

    def person(self, name: str) -> Reviewer:
        if name not in self._people:
            self._people[name] = self._seat(name).log_in()
        return self._people[name]

    def look(self, name: str) -> Page:
        return self.person(name).open(self.waiting)

    def answer(self, name: str, *, password: str = "") -> Page:
        page = self.look(name)
        page.get_by_label("Yes").check()
        if password:
            page.get_by_label("Confirm that it is you").fill(password)
        with page.expect_navigation():
            self.person(name).submit.click()
        return page

    def agree(self, name: str) -> Page:
        page = self.look(name)
        press(page, "Agree to this answer")
        return page

    def expect_to_wait_for(self, page: Page, text: str) -> None:
        expect(page.get_by_text(text).first).to_be_visible()
        assert self.waiting.state["type"] == "PAUSED"

    def expect_read_only(self, name: str, why: str) -> None:
        page = self.person(name).page
        self._open_from_all(page)
        expect(page.get_by_text(why)).to_be_visible()
        expect(page.get_by_label("Yes")).to_be_disabled()
        expect(self.person(name).submit).to_have_count(0)

    def _open_from_all(self, page: Page) -> None:
        page.goto("/?list=all")
        page.locator(".row-link").first.click()

    def expect_decided(self) -> None:
        assert self.waiting.state["type"] == "RUNNING"
        assert self.waiting.answer == {"approve": True, "reason": ""}


def test_1_anyone(desk: Desk) -> None:
    desk.ask("anyone")
    desk.answer("Z")
    desk.expect_decided()


def test_2_anyone_but_the_requester(desk: Desk) -> None:
    desk.ask("anyone, not the requester")
    desk.expect_read_only("R", "You asked for this. Somebody else answers it.")
    desk.answer("Z")
    desk.expect_decided()


def test_3_one_of_two_people(desk: Desk) -> None:
    desk.ask("1 of F1 or F2")
    desk.expect_read_only("B", "Waits for F1 or F2.")
    desk.answer("F2")
    desk.expect_decided()


def test_4_one_of_a_group(desk: Desk) -> None:
    desk.ask("1 of @finance")
    desk.expect_read_only("D1", "Waits for one of finance.")
    desk.answer("F1")
    desk.expect_decided()


def test_5_two_of_a_group_without_who_asked(desk: Desk) -> None:
    desk.ask("2 of @finance, not the requester")
    page = desk.answer("F1")
    desk.expect_to_wait_for(page, "Waits for one of finance")
    expect(page.get_by_text("You have answered this.")).to_be_visible()
    expect(page.get_by_role("button", name="Agree to this answer")).to_have_count(0)
    desk.expect_read_only("R", "You asked for this. Somebody else answers it.")
    desk.agree("B")
    desk.expect_decided()


@here_and_elsewhere
def test_6_one_of_each_of_two_groups(desk: Desk) -> None:
    desk.ask("1 of @finance + 1 of @data")
    page = desk.answer("B")
    desk.expect_to_wait_for(page, "Waits for one of data")
    desk.agree("D1")
    desk.expect_decided()


def test_7_one_group_after_the_other(desk: Desk) -> None:
    desk.ask("1 of @finance then 1 of @board")
    desk.expect_read_only("X1", "Comes to you when finance has agreed.")
    desk.answer("F2")
    desk.agree("X1")
    desk.expect_decided()


def test_8_all_of_a_group(desk: Desk) -> None:
    desk.ask("all of @release")
    desk.answer("L1")
    for name in ("L2", "L3", "L4"):
        desk.expect_to_wait_for(desk.agree(name), "of release")
    desk.agree("L5")
    desk.expect_decided()


def test_9_most_of_a_group_where_a_no_counts(desk: Desk) -> None:
    desk.ask("most of @committee, a no counts")
    for name in ("L1", "L2"):
        page = desk.look(name)
        page.locator("#reject-box summary").click()
        page.get_by_label("Why do you reject it?").fill(f"{name} says no")
        press(page, "Reject with this reason")
        desk.expect_to_wait_for(page, "Your no counts.")
    page = desk.look("L3")
    expect(page.get_by_text("L1 says no")).to_be_visible()
    desk.answer("L3")
    desk.agree("L4")
    desk.agree("L5")
    desk.expect_decided()


def test_10_seen_by_those_who_may_answer_only(desk: Desk) -> None:
    desk.ask("1 of @hr, seen by them only")
    address = desk.look("H1").url
    stranger = desk.person("Z").page
    for path in (address, f"/runs/flow-run/{desk.waiting.id}"):
        response = stranger.goto(path)
        assert response is not None
        assert response.status == 404
    stranger.goto("/?list=all")
    expect(stranger.get_by_text("Nothing here")).to_be_visible()
    desk.answer("H1")
    desk.expect_decided()


def test_11_the_lines_of_operator_and_author_both_hold(
    desk: Desk, held: str, server: ApprovalsServer
) -> None:
    server.manage("setpolicy", held, "1 of @security")
    schema = {**REFUND, "x-approvals": {"policy": "2 of @finance"}}
    desk.waiting = desk._flows.pause(schema=schema)
    page = desk.answer("F1")
    desk.expect_to_wait_for(page, "Waits for one of security and one of finance")
    desk.agree("B")
    desk.expect_decided()


def test_12_signed(desk: Desk) -> None:
    desk.ask("1 of @qa or key:ci, signed")
    page = desk.answer("Q1", password="wrong")
    expect(page.get_by_text("Confirm that it is you: type your password.").first).to_be_visible()
    desk.answer("Q1", password=PASSWORD)
    desk.expect_decided()


def test_a_change_makes_earlier_votes_fall_and_shows_the_difference(desk: Desk) -> None:
    desk.ask("2 of @finance, not the requester")
    desk.answer("F1")
    page = desk.look("F2")
    page.get_by_label("No", exact=True).check()
    press(page, "Change the answer")
    page = desk.look("F1")
    expect(page.get_by_text("Welcome back")).to_have_count(0)
    expect(page.get_by_text("F2 has changed the answer")).to_be_visible()
    expect(page.locator(".policy-changes ins")).to_have_text("No")
    press(page, "Agree to this answer")
    assert desk.waiting.answer == {"approve": False, "reason": ""}


def test_a_vote_is_taken_back(desk: Desk) -> None:
    desk.ask("2 of @finance, not the requester")
    page = desk.answer("F1")
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("Taken back.")).to_be_visible()
    expect(page.get_by_label("Yes")).to_be_enabled()


def test_an_open_page_hears_of_a_proposal(desk: Desk) -> None:
    desk.ask("2 of @finance, not the requester")
    page = desk.look("F2")
    desk.answer("F1")
    press(page, "Agree to this answer")
    expect(page.get_by_text("It is decided.")).to_be_visible()
    desk.expect_decided()


def test_an_override_is_another_button_with_a_reason(
    desk: Desk, alice: Reviewer, seat: Seat
) -> None:
    desk.ask("2 of @finance, not the requester")
    root = seat("root").log_in()
    page = root.page
    page.goto("/?list=all")
    page.locator(".row-link").first.click()
    page.get_by_label("Yes").check()
    page.get_by_text("Decide against the policy").click()
    page.get_by_label("Why?").fill("It burns.")
    press(page, "Answer against the policy")
    expect(page.get_by_text("Decided against the policy")).to_be_visible()
    desk.expect_decided()


def find_faults(page: Page) -> list[str]:
    """Find barriers, light and dark, and what is wider than a small phone."""
    size = page.viewport_size
    page.emulate_media(reduced_motion="reduce")
    barriers = list(find_barriers_by_scheme(page))
    page.set_viewport_size({"width": 320, "height": 640})
    overflow = list(find_overflow(page))
    page.set_viewport_size(size or {"width": 1280, "height": 720})
    return [*barriers, *overflow]


def test_the_panel_has_no_barrier_and_fits_a_small_phone_in_each_of_its_states(
    desk: Desk, seat: Seat
) -> None:
    desk.ask("1 of @finance + 2 of @data + 1 of @board, signed")
    faults = {"waits for you, and nobody": find_faults(desk.look("D1"))}
    desk.ask("1 of @finance + 1 of @data, not the requester")
    faults["agreed"] = find_faults(desk.answer("F1"))
    faults["proposal"] = find_faults(desk.look("D1"))
    stranger = desk.person("Z").page
    desk._open_from_all(stranger)
    faults["may not answer"] = find_faults(stranger)
    root = seat("root").log_in().page
    desk._open_from_all(root)
    root.get_by_text("Decide against the policy").click()
    faults["override"] = find_faults(root)
    assert {state: found for state, found in faults.items() if found} == {}


def test_agreeing_and_taking_back_need_no_mouse(desk: Desk) -> None:
    desk.ask("1 of @finance + 1 of @data + 1 of @board")
    desk.answer("F1")
    page = desk.look("D1")
    press_with_keys(page, "Agree to this answer")
    expect(page.get_by_text("You have answered this.")).to_be_visible()
    press_with_keys(page, "Take it back")
    expect(page.get_by_text("Taken back.")).to_be_visible()


def press_with_keys(page: Page, name: str) -> None:
    """Go from the beginning of the page to a button, and press it."""
    page.locator("h1").evaluate("title => { title.tabIndex = -1; title.focus(); }")
    button = page.get_by_role("button", name=name)
    for _ in range(10):
        page.keyboard.press("Tab")
        if button.evaluate("button => button === document.activeElement"):
            break
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_votes_need_no_javascript(desk: Desk, seat: Seat) -> None:
    desk.ask("1 of @finance + 1 of @data, not the requester")
    first, second, root = (
        seat(name, java_script_enabled=False).log_in().open_inbox() for name in ("F1", "D1", "root")
    )
    for page in (first, second):
        page.get_by_role("link", name="refund").click()
    first.get_by_label("Yes").check()
    press(first, "Submit")
    press(first, "Take it back")
    first.get_by_label("Yes").check()
    press(first, "Submit")
    second.reload()
    press(second, "Agree to this answer")
    desk.expect_decided()
    desk.ask("2 of @finance, not the requester")
    desk._open_from_all(root)
    root.get_by_text("Decide against the policy").click()
    root.get_by_label("Why?").fill("It burns.")
    press(root, "Reject against the policy")
    assert desk.waiting.state["name"] == "Rejected"

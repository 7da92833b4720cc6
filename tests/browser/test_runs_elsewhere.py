"""What a reviewer sees of runs elsewhere that is not so with runs of this server."""

from playwright.sync_api import expect

from tests.browser.desk import REFUND, Reviewer
from tests.browser.elsewhere import FlowsElsewhere


def test_what_is_typed_while_a_server_is_away_is_kept_and_sent_when_it_is_back(
    flows_elsewhere: FlowsElsewhere, alice: Reviewer
) -> None:
    waiting = flows_elsewhere.pause(schema=REFUND)
    with flows_elsewhere.away():
        page = alice.open(waiting)
        away = page.get_by_text("theirs does not answer")
        while not away.is_visible():  # the copy of seconds ago is as good as new
            page.reload()
        expect(page.get_by_text("2.50 EUR")).to_be_visible()
        page.get_by_label("Yes").check()
        page.get_by_label("Reason", exact=True).fill("half a novel")
        expect(page.get_by_text("Draft saved")).to_be_visible()
    page.reload()
    expect(away).to_be_hidden()
    expect(page.get_by_label("Reason", exact=True)).to_have_value("half a novel")
    alice.submit.click()
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()
    assert waiting.answer == {"approve": True, "reason": "half a novel"}


def test_an_answer_at_the_runs_own_server_is_told_as_such(
    flows_elsewhere: FlowsElsewhere, alice: Reviewer
) -> None:
    waiting = flows_elsewhere.pause(schema=REFUND)
    page = alice.open(waiting)
    page.get_by_label("Reason", exact=True).fill("half a novel")
    flows_elsewhere.resume(waiting, {"approve": True, "reason": "done there"})
    expect(page.get_by_text("Somebody on theirs answered this")).to_be_visible()
    expect(page.get_by_text("done there")).to_be_visible()
    expect(page.get_by_label("Reason", exact=True)).to_have_value("half a novel")

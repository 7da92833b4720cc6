"""Several approvals decided at once: confirmed, each by the one service, each result told."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from approvals.models import HELD, Approval, Decision, Vote
from approvals.services import bulk
from tests.integration.conftest import Make
from tests.integration.pages import ask, log_in, page_of, text_of
from tests.integration.test_hold_votes import fresh, let_time_pass, pause
from tests.teams import hold, make_teams

pytestmark = pytest.mark.django_db
BULK = "/inbox/bulk/"


@pytest.fixture
def three(make_run: Make) -> list[Approval]:
    return [pause(make_run()) for _ in range(3)]


def pick(approval: Approval) -> str:
    return f"{approval.pk}.{approval.pause_state_id}"


def confirm(client: Client, approvals: list[Approval], verb: str = "approve") -> Any:
    return client.post(BULK, {"chosen": [pick(each) for each in approvals], "verb": verb})


def decide(client: Client, page: Any, verb: str = "approve", **fields: str) -> Any:
    """Press the button of a page that asks for a confirmation."""
    chosen = re.findall(r'name="chosen" value="([^"]+)"', page.content.decode())
    return client.post(BULK, {"chosen": chosen, "verb": verb, "confirmed": "1", **fields})


def outcomes(approvals: list[Approval]) -> list[str]:
    return [fresh(each).outcome for each in approvals]


def test_what_is_selected_is_confirmed_with_its_number_first(three: list[Approval]) -> None:
    alice = log_in()
    assert f'value="{pick(three[0])}"' in alice.get("/").content.decode()
    page = confirm(alice, three)
    assert "Approve 3 approvals?" in text_of(page)
    assert outcomes(three) == ["waiting"] * 3
    result = text_of(decide(alice, page))
    assert "3 of 3 approved" in result
    assert result.count("Approved") == 3
    assert outcomes(three) == ["answered"] * 3


def test_one_reason_rejects_them_all(three: list[Approval]) -> None:
    alice = log_in()
    page = confirm(alice, three, "reject")
    refused = decide(alice, page, "reject")
    assert refused.status_code == 422
    assert "Say why" in text_of(refused)
    decide(alice, refused, "reject", reason="not now")
    assert list(Decision.objects.values_list("reason", flat=True)) == ["not now"] * 3


def test_what_needs_a_form_is_left_out_of_approving_but_can_be_rejected(
    make_run: Make, three: list[Approval]
) -> None:
    form = ask(make_run())
    alice = log_in()
    page = confirm(alice, [form, three[0]])
    assert "Approve 1 approval?" in text_of(page)
    assert "Left out: 1" in text_of(page)
    assert "It asks for an answer: open it." in text_of(page)
    alice.post(BULK, {"chosen": [pick(form)], "verb": "approve", "confirmed": "1"})
    assert fresh(form).is_waiting
    decide(alice, confirm(alice, [form], "reject"), "reject", reason="no")
    assert fresh(form).outcome == "rejected"


def test_failures_are_told_and_stay_selected(three: list[Approval]) -> None:
    alice = log_in()
    log_in("bob").post(page_of(three[1]), {})
    three[2].pause_state_id = uuid4()
    chosen = [pick(each) for each in three]
    result = alice.post(BULK, {"chosen": chosen, "verb": "approve", "confirmed": "1"})
    assert "1 of 3 approved" in text_of(result)
    assert "It has ended: answered." in text_of(result)
    assert "It has changed since." in text_of(result)
    assert [p.approval_id for p in result.context["failed"]] == [three[2].pk]
    inbox = alice.get(result.context["inbox"]).content.decode()
    [box] = re.findall(rf'<input type="checkbox" id="pick-{three[2].pk}"[^>]*>', inbox)
    assert box.endswith(" checked>")


def test_at_most_fifty_at_once(three: list[Approval]) -> None:
    chosen = [f"{uuid4()}.{uuid4()}" for _ in range(bulk.MOST)] + [pick(three[0])]
    answer = log_in().post(
        BULK, {"chosen": chosen, "verb": "approve", "confirmed": "1"}, follow=True
    )
    assert "Choose 50 at most; 51 were chosen." in text_of(answer)
    assert outcomes(three) == ["waiting"] * 3


@pytest.mark.parametrize(
    "posted",
    [
        {},
        {"verb": "approve"},
        {"chosen": ["x", "1.2", "\x00"], "verb": "approve", "confirmed": "1"},
        {"chosen": [f"{uuid4()}.{uuid4()}"], "verb": "delete", "confirmed": "1"},
    ],
)
def test_nonsense_leads_back_to_the_inbox(posted: dict[str, Any]) -> None:
    answer = log_in().post(BULK, posted)
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_what_may_not_be_seen_is_as_if_it_were_not_there(make_run: Make) -> None:
    make_teams()
    hold("1 of @finance, seen by them only")
    hidden = pause(make_run())
    answers = [
        text_of(
            log_in("Z").post(BULK, {"chosen": [chosen], "verb": "approve", "confirmed": "1"})
        ).replace(chosen, "")
        for chosen in (pick(hidden), f"{uuid4()}.{uuid4()}")
    ]
    assert "An approval It is not there any more." in answers[0]
    assert answers[0] == answers[1]
    assert fresh(hidden).is_waiting


def test_policies_hold_for_each_of_several(make_run: Make) -> None:
    make_teams()
    hold("2 of @finance")
    approval = pause(make_run())
    assert "Waits for two of finance." in text_of(confirm(log_in("D1"), [approval]))
    for name in ("F1", "F2"):
        reviewer = log_in(name)
        decide(reviewer, confirm(reviewer, [approval]))
    assert fresh(approval).outcome == "answered"


def test_what_has_changed_since_the_confirmation_is_not_approved(make_run: Make) -> None:
    make_teams()
    hold("1 of @finance")
    run = make_run()
    approval = pause(run)
    reviewer = log_in("F1")
    page = confirm(reviewer, [approval])
    run.api.post("/artifacts/", {"type": "markdown", "data": "x", "flow_run_id": run.id})
    assert "What is asked has changed since." in text_of(decide(reviewer, page))
    assert fresh(approval).is_waiting


def test_what_must_be_signed_is_opened_alone(make_run: Make) -> None:
    make_teams()
    hold("1 of @finance, signed")
    approval = pause(make_run())
    assert "It asks for your password: open it." in text_of(confirm(log_in("F1"), [approval]))


def test_several_can_be_undone_together(three: list[Approval], settings: Any) -> None:
    settings.UNDO_SECONDS = 10
    alice = log_in()
    result = decide(alice, confirm(alice, three[:2]))
    assert "It takes effect in" in text_of(result)
    assert Vote.objects.filter(HELD).count() == 2
    chosen = [pick(each) for each in three[:2]]
    undone = alice.post("/inbox/bulk/undo/", {"chosen": chosen}, follow=True)
    assert "Undone: 2 of 2." in text_of(undone)
    assert let_time_pass() == 0
    decide(alice, confirm(alice, three, "reject"), "reject", reason="no")
    assert let_time_pass() == 3
    late = alice.post("/inbox/bulk/undo/", {"chosen": chosen}, follow=True)
    assert "too late" in text_of(late)
    assert outcomes(three) == ["rejected"] * 3

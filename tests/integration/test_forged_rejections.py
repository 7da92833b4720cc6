"""Who signs as a reviewer without being one."""

import json
from typing import Any

import pytest

from approvals.models import Approval, Decision
from flowruns.domain.rejections import read_rejection
from flowruns.services.runs.states import read_flow_run_states
from tests.integration.conftest import Run
from tests.integration.pages import ask, log_in, page_of, text_of

FORGED: dict[str, Any] = {"name": "Rejected", "message": "Rejected by bob: Not with me"}


def states_of(run: Run) -> list[str]:
    return [state.name for state in read_flow_run_states(run.uuid)]


@pytest.mark.parametrize("forced", [False, True])
def test_a_state_that_no_reviewer_wrote_is_no_rejection(run: Run, forced: bool) -> None:
    ask(run)
    assert run.propose("CANCELLED", force=forced, **FORGED)["status"] == "ACCEPT"
    state = read_flow_run_states(run.uuid)[-1].to_domain()
    assert (state.name, state.message) == ("Cancelled", FORGED["message"])
    assert read_rejection(state) is None
    assert run.read()["state_name"] == "Cancelled"


def test_a_run_is_not_made_with_a_rejection(run: Run) -> None:
    body = {"flow_id": run.read()["flow_id"], "state": {"type": "CANCELLED", **FORGED}}
    made = json.loads(run.api.post("/flow_runs/", body).content)
    assert made["state_name"] == "Cancelled"


def test_the_desk_shows_a_forged_rejection_as_withdrawn_and_by_whom(run: Run) -> None:
    approval = ask(run)
    run.propose("CANCELLED", **FORGED)
    alice = log_in()
    for path in (page_of(approval), "/history/", f"/runs/flow-run/{run.id}"):
        text = text_of(alice.get(path))
        assert "Withdrawn" in text, path
        assert "by the program “tests”" in text, path
    assert "bob rejected" not in text_of(alice.get(page_of(approval)))
    assert not Decision.objects.exists()


def test_a_reviewers_no_is_one(run: Run) -> None:
    approval = ask(run)
    log_in("bob").post(f"{page_of(approval)}reject/", {"reason": "No"})
    assert states_of(run)[-1] == "Rejected"
    assert run.propose("CANCELLED", force=True)["status"] == "REJECT"
    assert Approval.objects.get().closed_by == "bob"


@pytest.mark.parametrize("name", ["server", "api_key", "reviewer", "api_key:ci", "server:expiry"])
def test_a_reviewer_has_any_name_and_is_shown_by_it(run: Run, name: str) -> None:
    approval = ask(run)
    reviewer = log_in(name)
    reviewer.post(page_of(approval), {"f.0": "1", "f.1": ""})
    alice = log_in("alice")
    for path in (page_of(approval), "/history/", f"/runs/flow-run/{run.id}"):
        text = text_of(alice.get(path))
        assert name in text, path
        assert "this server" not in text.replace("whoever runs this server", ""), path
        assert "“ci”" not in text, path
    found = text_of(alice.get("/history/", {"person": str(Decision.objects.get().decided_by)}))
    assert "by " + name in found

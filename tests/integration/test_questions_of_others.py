"""A key that does not run a flow run cannot have its own question answered in the flow's name."""

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from approvals.models import Approval
from flowruns.services.api_keys import create_api_key
from tests.integration.conftest import APPROVAL_SCHEMA, Api, Make, Run
from tests.integration.pages import log_in


def key_of_flows(name: str) -> Api:
    return Api(create_api_key(name, scopes=["flows"]))


@pytest.fixture
def run(make_run: Make) -> Run:
    """A run in the hands of the key that runs it, which may not answer."""
    made = make_run(state="PENDING", deployed=True)
    own = replace(made, api=key_of_flows("refunds"))
    own.propose("RUNNING")
    return own


@pytest.fixture
def stranger(run: Run) -> Run:
    """The same run in the hands of another key that runs flows."""
    return replace(run, api=key_of_flows("agent"))


@pytest.fixture
def operator(run: Run) -> Run:
    return replace(run, api=Api(create_api_key("operator", scopes=["flows", "resume"])))


def ask(run: Run, *, key: str = "1", force: bool = False) -> str:
    keyset = {part: f"paused-1-{part}" for part in ("schema", "description", "response")}
    details = {"pause_key": key, "run_input_keyset": keyset}
    status: str = run.propose("PAUSED", name="Paused", state_details=details, force=force)["status"]
    return status


@pytest.mark.parametrize("force", [False, True])
def test_no_other_key_pauses_a_run_in_the_place_of_its_flow(
    run: Run, stranger: Run, force: bool
) -> None:
    """The flow would take the answer for one to its own first question."""
    assert ask(stranger, force=force) == "REJECT"
    assert run.read()["empirical_policy"]["pause_keys"] == []
    assert run.pause_for_input()["status"] == "ACCEPT"


def test_it_does_not_come_to_run_the_run_by_saying_so(run: Run, stranger: Run) -> None:
    stranger.propose("RUNNING", name="Mine", force=True)
    assert ask(stranger) == "REJECT"


def test_the_run_is_still_its_own_after_an_answer(run: Run, stranger: Run, operator: Run) -> None:
    run.pause()
    operator.resume()
    assert ask(stranger, key="2") == "REJECT"
    assert run.pause("2")["status"] == "ACCEPT"


def test_whoever_starts_it_next_asks_next(run: Run, stranger: Run, operator: Run) -> None:
    """As a process with a new key does, after a suspension."""
    run.pause(pause_reschedule=True)
    operator.resume()
    stranger.propose("PENDING")
    stranger.propose("RUNNING")
    assert stranger.pause("2")["status"] == "ACCEPT"


def test_another_run_is_suspended_under_a_key_that_no_flow_uses(run: Run, stranger: Run) -> None:
    """As Prefect's clients and our own do."""
    assert stranger.pause(str(uuid4()), pause_reschedule=True)["status"] == "ACCEPT"


def test_who_may_answer_may_also_ask(run: Run, operator: Run) -> None:
    assert operator.pause("1")["status"] == "ACCEPT"


def put(run: Run, part: str, value: Any) -> int:
    return run.put(f"paused-1-{part}", json.dumps(value)).status_code


def delete(run: Run, part: str) -> int:
    path = f"/flow_runs/{run.id}/input/paused-1-{part}"
    return run.api.request("DELETE", path).status_code


def test_what_a_reviewer_reads_is_not_changed_by_another_key(run: Run, stranger: Run) -> None:
    run.pause_for_input()
    assert put(stranger, "description", "Have a coffee?") == 403
    assert delete(stranger, "schema") == 403
    assert put(run, "description", "Refund **10,000 EUR**?") == 201
    assert delete(stranger, "description") == 403
    assert json.loads(run.read_input("paused-1-schema").content) == APPROVAL_SCHEMA


def test_who_asks_and_who_may_answer_change_the_question(run: Run, operator: Run) -> None:
    run.pause_for_input()
    assert (delete(run, "schema"), put(run, "schema", {})) == (204, 201)
    assert (delete(operator, "schema"), put(operator, "schema", {})) == (204, 201)


def page_of(run: Run) -> str:
    approval = Approval.objects.get(flow_run_id=run.uuid)
    page: str = log_in().get(f"/approvals/{approval.pk}/").content.decode()
    return page


def test_the_page_says_which_key_asks(run: Run) -> None:
    run.pause_for_input()
    page = page_of(run)
    assert "by the program “refunds”" in page
    assert "The flow itself does not ask this" not in page


def test_the_page_warns_where_another_than_the_flow_asks(run: Run, stranger: Run) -> None:
    stranger.pause(str(uuid4()), pause_reschedule=True)
    page = page_of(run)
    assert "The flow itself does not ask this: the program “agent” does." in page


def test_a_restart_that_is_refused_says_until_when(run: Run, stranger: Run) -> None:
    run.pause()
    run.propose("CANCELLED")
    details = run.propose("RUNNING")["details"]
    assert ", until 20" in details["reason"]
    assert details["reason"].endswith("with the scope resume may start it again now.")

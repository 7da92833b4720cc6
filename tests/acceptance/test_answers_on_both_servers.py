"""Answers reach their questions and outcomes are kept, on our server and on Prefect's."""

import sys
from pathlib import Path

import pytest

from flowruns import resume_flow_run, run_deployment
from flowruns.sdk.calls.asking import ask
from flowruns.sdk.calls.client import SyncFlowRunsClient
from flowruns.sdk.steps.steps import Send
from tests.acceptance import flows_that_are_answered
from tests.acceptance.answering import wait_for_end, wait_for_question
from tests.acceptance.serving import Server, serving

FLOWS = Path(__file__).with_name("flows_that_are_answered.py")
LAST = "refusing/answered"
ASKED_BEFORE = '    early = confirm("Is it late?")\n    print("edited")\n'
OLD = "    # Edited here.\n"


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the flows that may be edited; results are stored beside it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    # What is pickled there names the module by the file.
    monkeypatch.setitem(sys.modules, FLOWS.stem, flows_that_are_answered)
    file = tmp_path / FLOWS.name
    file.write_text(FLOWS.read_text())
    return file


def test_a_flow_that_is_edited_while_it_waits_gets_its_answer_and_asks_what_is_new(
    server: Server, client: SyncFlowRunsClient, copied: Path
) -> None:
    with serving(server, copied, last=LAST, HOME=str(copied.parent)):
        run_id = run_deployment("dropping/answered", timeout=0).id
        wait_for_question(client, run_id, "Drop the old table?")
        edited = (
            copied.read_text().replace(OLD, ASKED_BEFORE).replace("[dropped]", "[early, dropped]")
        )
        copied.write_text(edited)
        resume_flow_run(run_id, {"ok": True})
        wait_for_question(client, run_id, "Is it late?")
        resume_flow_run(run_id, {"ok": False})
        state = wait_for_end(run_id)
    assert state.name == "Completed", state
    assert state.result() == [False, True]


def test_outcomes_are_kept_for_another_process_and_a_schedule_stays_off(
    server: Server, client: SyncFlowRunsClient, copied: Path
) -> None:
    with serving(server, copied, last=LAST, HOME=str(copied.parent)):
        run_id = run_deployment("yielding/answered", timeout=0).id
        wait_for_question(client, run_id, "caf?")
        resume_flow_run(run_id, {"ok": True})
        state = wait_for_end(run_id)
        assert state.name == "Completed", state
        assert state.result() == [1, flows_that_are_answered.Ok(ok=True)]
        failed = run_deployment("refusing/answered", poll_interval=0.3).state
        with pytest.raises(flows_that_are_answered.Refused, match="7: late"):
            failed.result()
        deployment = client.read_deployment_by_name("refusing/answered")
        (schedule,) = deployment.schedules
        path = f"/deployments/{deployment.id}/schedules/{schedule.id}"
        client.play(ask(Send(method="PATCH", path=path, body={"active": False})))
    with serving(server, copied, last=LAST, HOME=str(copied.parent)):
        (schedule,) = client.read_deployment_by_name("refusing/answered").schedules
    assert schedule.active is False

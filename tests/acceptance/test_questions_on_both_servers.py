"""Whose answer it is when a flow begins again, on our server and on Prefect's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from flowruns import resume_flow_run, run_deployment
from flowruns.sdk.calls.client import SyncFlowRunsClient
from tests.acceptance.answering import (
    subflows_of,
    wait_for_end,
    wait_for_pause,
    wait_for_question,
)
from tests.acceptance.serving import Server, client_of, serving
from tests.acceptance.waiting import eventually

FLOWS = Path(__file__).with_name("flows_that_begin_again.py")
FIELD = "    # The form gets a field here."
LINES = "    # The flow gets lines here."


@pytest.fixture(scope="module")
def served(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the flows, which are served from it; results are stored beside it."""
    folder = tmp_path_factory.mktemp("flows")
    file = folder / FLOWS.name
    file.write_text(FLOWS.read_text())
    with (
        client_of(server),
        serving(server, file, last="changing/again", HOME=str(folder)),
    ):
        yield file


def _begin(flow: str, **parameters: Any) -> UUID:
    run_id: UUID = run_deployment(f"{flow}/again", parameters=parameters, timeout=0).id
    return run_id


def _result(state: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("HOME", str(folder))
    return state.result()


def test_another_branch_asks_and_tasks_in_another_order_get_their_own_answers(
    served: Path, client: SyncFlowRunsClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [tmp_path / "branching", tmp_path / "reordering"]
    for folder in folders:
        folder.mkdir()
    branching = _begin("branching", folder=str(folders[0]))
    reordering = _begin("reordering", folder=str(folders[1]))
    wait_for_question(client, branching, "Drop the old table?")
    resume_flow_run(branching, {"ok": True})
    for key, value in (("1", {"value": 10}), ("2", {"value": 20}), ("between", None)):
        wait_for_pause(client, reordering, key)
        resume_flow_run(reordering, value)
    wait_for_question(client, branching, "Wire 1,000,000 EUR?")
    resume_flow_run(branching, {"ok": False})
    ends = [wait_for_end(each) for each in (branching, reordering)]
    assert [end.name for end in ends] == ["Completed", "Completed"], ends
    results = [_result(end, served.parent, monkeypatch) for end in ends]
    assert results == [False, [("pears", 20), ("apples", 10)]]


@pytest.mark.parametrize(
    ("what", "way_out"),
    [
        ("text", "give the pause a key= of its own"),
        ("argument", "give the pause a key= of its own"),
        ("parameter", "the result of a task with persist_result=True"),
    ],
)
def test_what_changes_whenever_the_flow_begins_is_noticed(
    what: str, way_out: str, served: Path, client: SyncFlowRunsClient, tmp_path: Path
) -> None:
    run_id = _begin("changing", folder=str(tmp_path), what=what)
    if what == "text":
        wait_for_question(client, run_id, "Is it 1 o'clock?")
        resume_flow_run(run_id, {"ok": True})
    else:
        _answer(client, run_id, what, first=True)
        wait_for_pause(client, run_id, "once")
        resume_flow_run(run_id)
        _answer(client, run_id, what, first=False)
    end = wait_for_end(run_id)
    assert end.name == "Failed", end
    assert way_out in (end.message or "")
    assert (tmp_path / "begun").read_text() == "xx"


def _answer(client: SyncFlowRunsClient, run_id: UUID, what: str, *, first: bool) -> None:
    """Answer what the run asks in a task, or its newest subflow."""
    if what == "argument":
        wait_for_pause(client, run_id, "1" if first else "2")
        resume_flow_run(run_id, {"ok": True})
        return
    number = 1 if first else 2
    children = eventually(
        lambda: found if len(found := subflows_of(client, run_id)) == number else None,
        "the subflow has begun",
    )
    wait_for_pause(client, children[-1].id, "1")
    resume_flow_run(children[-1].id, {"ok": True})


def test_a_key_is_the_way_out(served: Path, client: SyncFlowRunsClient, tmp_path: Path) -> None:
    run_id = _begin("changing", folder=str(tmp_path), what="key")
    for key, value in (("pay", {"ok": True}), ("once", None), ("twice", None)):
        wait_for_pause(client, run_id, key)
        resume_flow_run(run_id, value)
    end = wait_for_end(run_id)
    assert end.name == "Completed", end
    assert (tmp_path / "begun").read_text() == "xxx"


def test_lines_and_fields_that_are_added_keep_the_answer(
    served: Path, client: SyncFlowRunsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = _begin("editing")
    wait_for_question(client, run_id, "Pay?")
    edited = served.read_text().replace(LINES, '    print("edited")\n    value = 1\n')
    served.write_text(edited.replace(FIELD, '    note: str = ""'))
    resume_flow_run(run_id, {"ok": True})
    end = wait_for_end(run_id)
    assert end.name == "Completed", end
    assert _result(end, served.parent, monkeypatch) is True

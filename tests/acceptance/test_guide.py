"""The documented code of flows: all of it runs, on our server and on Prefect's."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from flowruns import resume_flow_run, run_deployment, wait_for_flow_run
from flowruns.sdk.calls.client import SyncFlowRunsClient
from tests.acceptance.serving import Server, serving
from tests.acceptance.waiting import PATIENCE_SECONDS, eventually
from tests.documents import read_code
from tests.forking import ForkedProcess, fork_python
from tests.logs import show_log

_MAIN = re.compile(r'\n*if __name__ == "__main__":\n.*', re.DOTALL)


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the guide's code as the module `guide`, and its serving script `serve.py`."""
    blocks = read_code("python")
    folder = tmp_path_factory.mktemp("guide")
    (folder / "guide.py").write_text("\n\n".join(_MAIN.sub("\n", block) for block in blocks))
    (script,) = (block for block in blocks if "    serve(" in block)
    (folder / "serve.py").write_text(f"from guide import *\n{script}")
    return folder


type Start = Callable[[str], ForkedProcess]


@pytest.fixture
def start(server: Server, guide: Path) -> Iterator[Start]:
    """Evaluate an expression about the guide in a process of its own."""
    started: list[ForkedProcess] = []

    def start_script(expression: str) -> ForkedProcess:
        code = f"import guide, json; print(json.dumps({expression}))"
        script = fork_python([sys.executable, "-c", code], server.flow_environment, folder=guide)
        started.append(script)
        return script

    yield start_script
    for script in started:
        script.kill()
        show_log("a script", script.read_output())


def _result(script: ForkedProcess) -> Any:
    out, err = script.communicate(timeout=PATIENCE_SECONDS)
    assert script.returncode == 0, err
    return json.loads(out.splitlines()[-1])


def _paused(client: SyncFlowRunsClient, flow: str, key: str) -> UUID:
    def find() -> UUID | None:
        for run in client.read_flow_runs(flow_filter={"name": {"any_": [flow]}}):
            if run.state and run.state.is_paused() and run.state.state_details.pause_key == key:
                return run.id
        return None

    return eventually(find, f"{flow} is in pause {key}")


def test_answers_belong_to_their_keys(start: Start, client: SyncFlowRunsClient) -> None:
    script = start("guide.take_stock(['tea', 'rice'])")
    for key, count in (("count-tea", 3), ("count-rice", 0)):
        resume_flow_run(_paused(client, "take-stock", key), {"value": count})
    assert _result(script) == {"tea": 3, "rice": 0}


def test_served_flows_pause_and_suspend(
    server: Server, start: Start, client: SyncFlowRunsClient, guide: Path, tmp_path: Path
) -> None:
    with serving(server, guide / "serve.py", last="ship/desk", HOME=str(tmp_path)):
        script = start("guide.refund_later(7, 3.5)")
        resume_flow_run(_paused(client, "refund", "1"), {"approve": True})
        assert _result(script) == "Completed"
        run_id = run_deployment("ship/desk", parameters={"order": 7}, timeout=0).id
        assert _paused(client, "ship", "1") == run_id
        resume_flow_run(run_id, {"approve": True})
        run = wait_for_flow_run(run_id, timeout=PATIENCE_SECONDS, poll_interval=0.3)
    assert run.state_name == "Completed", run.state
    wanted = {"flow_run_id": {"any_": [str(run_id)]}}
    log = [line.message for line in client.read_logs(log_filter=wanted)]
    assert "Finished in state Cached(type=COMPLETED)" in log


def test_flow_runs_send_each_other_messages(start: Start, client: SyncFlowRunsClient) -> None:
    clerk = start("guide.clerk()")
    wanted = {"name": {"any_": ["clerk"]}}
    (run,) = eventually(lambda: client.read_flow_runs(flow_filter=wanted), "the clerk is there")
    assert _result(start(f"guide.customer('{run.id}')")) == "Is it open? Yes."
    assert _result(clerk) is None


def test_hooks_are_told(start: Start) -> None:
    script = start("guide.settle(7, [1.5, 2.5])")
    out, err = script.communicate(timeout=PATIENCE_SECONDS)
    assert out.splitlines() == ["order-7 is Completed", '["receipt 7", "receipt 8"]'], err


def test_the_test_passes(start: Start) -> None:
    assert _result(start("guide.test_refund()")) is None

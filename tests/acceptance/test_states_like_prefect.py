"""The same small flows under Prefect's client and under ours: state by state, hook by hook."""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.clients import connect
from tests.acceptance.serving import Server
from tests.environments import PREFECT_PYTHON
from tests.forking import fork_python
from tests.servers import PrefectServer, prefect_environment

FLOWS = Path(__file__).with_name("same_flows.py")


@dataclass(frozen=True)
class Recording:
    """What a run of all the flows left behind."""

    seen: dict[str, Any]
    states: dict[str, list[list[list[str | None]]]]


def _record(python: Path | str, sdk: str, api: httpx.Client, env: Mapping[str, str]) -> Recording:
    since = {"expected_start_time": {"after_": datetime.now(UTC).isoformat()}}
    process = fork_python([python, FLOWS, sdk], env)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    seen = json.loads(out.splitlines()[-1])
    flows = {flow["id"]: flow["name"] for flow in _find(api, "flows")}
    runs = sorted(_find(api, "flow_runs", flow_runs=since), key=lambda run: run["created"])
    states: dict[str, Any] = {}
    for run in runs:
        name = flows[run["flow_id"]]
        history = api.get("/flow_run_states/", params={"flow_run_id": run["id"]}).json()
        lines = [[state["type"], state["name"], state["message"]] for state in history]
        states.setdefault(name, []).append(_plain(lines, run))
    return Recording(_plain(seen, {"name": "no name"}), states)


def _find(api: httpx.Client, kind: str, **criteria: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.post(f"/{kind}/filter", json=criteria).json()
    return found


def _plain(value: Any, run: Mapping[str, Any]) -> Any:
    """Take out what differs from one run to the next: ids, and drawn names."""
    text = json.dumps(value).replace(run["name"], "<name>")
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>", text)
    return json.loads(text)


@pytest.fixture(scope="module")
def theirs(prefects_server: PrefectServer, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    home = tmp_path_factory.mktemp("client")
    with connect(prefects_server) as api:
        env = prefect_environment(home) | {"PREFECT_API_URL": prefects_server.api_url}
        return _record(PREFECT_PYTHON, "prefect", api, env)


@pytest.fixture(scope="module")
def ours(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    env = server.flow_environment | {"HOME": str(tmp_path_factory.mktemp("home"))}
    with connect(server) as api:
        return _record(sys.executable, "flowruns", api, env)


def test_the_server_sees_the_same_states(theirs: Recording, ours: Recording) -> None:
    assert ours.states.keys() == theirs.states.keys()
    assert len(ours.states) == 24
    for flow, histories in theirs.states.items():
        assert _histories(ours.states[flow]) == _histories(histories), flow


def test_the_authors_code_sees_the_same_states_hooks_and_ends(
    theirs: Recording, ours: Recording
) -> None:
    assert ours.seen.keys() == theirs.seen.keys()
    for what, values in theirs.seen.items():
        assert _worded(ours.seen[what]) == _worded(values), what


# What the end of an expired pause is called by who writes it: a server's service, a server to whom
# the flow proposes its failure, or the flow, before the service and after it.
_EXPIRED = re.compile(
    r"(The flow|Flow run) was (paused|failed) and never resumed\."
    r"|Flow run encountered an exception: FlowPauseTimeout[^\"]*"
)
_NEVER_RESUMED = "The flow was paused and never resumed."


def _worded(value: Any) -> Any:
    """Name the end of an expired pause alike, whoever was the first to write it."""
    return json.loads(_EXPIRED.sub(_NEVER_RESUMED, json.dumps(value)))


def _histories(states: list[list[list[str | None]]]) -> list[list[list[str | None]]]:
    """Leave out that a flow failed which a server's service has failed before, by seconds."""
    return [
        [
            state
            for state, before in zip(history, [None, *history], strict=False)
            if state != before or state[-1] != _NEVER_RESUMED
        ]
        for history in _worded(states)
    ]

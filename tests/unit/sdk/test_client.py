"""The client: one list of calls, two ways to make them."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from flowruns import get_client, wire
from flowruns.domain.states import StateType
from flowruns.exceptions import RequestRefused, ServerUnreachable
from flowruns.sdk.config import Config, override_config
from flowruns.sdk.states import State
from flowruns.sdk.steps.drive import AsyncConnection, Connection, _client_options, arun, run
from flowruns.sdk.steps.steps import Invoke, Reply, Send, Sleep, Steps
from flowruns.testing import served_by

_NOW = "2026-11-01T00:00:00Z"
_ID = UUID(int=7)
_FLOW = {"id": str(_ID), "name": "refund"}
_RUN = {"id": str(_ID), "name": "calm-otter", "flow_id": str(_ID)}
_INPUT = {"id": str(_ID), "flow_run_id": str(_ID), "key": "k", "value": "1"}
_LOG = {"id": str(_ID), "name": "n", "level": 20, "message": "m", "timestamp": _NOW}
_VERDICT = {"status": "ACCEPT", "state": None, "details": {"type": "accept_details"}}
_DEPLOYMENT = {"id": str(_ID), "name": "desk", "flow_id": str(_ID)}
_STATE = {"id": str(_ID), "type": "PENDING", "timestamp": _NOW}

# Method, its arguments, what is asked of the server, what it answers
CALLS: list[tuple[str, dict[str, Any], str, Any]] = [
    ("api_healthcheck", {}, "GET /health", True),
    ("create_flow", {"name": "refund"}, "POST /flows/", _FLOW),
    ("read_flow", {"flow_id": _ID}, f"GET /flows/{_ID}", _FLOW),
    ("read_flow_by_name", {"flow_name": "a/b"}, "GET /flows/name/a%2Fb", _FLOW),
    ("read_flows", {"limit": 3}, "POST /flows/filter", [_FLOW]),
    ("create_flow_run", {"run": wire.FlowRunCreate(flow_id=_ID)}, "POST /flow_runs/", _RUN),
    ("read_flow_run", {"flow_run_id": _ID}, f"GET /flow_runs/{_ID}", _RUN),
    ("read_flow_runs", {"sort": "ID_DESC"}, "POST /flow_runs/filter", [_RUN]),
    ("count_flow_runs", {"flow_run_filter": {}}, "POST /flow_runs/count", 4),
    (
        "update_flow_run",
        {"flow_run_id": _ID, "update": wire.FlowRunUpdate(tags=["a"])},
        f"PATCH /flow_runs/{_ID}",
        None,
    ),
    ("set_flow_run_name", {"flow_run_id": _ID, "name": "x"}, f"PATCH /flow_runs/{_ID}", None),
    ("delete_flow_run", {"flow_run_id": _ID}, f"DELETE /flow_runs/{_ID}", None),
    (
        "set_flow_run_state",
        {"flow_run_id": _ID, "state": State(type=StateType.RUNNING)},
        f"POST /flow_runs/{_ID}/set_state",
        _VERDICT,
    ),
    (
        "read_flow_run_states",
        {"flow_run_id": _ID},
        f"GET /flow_run_states/?flow_run_id={_ID}",
        [_STATE],
    ),
    ("resume_flow_run", {"flow_run_id": _ID}, f"POST /flow_runs/{_ID}/resume", _VERDICT),
    (
        "create_flow_run_input",
        {"flow_run_id": _ID, "key": "k", "value": "1"},
        f"POST /flow_runs/{_ID}/input",
        None,
    ),
    (
        "read_flow_run_input",
        {"flow_run_id": _ID, "key": "k"},
        f"GET /flow_runs/{_ID}/input/k",
        "text",
    ),
    (
        "filter_flow_run_input",
        {"flow_run_id": _ID, "key_prefix": "k", "exclude_keys": {"b", "a"}},
        f"POST /flow_runs/{_ID}/input/filter",
        [_INPUT],
    ),
    (
        "delete_flow_run_input",
        {"flow_run_id": _ID, "key": "k"},
        f"DELETE /flow_runs/{_ID}/input/k",
        None,
    ),
    (
        "create_logs",
        {"logs": [wire.LogCreate(name="n", level=20, message="m", timestamp=_NOW)]},
        "POST /logs/",
        None,
    ),
    ("read_logs", {"log_filter": {}}, "POST /logs/filter", [_LOG]),
    ("read_deployment", {"deployment_id": _ID}, f"GET /deployments/{_ID}", _DEPLOYMENT),
    (
        "read_deployment_by_name",
        {"name": "re fund/desk/2"},
        "GET /deployments/name/re%20fund/desk%2F2",
        _DEPLOYMENT,
    ),
    ("delete_deployment", {"deployment_id": _ID}, f"DELETE /deployments/{_ID}", None),
    (
        "create_flow_run_from_deployment",
        {"deployment_id": _ID, "parameters": {"order": 7}},
        f"POST /deployments/{_ID}/create_flow_run",
        _RUN,
    ),
]


async def _call_async(method: str, arguments: dict[str, Any]) -> Any:
    async with get_client() as client:
        return await getattr(client, method)(**arguments)


def _call_sync(method: str, arguments: dict[str, Any]) -> Any:
    with get_client(sync_client=True) as client:
        return getattr(client, method)(**arguments)


@pytest.mark.parametrize(
    ("method", "arguments", "asked", "answer"), CALLS, ids=[call[0] for call in CALLS]
)
def test_each_call_asks_and_answers_alike_in_sync_and_async_code(
    method: str, arguments: dict[str, Any], asked: str, answer: Any
) -> None:
    seen: list[Send] = []

    def handle(request: Send) -> Reply:
        seen.append(request)
        return Reply(200, json.dumps(answer).encode())

    with served_by(handle):
        first = _call_sync(method, arguments)
        second = asyncio.run(_call_async(method, arguments))
    assert first == second
    assert [f"{request.method} {request.path}" for request in seen] == [asked, asked]


def test_every_call_of_the_client_is_in_the_table() -> None:
    endpoints = {name for name in dir(get_client()) if not name.startswith("_")} - {"play"}
    assert endpoints == {call[0] for call in CALLS}


def test_a_method_is_documented_as_its_steps() -> None:
    assert get_client().read_flow_run.__doc__ == "Read a flow run; raises ObjectNotFound."


def test_the_key_is_shown_to_the_server() -> None:
    seen: list[str] = []

    def handle(request: Send) -> Reply:
        seen.append(request.headers.get("authorization", "none"))
        return Reply(200, b"true")

    with served_by(handle):
        _call_sync("api_healthcheck", {})
        transport = override_config(None)
        assert transport is not None
        override_config(
            Config(api_url=transport.api_url, api_key="k", transport=transport.transport)
        )
        _call_sync("api_healthcheck", {})
    assert seen == ["none", "Bearer k"]


def test_a_create_that_is_sent_twice_names_itself() -> None:
    seen: list[Send] = []

    def lose_the_first(request: Send) -> Reply:
        seen.append(request)
        return Reply(503) if len(seen) == 1 else Reply(201, json.dumps(_RUN).encode())

    with served_by(lose_the_first):
        _call_sync("create_flow_run", {"run": wire.FlowRunCreate(flow_id=_ID)})
    keys = {request.body["idempotency_key"] for request in seen}
    assert len(keys) == 1
    assert None not in keys


def test_a_proposal_waits_as_long_as_the_server_says() -> None:
    from flowruns.sdk.calls.flow_runs import propose_state
    from tests.rehearsal import Rehearsal

    wait = {"status": "WAIT", "details": {"type": "wait_details", "delay_seconds": 30}}
    answers = [wait, {"status": "WAIT", "details": {"type": "wait_details"}}, _VERDICT]
    stage = Rehearsal(lambda _: Reply(200, json.dumps(answers.pop(0)).encode()))
    assert stage.play(propose_state(_ID, State(type=StateType.RUNNING))).status == "ACCEPT"
    assert stage.slept == [30, 0]


def test_a_forced_state_is_sent_as_one() -> None:
    bodies: list[Any] = []

    def handle(request: Send) -> Reply:
        bodies.append(request.body)
        return Reply(200, json.dumps(_VERDICT).encode())

    with served_by(handle):
        state: State[Any] = State(type=StateType.CRASHED, message="m")
        _call_sync("set_flow_run_state", {"flow_run_id": _ID, "state": state, "force": True})
    assert bodies[0]["force"] is True
    assert bodies[0]["state"]["message"] == "m"
    assert bodies[0]["state"]["state_details"]["flow_run_id"] == str(_ID)


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadTimeout("")])
def test_a_network_that_fails_is_a_server_that_cannot_be_reached(error: Exception) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    previous = override_config(Config(api_url="http://x/api", transport=httpx.MockTransport(fail)))
    try:
        for call in (_call_sync, lambda *a: asyncio.run(_call_async(*a))):
            with pytest.raises(ServerUnreachable, match=r"http://x/api.*FLOWRUNS_API_URL"):
                call("api_healthcheck", {})
    finally:
        override_config(previous)


@pytest.mark.parametrize(
    ("host", "uses_proxy"), [("127.0.0.1", False), ("localhost", False), ("x.example", True)]
)
def test_a_proxy_is_used_for_other_machines_only(host: str, uses_proxy: bool) -> None:
    options = _client_options(Config(api_url=f"http://{host}/api"))
    assert options["trust_env"] is uses_proxy


def test_numbers_that_json_does_not_have_are_refused_here() -> None:
    with served_by(lambda _: Reply(200, b"{}")), pytest.raises(ValueError, match="JSON"):
        _call_sync("resume_flow_run", {"flow_run_id": uuid4(), "run_input": {"x": float("nan")}})


def test_a_client_that_was_never_used_closes() -> None:
    with get_client(sync_client=True):
        pass
    with Connection() as connection, pytest.raises(RequestRefused):
        run(_refused(), connection)


async def _refused_async() -> None:
    async with AsyncConnection() as connection:
        await arun(_refused(), connection)


def test_async_code_sleeps_too() -> None:
    with pytest.raises(RequestRefused):
        asyncio.run(_refused_async())


def _refused() -> Steps[None]:
    yield Sleep(0)
    raise RequestRefused


async def _abandoned(log: list[str]) -> None:
    def steps() -> Steps[None]:
        try:
            yield Invoke(lambda: asyncio.sleep(0))
        except GeneratorExit:
            log.append("closed")
            raise

    coroutine = arun(steps(), AsyncConnection())
    coroutine.send(None)
    coroutine.close()


def test_a_coroutine_that_is_abandoned_closes_its_steps() -> None:
    log: list[str] = []
    asyncio.run(_abandoned(log))
    assert log == ["closed"]

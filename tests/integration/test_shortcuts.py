"""A shortcut says what the view says, or nothing."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError
from django.test import Client, override_settings

from flowruns.api import shortcuts
from flowruns.api.shortcuts import answer_directly
from flowruns.domain.errors import EvaluationBusy
from flowruns.models import ApiKey, Event, FlowRun, FlowRunState, LogLine, RunInput
from flowruns.services.api_keys import create_api_key, revoke_api_keys
from flowruns.services.runs import flow_runs as services
from flowruns.services.runs import resume
from tests.integration.conftest import Make, Run

pytestmark = pytest.mark.django_db
LIVE = ("estimated_run_time", "estimated_start_time_delta")
LINE = {"name": "etl", "level": 20, "message": "ä", "timestamp": "2026-11-28T00:00:00Z"}
EVENT = {
    "occurred": "2026-11-28T00:00:00Z",
    "event": "happened",
    "resource": {"prefect.resource.id": "x"},
    "payload": {},
    "id": str(uuid4()),
}


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:
    shortcuts._find_common_headers.cache_clear()
    yield
    shortcuts._find_common_headers.cache_clear()


@pytest.fixture
def key() -> str:
    return create_api_key("robot", scopes=["flows"])


def scope_of(key: str, method: str, path: str, **headers: str) -> dict[str, Any]:
    named = {"host": "localhost", "authorization": f"Bearer {key}", **headers}
    return {
        "type": "http",
        "method": method,
        "path": path,
        "scheme": "http",
        "headers": [
            (name.replace("_", "-").encode(), said.encode()) for name, said in named.items()
        ],
    }


def directly(key: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
    content = b"" if body is None else json.dumps(body).encode()
    return answer_directly(scope_of(key, method, path, **headers), content)


def by_the_view(key: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
    named = {"Authorization": f"Bearer {key}", "Host": "localhost"}
    named |= {name.replace("_", "-"): said for name, said in headers.items()}
    content = "" if body is None else json.dumps(body)
    return Client().generic(method, path, content, content_type="application/json", headers=named)


def said(response: Any) -> Any:
    if not response["Content-Type"].startswith("application/json"):
        return response.content
    value = json.loads(response.content)
    for run in value if isinstance(value, list) else [value]:
        for name in LIVE:
            if isinstance(run, dict):
                run.pop(name, None)
    return value


def headers_of(response: Any) -> dict[str, str]:
    """Return all headers, and whether the length is right: it differs as the clock runs."""
    headers = dict(response.items())
    assert headers.pop("Content-Length") == str(len(response.content))
    return headers


PAUSED = {"flow_runs": {"state": {"type": {"any_": ["PAUSED"]}}}, "limit": 50, "sort": None}


@pytest.fixture
def asked(make_run: Make) -> list[tuple[str, str, Any]]:
    """All that has a shortcut, with something to find."""
    runs = [make_run() for _ in range(3)]
    for run in runs:
        run.pause_for_input()
    run = runs[0]
    state = json.loads(run.api.get(f"/flow_runs/{run.id}").content)["state_id"]
    return [
        ("GET", f"/api/flow_runs/{run.id}", None),
        ("GET", f"/api/flow_runs/{run.id}/input/paused-1-schema", None),
        ("GET", f"/api/flow_run_states/{state}", None),
        ("POST", "/api/flow_runs/filter", PAUSED),
        ("POST", "/api/flow_runs/filter", None),
        ("POST", "/api/deployments/get_scheduled_flow_runs", {"deployment_ids": [str(uuid4())]}),
    ]


@pytest.mark.parametrize("is_https", [False, True])
def test_a_shortcut_answers_as_the_view_does(
    key: str, asked: list[tuple[str, str, Any]], is_https: bool
) -> None:
    proxy = ("HTTP_X_FORWARDED_PROTO", "https") if is_https else None
    named = {"x_forwarded_proto": "https"} if is_https else {}
    with override_settings(SECURE_PROXY_SSL_HEADER=proxy, SECURE_HSTS_SECONDS=60 * is_https):
        for call in asked:
            short, plain = directly(key, *call, **named), by_the_view(key, *call, **named)
            assert short.status_code == plain.status_code == 200, call
            assert headers_of(short) == headers_of(plain), call
            assert said(short) == said(plain), call
            assert ("Strict-Transport-Security" in short) == is_https


def test_a_run_comes_with_the_inputs_that_are_asked_for(key: str, run: Run) -> None:
    run.pause_for_input()
    run.resume({"approve": True, "reason": "ä"})
    wanted = 'wait=30, inputs="paused-1-response paused-1-votes paused-1-schema"'
    call = ("GET", f"/api/flow_runs/{run.id}")
    short = said(directly(key, *call, prefer=wanted))
    assert short == said(by_the_view(key, *call, prefer=wanted))
    inputs = short.pop("inputs")
    assert short == said(directly(key, *call))
    assert inputs.keys() == {"paused-1-response", "paused-1-schema"}
    assert json.loads(inputs["paused-1-response"]) == {"approve": True, "reason": "ä"}


def test_no_shortcut_is_left_out_of_these_tests(asked: list[tuple[str, str, Any]]) -> None:
    tried = [f"{method} {path}" for method, path, _ in asked]
    tried += ["POST /api/logs/", "POST /api/events"]
    tried += ["POST /api/flow_runs/"]
    tried += [f"POST {path}" for path, _ in cycle_of(f"/api/flow_runs/{uuid4()}")]
    left = [call.pattern for call, *_ in shortcuts._CALLS if not any(map(call.fullmatch, tried))]
    assert left == []


def test_lines_and_events_are_stored_by_shortcuts_as_by_views(key: str) -> None:
    for path, body, model in (("/api/logs/", [LINE], LogLine), ("/api/events", [EVENT], Event)):
        short = directly(key, "POST", path, body)
        assert model.objects.count() == 1
        plain = by_the_view(key, "POST", path, [{**body[0], "id": str(uuid4())}])
        assert model.objects.count() == 2
        assert (short.status_code, short.content) == (plain.status_code, plain.content)
        assert headers_of(short) == headers_of(plain)


def test_runs_are_made_by_shortcuts_as_by_views(key: str, run: Run) -> None:
    flow_id, told = run.read()["flow_id"], []
    for send in (directly, by_the_view):
        wanted = {"flow_id": flow_id, "name": "ä", "idempotency_key": send.__name__}
        answers = [send(key, "POST", "/api/flow_runs/", wanted, prefer="attend") for _ in "ab"]
        made, again = [said(answer) for answer in answers]
        assert made["id"] == again["id"]
        attended = FlowRun.objects.get(pk=made["id"]).attended_at
        codes = [answer.status_code for answer in answers]
        told.append((codes, made.keys(), made["state_name"], headers_of(answers[0]), attended))
    assert told[0][:4] == told[1][:4]
    assert told[0][0] == [201, 200]
    assert None not in {told[0][4], told[1][4]}
    assert directly(key, "POST", "/api/flow_runs/", {"flow_id": str(uuid4())}) is None


def cycle_of(address: str) -> list[tuple[str, Any]]:
    """Return what a flow asks, its pause and the answer, as its clients send them."""
    keyset = {part: f"paused-1-{part}" for part in ("schema", "description", "response")}
    schema = '{"type": "object", "properties": {"approve": {"type": "boolean"}}}'
    details = {"pause_key": "1", "run_input_keyset": keyset}
    return [
        (f"{address}/input", {"key": keyset["schema"], "value": schema}),
        (f"{address}/set_state", {"state": {"type": "PAUSED", "state_details": details}}),
        (f"{address}/resume", {"run_input": {"approve": "perhaps"}}),
        (f"{address}/resume", {"run_input": {"approve": True}}),
        (f"{address}/resume", {"run_input": {"approve": True}}),
    ]


def tell(response: Any, run: Run) -> Any:
    """Return an answer without what is another one's in each run."""
    body, headers = json.loads(response.content), headers_of(response)
    state = (body or {}).get("state")
    if state is not None:
        tag = headers.pop("ETag", None)
        assert tag in {None, f'"{state.pop("id")}"'}
        assert state.pop("timestamp")
        assert state["state_details"].pop("flow_run_id") == run.id
    return response.status_code, body, headers


def test_a_pause_and_its_answer_are_written_by_shortcuts_as_by_views(make_run: Make) -> None:
    may_all, told = create_api_key("all", scopes=["flows", "resume"]), []
    for send in (directly, by_the_view):
        run = make_run()
        calls = cycle_of(f"/api/flow_runs/{run.id}")
        told.append([tell(send(may_all, "POST", *call), run) for call in calls])
        stored = RunInput.objects.get(flow_run=run.uuid, key="paused-1-response")
        assert json.loads(stored.value) == {"approve": True}
        states = FlowRunState.objects.filter(flow_run=run.uuid).order_by("version")
        assert [state.type for state in states][-2:] == ["PAUSED", "RUNNING"]
    assert told[0] == told[1]
    assert [code for code, *_ in told[0]] == [201, 201, 200, 201, 200]


def test_a_write_that_is_refused_is_left_to_the_view_and_changes_nothing(
    key: str, run: Run
) -> None:
    address, answerer = f"/api/flow_runs/{run.id}", create_api_key("answerer", scopes=["resume"])
    asks, pauses, _, answers, _ = cycle_of(address)
    before = json.loads(run.api.get(f"/flow_runs/{run.id}").content)["state_id"]
    left = [
        directly(answerer, "POST", *asks),
        directly(answerer, "POST", *pauses),
        directly(key, "POST", *answers),
        directly(key, "POST", *pauses, if_match=f'"{uuid4()}"'),
        directly(key, "POST", f"/api/flow_runs/{uuid4()}/set_state", pauses[1]),
        directly(key, "POST", pauses[0], {"state": {"type": "NAPPING"}}),
        directly(key, "POST", asks[0], {"key": "a b", "value": ""}),
        directly(answerer, "POST", answers[0], {"run_input": 1}),
    ]
    assert left == [None] * len(left)
    after = json.loads(run.api.get(f"/flow_runs/{run.id}").content)["state_id"]
    assert (after, RunInput.objects.count()) == (before, 0)


@pytest.mark.django_db(transaction=True)
def test_what_was_committed_is_acknowledged_once_whatever_fails_behind_it(
    key: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the loop is closed")

    monkeypatch.setattr("flowruns.pubsub.waiters.wake", fail)
    before = FlowRunState.objects.filter(flow_run=UUID(run.id)).count()
    proposal = {"state": {"type": "RUNNING"}, "force": True}
    response = directly(key, "POST", f"/api/flow_runs/{run.id}/set_state", proposal)
    assert said(response)["status"] == "ACCEPT"
    assert FlowRunState.objects.filter(flow_run=UUID(run.id)).count() == before + 1


def test_a_deadline_is_corrected_by_the_clock_of_the_client(key: str, run: Run) -> None:
    details = {"pause_timeout": "2026-11-28T01:00:00Z"}
    pause = {"state": {"type": "PAUSED", "state_details": details}}
    sent_at = "Sat, 28 Nov 2026 00:00:00 GMT"
    address = f"/api/flow_runs/{run.id}/set_state"
    assert directly(key, "POST", address, pause, date=sent_at).status_code == 201
    left = FlowRun.objects.get(pk=run.uuid).expires_at - datetime.now(UTC)  # type: ignore[operator]
    assert timedelta(minutes=50) < left <= timedelta(hours=1)


def test_a_server_that_is_busy_checking_says_so_at_once_as_the_view_does(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_busy(*_: Any, **__: Any) -> Any:
        raise EvaluationBusy

    may_all = create_api_key("all", scopes=["flows", "resume"])
    asks, pauses, _, answers, _ = cycle_of(f"/api/flow_runs/{run.id}")
    for call in (asks, pauses):
        directly(may_all, "POST", *call)
    monkeypatch.setattr(resume, "evaluate", be_busy)
    short, plain = directly(may_all, "POST", *answers), by_the_view(may_all, "POST", *answers)
    assert short.status_code == plain.status_code == 503
    assert short.content == plain.content
    assert headers_of(short) == headers_of(plain)


def test_lines_of_one_key_are_stored_once(key: str) -> None:
    for _ in range(2):
        assert directly(key, "POST", "/api/logs/", [LINE], idempotency_key=str(uuid4())) is not None
    same = str(uuid4())
    for _ in range(2):
        assert directly(key, "POST", "/api/logs/", [LINE], idempotency_key=same) is not None
    assert LogLine.objects.count() == 3


def test_whatever_is_to_be_refused_is_left_to_the_view(key: str, run: Run) -> None:
    address = f"/api/flow_runs/{run.id}"
    answerer = create_api_key("answerer", scopes=["resume"])
    state = json.loads(run.api.get(f"/flow_runs/{run.id}").content)["state_id"]
    left = [
        directly("made-up", "GET", address),
        directly(answerer, "POST", "/api/logs/", [LINE]),
        directly(
            answerer, "POST", "/api/deployments/get_scheduled_flow_runs", {"deployment_ids": []}
        ),
        directly(key, "GET", address, host="evil.example.com"),
        directly(key, "GET", address, if_none_match=f'"{state}"'),
        directly(key, "GET", f"/api/flow_runs/{uuid4()}"),
        directly(key, "GET", f"{address}/input/nothing"),
        directly(key, "GET", f"/api/flow_run_states/{uuid4()}"),
        directly(key, "HEAD", address),
        directly(key, "DELETE", address),
        directly(key, "POST", "/api/flow_runs/filter", {"limit": 201}),
        directly(key, "POST", "/api/flow_runs/filter", {"sort": "BEST"}),
        directly(key, "POST", "/api/flow_runs/filter", {"limit": float("nan")}),
        directly(key, "POST", "/api/logs/", [{**LINE, "level": "high"}]),
        directly(key, "POST", "/api/logs/", LINE),
        directly(key, "POST", "/api/events", [{**EVENT, "resource": {}}]),
        directly(key, "GET", "/api/flow_runs/count"),
    ]
    assert left == [None] * len(left)
    assert not LogLine.objects.exists()
    assert not Event.objects.filter(event="happened").exists()


def test_a_process_that_reads_its_run_is_noted_to_be_there(key: str, run: Run) -> None:
    run.enter("RUNNING", name="Attended")
    assert directly(key, "GET", f"/api/flow_runs/{run.id}", prefer="wait=5, attend") is not None
    assert FlowRun.objects.get(pk=run.uuid).attended_at is not None


def test_a_revoked_key_has_no_shortcut(key: str, run: Run) -> None:
    assert directly(key, "GET", f"/api/flow_runs/{run.id}") is not None
    revoke_api_keys(ApiKey.objects.filter(name="robot"))
    assert directly(key, "GET", f"/api/flow_runs/{run.id}") is None


def test_a_database_that_is_away_is_told_at_once_as_the_view_tells_it(
    key: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Any) -> Any:
        raise OperationalError("away")

    address = f"/api/flow_runs/{run.id}"
    monkeypatch.setattr(shortcuts, "read_run_json", fail)
    monkeypatch.setattr(services, "read_flow_run", fail)
    short, plain = directly(key, "GET", address), by_the_view(key, "GET", address)
    assert short.status_code == plain.status_code == 503
    assert short.content == plain.content
    assert headers_of(short) == headers_of(plain)

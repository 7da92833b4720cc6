"""Half a surrogate pair, which JSON can spell and UTF-8 cannot hold, wherever a flow may put it."""

import json
from typing import Any

import pytest

from approvals.models import Approval
from flowruns.domain.texts import read_json, readable
from tests.integration.conftest import Run
from tests.integration.pages import ask, log_in, page_of, text_of
from tests.websockets import FakeSocket, play

HALF = "\\ud800"  # six characters, as they stand inside JSON text
SCHEMA = '{"type": "object", "title": "%s", "properties": {"%s": {"type": "string"}}}'


def show(run: Run, kind: str, data: Any) -> str:
    body = {"type": kind, "data": data, "flow_run_id": run.id, "description": "what it is"}
    made: dict[str, str] = json.loads(run.api.post("/artifacts/", body).content)
    return made["id"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\ud800b", "a\N{REPLACEMENT CHARACTER}b"),
        ("\ud83d\ude00", "\N{GRINNING FACE}"),
        ({"\udfff": ["\ud800", 1, None]}, {"\ufffd": ["\ufffd", 1, None]}),
        ("plain", "plain"),
    ],
)
def test_what_cannot_be_written_is_shown_as_such(value: Any, shown: Any) -> None:
    assert readable(value) == shown
    assert read_json(json.dumps(value)) == shown


@pytest.mark.parametrize("kind", ["table", "progress", "markdown", "image", "of-their-own"])
@pytest.mark.parametrize("data", [f'[{{"{HALF}": "{HALF}"}}]', f'["{HALF}"]', f'"{HALF}"'])
def test_artifacts_are_shown(run: Run, kind: str, data: str) -> None:
    approval = ask(run)
    artifact = show(run, kind, data)
    alice = log_in()
    for path in (
        page_of(approval),
        f"/runs/flow-run/{run.id}",
        f"/artifacts/{artifact}/",
        f"/artifacts/{artifact}/data/",
    ):
        assert alice.get(path).status_code == 200, path
    assert run.api.get(f"/artifacts/{artifact}").status_code == 200


def test_a_description_is_shown_whenever_it_comes(run: Run) -> None:
    assert run.put("paused-1-description", f'"before {HALF}"').status_code == 201
    run.pause_for_input()
    approval = Approval.objects.get()
    assert approval.question == "before \ufffd"
    run.api.request("DELETE", f"/flow_runs/{run.id}/input/paused-1-description")
    assert run.put("paused-1-description", f'"after {HALF}"').status_code == 201
    assert "after \ufffd" in text_of(log_in().get(page_of(approval)))


def test_a_schema_asks_and_is_answered(run: Run) -> None:
    run.put("paused-1-schema", SCHEMA % (HALF, HALF))
    keyset = {"schema": "paused-1-schema", "response": "paused-1-response"}
    assert run.pause(run_input_keyset=keyset)["status"] == "ACCEPT"
    approval = Approval.objects.get()
    alice = log_in()
    assert alice.get(page_of(approval)).status_code == 200
    assert alice.get(f"/runs/flow-run/{run.id}").status_code == 200
    refused = run.resume({"\ufffd": 1})
    assert refused["status"] == "REJECT"
    assert run.propose("RUNNING")["status"] == "REJECT"
    alice.post(page_of(approval), {"f.0": "yes"})
    assert run.read()["state_type"] == "RUNNING"
    for path in (page_of(approval), "/history/"):
        assert alice.get(path).status_code == 200


@pytest.mark.parametrize(
    "answer",
    [
        {"__prefect_kind": "json", "value": f'{{"approve": "{HALF}"}}'},
        {"approve": {"__prefect_kind": "jinja", "template": '{{ "\\ud800" }}'}},
    ],
)
def test_an_answer_holds_none(run: Run, answer: dict[str, Any]) -> None:
    run.pause_for_input()
    assert run.resume(answer)["status"] == "REJECT"


@pytest.mark.parametrize("path", ["/logs/", "/flow_runs/", "/artifacts/", "/variables/"])
def test_a_body_holds_none(run: Run, path: str) -> None:
    body = f'{{"name": "{HALF}", "data": "{HALF}", "type": "{HALF}"}}'
    response = run.api._client.post(f"/api{path}", body, content_type="application/json")
    assert response.status_code in {400, 422}


def test_what_a_reviewer_types_as_json_holds_none(run: Run) -> None:
    approval = ask(run, schema={"type": "object", "properties": {"any": {}}})
    response = log_in().post(page_of(approval), {"f.0": f'"{HALF}"'})
    assert response.status_code in {200, 422}
    assert run.read()["state_type"] == "PAUSED"


def test_the_preview_of_a_schema_is_shown(db: None) -> None:
    alice = log_in()
    response = alice.post("/preview/", {"schema": SCHEMA % (HALF, HALF), "description": "x"})
    assert response.status_code == 422  # nothing is filled in yet
    assert "\ufffd" in text_of(response)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/api/events/in", "/api/events/out", "/api/logs/out"])
def test_a_websocket_is_refused_for_it(path: str) -> None:
    async def scenario() -> None:
        socket = FakeSocket(path)
        task = socket.start()
        assert (await socket.hear())["type"] == "websocket.accept"
        socket.say(f'{{"type": "auth", "token": "{HALF}"}}')
        assert (await socket.hear_the_end())[0] == 1008
        await task

    play(scenario())

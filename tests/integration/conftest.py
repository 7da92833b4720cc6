"""A client of the API inside the process, and runs to try it on."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.test import Client

from flowruns import wire
from flowruns.connectors.prefect.client import close_clients
from flowruns.connectors.prefect.connector import PrefectConnector
from flowruns.domain.actors import Actor
from flowruns.domain.transitions import Accept
from flowruns.services.api_keys import create_api_key, find_api_key
from flowruns.services.deployments.deployments import create_deployment
from flowruns.services.flows import create_flow
from flowruns.services.runs.flow_runs import create_flow_run
from flowruns.services.runs.states import set_flow_run_state
from flowruns.wire.deployments import DeploymentCreate
from tests.fake_prefect import FakePrefect
from tests.integration.connecting import connect_to
from tests.integration.elsewhere import add

type Make = Callable[..., "Run"]

APPROVAL_SCHEMA = {
    "type": "object",
    "title": "Approval",
    "properties": {"approve": {"type": "boolean"}, "reason": {"type": "string", "default": ""}},
    "required": ["approve"],
    "additionalProperties": False,
}


class Api:
    """Speaks JSON to the API with one key."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._client = Client(headers={"Authorization": f"Bearer {key}"})

    @property
    def actor(self) -> Actor:
        """Who its requests act as."""
        key = find_api_key(self._key)
        assert key is not None
        return key.actor

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> HttpResponse:
        data = "" if body is None else json.dumps(body)
        response = self._client.generic(
            method, f"/api{path}", data, content_type="application/json", headers=headers
        )
        assert isinstance(response, HttpResponse)
        return response

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.request(
            "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    def post(self, path: str, body: Any = None) -> HttpResponse:
        return self.request("POST", path, body)


def read(api: Api, path: str, body: Any = None) -> Any:
    """Return what the API answers to a body, or to a GET; it must be 200."""
    response = api.post(path, body) if body is not None else api.get(path)
    assert response.status_code == 200, response.content
    return json.loads(response.content)


@dataclass
class Run:
    """A run and the calls that a client makes about it."""

    api: Api
    id: str

    @property
    def uuid(self) -> UUID:
        return UUID(self.id)

    def propose(self, kind: str, *, force: bool = False, **state: Any) -> dict[str, Any]:
        body = {"state": {"type": kind, **state}, "force": force}
        response = self.api.post(f"/flow_runs/{self.id}/set_state", body)
        assert response.status_code in {200, 201}, response.content
        return {"http": response.status_code, **json.loads(response.content)}

    def enter(self, kind: str, **state: Any) -> None:
        """Have it enter a state, without a request."""
        proposed = wire.StateCreate.model_validate({"type": kind, **state}).to_domain()
        outcome = set_flow_run_state(self.uuid, proposed=proposed, actor=self.api.actor)
        assert isinstance(outcome.verdict, Accept), outcome

    def pause(self, key: str = "1", *, seconds: float = 3600, **details: Any) -> dict[str, Any]:
        deadline = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
        return self.propose(
            "PAUSED",
            name="Suspended" if details.get("pause_reschedule") else "Paused",
            state_details={"pause_key": key, "pause_timeout": deadline, **details},
        )

    def pause_for_input(
        self, schema: Any = APPROVAL_SCHEMA, key: str = "1", *, seconds: float = 3600
    ) -> dict[str, Any]:
        assert self.put(f"paused-{key}-schema", json.dumps(schema)).status_code == 201
        keyset = {part: f"paused-{key}-{part}" for part in ("schema", "description", "response")}
        return self.pause(key, seconds=seconds, run_input_keyset=keyset)

    def put(self, key: str, value: Any) -> HttpResponse:
        return self.api.post(f"/flow_runs/{self.id}/input", {"key": key, "value": value})

    def read_input(self, key: str) -> HttpResponse:
        return self.api.get(f"/flow_runs/{self.id}/input/{key}")

    def resume(self, run_input: Any = None) -> dict[str, Any]:
        body = None if run_input is None else {"run_input": run_input}
        response = self.api.post(f"/flow_runs/{self.id}/resume", body)
        assert response.status_code in {200, 201}, response.content
        return {"http": response.status_code, **json.loads(response.content)}

    def read(self) -> dict[str, Any]:
        run: dict[str, Any] = json.loads(self.api.get(f"/flow_runs/{self.id}").content)
        return run

    def states(self) -> list[dict[str, Any]]:
        response = self.api.get(f"/flow_run_states/?flow_run_id={self.id}")
        states: list[dict[str, Any]] = json.loads(response.content)
        return states


@pytest.fixture
def api(db: None) -> Api:
    return Api(create_api_key("tests", scopes=["flows", "resume"]))


@pytest.fixture
def make_run(api: Api) -> Make:
    """Make runs that are RUNNING, of a flow named "refund".

    Not by the API, which would double the time of most tests here.
    """

    def make(*, state: str = "RUNNING", deployed: bool = False, **fields: Any) -> Run:
        flow, _ = create_flow(wire.FlowCreate(name="refund"))
        if deployed:
            nightly = DeploymentCreate(name="nightly", flow_id=flow.pk)
            fields["deployment_id"] = create_deployment(nightly)[0].pk
        made = wire.FlowRunCreate.model_validate({"flow_id": flow.pk, **fields})
        created, _ = create_flow_run(made, actor=api.actor)
        run = Run(api, str(created.pk))
        if state != "PENDING":
            run.enter(state)
        return run

    return make


@pytest.fixture
def run(make_run: Make) -> Run:
    return make_run()


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[FakePrefect]:
    """A Prefect server; it is the same for all tests, and knows what earlier ones did."""
    with FakePrefect().running() as running:
        yield running


@pytest.fixture
def theirs(elsewhere: FakePrefect) -> Iterator[FakePrefect]:
    """A Prefect server that nobody has asked before."""
    elsewhere.forget()
    yield elsewhere
    close_clients()


@pytest.fixture
def desk(theirs: FakePrefect) -> PrefectConnector:
    return connect_to(theirs)


@pytest.fixture
def server(theirs: FakePrefect, db: None) -> FakePrefect:
    """The same, once this desk knows of it."""
    add(theirs)
    return theirs

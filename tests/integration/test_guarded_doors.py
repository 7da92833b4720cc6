"""Whatever comes through whatever door, a guarded pause goes on only when its policy is met.

The doors are those of the routes, so that a new one is tried without being named here. Two policies
meet all that a client could say at each of them; the others meet what lets a run go on where anyone
may answer.
"""

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.test import Client

from approvals.models import Approval, Decision
from flowruns.connectors import get_connector
from flowruns.domain.actors import reviewer
from flowruns.models import FlowRun
from flowruns.services.api_keys import create_api_key
from tests.doors import Door, read_doors
from tests.integration.conftest import APPROVAL_SCHEMA, Make, Run
from tests.integration.pages import YES
from tests.teams import hold, make_teams

POLICIES = [
    "anyone, not the requester",
    "1 of F1 or F2",
    "1 of @finance",
    "2 of @finance, not the requester",
    "1 of @finance + 1 of @data",
    "1 of @finance then 1 of @board",
    "all of @release",
    "most of @committee, a no counts",
    "1 of @hr, seen by them only",
    "1 of @qa or key:ci, signed",
    "2 of anyone, signed",
    "1 of @nowhere",
]
CASES = [pytest.param(line, id=line) for line in POLICIES]
STOPS = {"PAUSED", "FAILED", "CANCELLED", "CRASHED", "CANCELLING"}
STATES = [
    *("RUNNING", "SCHEDULED", "PENDING", "PAUSED", "COMPLETED"),
    *("FAILED", "CRASHED", "CANCELLED", "CANCELLING"),
]


@pytest.fixture(autouse=True)
def teams(db: None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", logger="django")
    make_teams()


def open_approval(make_run: Make, line: str, schema: Any = APPROVAL_SCHEMA) -> tuple[Run, Approval]:
    run = make_run(deployed=True)
    if "nowhere" in line:
        run.put("paused-1-policy", json.dumps(line))
    else:
        hold(line)
    if schema is None:
        run.pause()
    else:
        run.pause_for_input(schema)
    return run, Approval.objects.get(flow_run_id=run.uuid)


# All that a client could say to have a run go on.
BODIES = ["{}", json.dumps({"run_input": {"approve": True}})] + [
    json.dumps(
        {
            "state": {
                "type": state,
                "state_details": {"pause_key": "2", "presumed": True},
                "name": "Rejected" if state == "CANCELLED" else None,
                "message": "Rejected by F1: no",
            },
            "force": force,
        }
    )
    for state in STATES
    for force in (False, True)
]

FORM = urlencode({**YES, "reason": "no"})


@dataclass(frozen=True, slots=True)
class Try:
    """Something said at a door: by a person at a page, by a key at the API."""

    door: Door
    body: str

    @property
    def is_page(self) -> bool:
        return not self.door.route.startswith("/api")


def list_tries() -> list[Try]:
    """Return all that could be said of a run or its approval, wherever it could be."""
    doors = [
        door
        for door in read_doors()
        if door.method != "GET"
        and re.search("<uuid(str)?:(flow_run_id|approval_id)>|approval/<path:object_id>", str(door))
        # Where the run is deleted nothing is left that could go on
        and not (door.method == "DELETE" and door.route.endswith("/<uuidstr:flow_run_id>"))
    ]
    assert len(doors) >= 10
    pages: list[Try] = []
    api: list[Try] = []
    for door in doors:
        tries = api if door.route.startswith("/api") else pages
        tries += [Try(door, body) for body in (BODIES if tries is api else [FORM])]
    return [*api, *pages]


class Attacker:
    """Whoever holds the strongest key, and a superuser, who overrides nothing by accident."""

    def __init__(self, make_run: Make) -> None:
        self._make_run = make_run
        key = create_api_key("strong", scopes=["flows", "resume"])
        self._key = Client(
            headers={"Authorization": f"Bearer {key}"}, raise_request_exception=False
        )
        self._person = Client(raise_request_exception=False)
        root = User.objects.create_superuser("root")
        self._person.force_login(root, backend="django.contrib.auth.backends.ModelBackend")

    def turn_to(self, line: str, schema: Any = APPROVAL_SCHEMA) -> None:
        """Attack a run that waits under this policy, and another when that one has ended."""
        self._line, self._schema = line, schema
        self._open()

    def _open(self) -> None:
        self._run, self._approval = open_approval(self._make_run, self._line, self._schema)

    def attack(self, each: Try) -> str:
        """Say something, and return the state that the run has then; the next is of a new run."""
        address = address_of(each.door, self._run, self._approval)
        if each.is_page:
            kind = "application/x-www-form-urlencoded"
            self._person.generic(each.door.method, address, each.body, content_type=kind)
        else:
            kind = "application/json"
            self._key.generic(each.door.method, address, each.body, content_type=kind)
        state = state_of(self._run)
        if state != "PAUSED":
            self._open()
        return state


def address_of(door: Door, run: Run, approval: Approval) -> str:
    route = re.sub(r"<uuid(str)?:flow_run_id>", run.id, door.route)
    route = re.sub(r"<(uuid|path):(approval|object)_id>", str(approval.pk), route)
    return Door(route, door.method).path


def state_of(run: Run) -> str:
    return str(FlowRun.objects.values_list("state_type", flat=True).get(pk=run.id))


def has_gone_on(run: Run) -> bool:
    return state_of(run) not in STOPS


@pytest.mark.parametrize("line", ["2 of @finance, not the requester", "1 of @nowhere"])
def test_nothing_that_is_said_at_any_door_lets_a_run_go_on(make_run: Make, line: str) -> None:
    attacker = Attacker(make_run)
    attacker.turn_to(line)
    for each in list_tries():
        assert attacker.attack(each) in STOPS, (each, line)
    assert not Decision.objects.filter(approval__outcome="answered").exists()


def test_what_lets_a_run_go_on_that_anyone_may_answer_lets_no_other(make_run: Make) -> None:
    attacker = Attacker(make_run)
    attacker.turn_to("anyone")
    ways = [each for each in list_tries() if attacker.attack(each) not in STOPS]
    assert {str(each.door) for each in ways} == {
        "POST /api/flow_runs/<uuidstr:flow_run_id>/resume",
        "POST /api/flow_runs/<uuidstr:flow_run_id>/set_state",
        "POST /approvals/<uuid:approval_id>/",
    }
    for line in POLICIES:
        attacker.turn_to(line)
        for each in ways:
            assert attacker.attack(each) in STOPS, (each, line)
    assert not Decision.objects.filter(approval__is_guarded=True, approval__outcome="answered")


@pytest.mark.slow
def test_no_door_lets_a_run_go_on_where_nothing_is_asked(make_run: Make) -> None:
    attacker = Attacker(make_run)
    attacker.turn_to("1 of @finance", None)
    for each in list_tries():
        assert attacker.attack(each) in STOPS, each


@pytest.mark.parametrize("line", CASES)
def test_no_way_in_two_steps_lets_a_run_go_on(make_run: Make, line: str) -> None:
    for end in ("FAILED", "CRASHED", "CANCELLING", "CANCELLED"):
        run, approval = open_approval(make_run, line)
        ended = run.propose(end, force=True, state_details={"presumed": True})
        assert ended["status"] == "ACCEPT"
        for state in ("RUNNING", "PENDING", "SCHEDULED"):
            for force in (False, True):
                run.propose(state, force=force)
                assert not has_gone_on(run), (end, state, force)
        run.api.post(f"/flow_runs/{run.id}/set_state?attends=true", {})
        assert not has_gone_on(run), end
        assert Approval.objects.get(pk=approval.pk).outcome == "withdrawn"


@pytest.mark.parametrize("line", CASES)
def test_the_connector_lets_no_reviewer_through_who_has_no_votes(make_run: Make, line: str) -> None:
    run, approval = open_approval(make_run, line)
    connector = get_connector("local")
    for name in ("F1", "root"):
        answered = connector.resume_flow_run(
            run.uuid,
            run_input={"approve": True},
            pause_state_id=approval.pause_state_id,
            actor=reviewer(name),
        )
        rejected = connector.reject_flow_run(
            run.uuid,
            reason="no",
            pause_state_id=approval.pause_state_id,
            actor=reviewer(name),
        )
        assert (answered.accepted, rejected.accepted) == (False, False)
    assert run.read()["state_type"] == "PAUSED"

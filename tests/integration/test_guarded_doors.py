"""Whatever comes through whatever door, a guarded pause goes on only when its policy is met.

The doors are found in the routes, so that a new one is tried without being named here.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from approvals.models import Approval, Decision
from flowruns.connectors import get_connector
from flowruns.domain.actors import reviewer
from flowruns.models import FlowRun
from flowruns.services.api_keys import create_api_key
from tests.doors import Door, find_doors
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
# The inner loop tries the doors with these, and leaves the others out.
QUICK = {"2 of @finance, not the requester", "1 of @nowhere"}

CASES = [
    pytest.param(line, marks=[] if line in QUICK else pytest.mark.slow, id=line)
    for line in POLICIES
]
ENDS = {"FAILED", "CANCELLED", "CRASHED", "CANCELLING"}
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


def bodies() -> Iterator[Any]:
    """Yield all that a client could say to have a run go on."""
    yield {}
    yield {"run_input": {"approve": True}}
    for state in STATES:
        for force in (False, True):
            proposed = {
                "type": state,
                "state_details": {"pause_key": "2", "presumed": True},
                "name": "Rejected" if state == "CANCELLED" else None,
                "message": "Rejected by F1: no",
            }
            yield {"state": proposed, "force": force}


def address_of(door: Door, run: Run, approval: Approval) -> str:
    route = re.sub(r"<uuid(str)?:(flow_run_id|id)>", run.id, door.route)
    route = re.sub(r"<uuid(str)?:approval_id>", str(approval.pk), route)
    route = re.sub(r"<path:object_id>", str(approval.pk), route)
    return Door(route, door.method).path


def has_gone_on(run: Run) -> bool:
    return state_of(run) not in {"PAUSED", *ENDS}


def state_of(run: Run) -> str:
    return str(FlowRun.objects.values_list("state_type", flat=True).get(pk=run.id))


@pytest.mark.slow
def test_no_door_lets_a_key_or_a_stranger_through_where_nothing_is_asked(make_run: Make) -> None:
    try_all_doors(make_run, POLICIES[2], None)


@pytest.mark.parametrize("line", CASES)
def test_no_door_lets_a_key_or_a_stranger_through(make_run: Make, line: str) -> None:
    try_all_doors(make_run, line, APPROVAL_SCHEMA)


def try_all_doors(make_run: Make, line: str, schema: Any) -> None:
    """The strongest key, and a superuser, who has no seat and overrides nothing by accident."""
    run, approval = open_approval(make_run, line, schema)
    key = create_api_key("strong", scopes=["flows", "resume"])
    of_key = Client(headers={"Authorization": f"Bearer {key}"}, raise_request_exception=False)
    of_person = Client(raise_request_exception=False)
    root = User.objects.create_superuser("root")
    of_person.force_login(root, backend="django.contrib.auth.backends.ModelBackend")
    tried = 0
    for door in find_doors():
        address = address_of(door, run, approval)
        if door.method == "GET" or not {run.id, str(approval.pk)} & set(address.split("/")):
            continue
        if door.method == "DELETE" and address.endswith(f"/flow_runs/{run.id}"):
            continue  # nothing is left that could go on
        tried += 1
        if not address.startswith("/api"):
            of_person.generic(door.method, address, **_form())
            assert not has_gone_on(run), (door, line)
            continue
        for body in bodies():
            of_key.generic(door.method, address, json.dumps(body), content_type="application/json")
            assert not has_gone_on(run), (door, body, line)
            if state_of(run) != "PAUSED":
                run, approval = open_approval(make_run, line, schema)
                address = address_of(door, run, approval)
    assert tried >= 10
    assert not Decision.objects.filter(approval__outcome="answered").exists()


def _form() -> dict[str, Any]:
    return {
        "data": "&".join(f"{name}={value}" for name, value in YES.items()),
        "content_type": "application/x-www-form-urlencoded",
    }


@pytest.mark.parametrize("line", CASES)
@pytest.mark.parametrize("end", ["FAILED", "CRASHED", "CANCELLING", "CANCELLED"])
def test_no_way_in_two_steps_lets_a_run_go_on(make_run: Make, line: str, end: str) -> None:
    run, approval = open_approval(make_run, line)
    details = {"presumed": True}
    assert run.propose(end, force=True, state_details=details)["status"] == "ACCEPT"
    for state in ("RUNNING", "PENDING", "SCHEDULED"):
        for force in (False, True):
            run.propose(state, force=force)
            run.api.request("POST", f"/flow_runs/{run.id}/set_state?attends=true", {})
            assert not has_gone_on(run), (end, state, force)
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

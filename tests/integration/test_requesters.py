"""Who asked for a run: handed down to what it starts; a schedule is nobody."""

import json
from typing import Any
from uuid import uuid4

import pytest

from approvals.models import Approval
from approvals.services.decisions import Decided
from approvals.services.seats import list_obstructed
from approvals.services.votes import NotYours
from flowruns.services.api_keys import create_api_key
from flowruns.services.upkeep.scheduler import schedule_runs
from tests.integration.conftest import Api, Run
from tests.integration.pages import ask, log_in, page_of, text_of
from tests.integration.scheduled import HOURLY, deploy, runs_of
from tests.teams import hold, make_teams, person, say_yes

pytestmark = pytest.mark.django_db

ASKED = NotYours("You asked for this. Somebody else answers it.")
UNKNOWN = NotYours("Nobody can answer this: This flow does not say who asked.")


@pytest.fixture(autouse=True)
def teams(db: None) -> None:
    make_teams()
    hold("1 of @finance, not the requester")


def key_of(owner: str | None) -> Api:
    """Return a client with a key of somebody, or of nobody."""
    user = person(owner) if owner else None
    return Api(create_api_key(f"of {owner} {uuid4()}", scopes=["flows"], owner=user))


def make(api: Api, path: str, **fields: Any) -> Any:
    response = api.post(path, fields)
    assert response.status_code in {200, 201}, response.content
    return json.loads(response.content)


def make_run(api: Api, **fields: Any) -> Run:
    flow = make(api, "/flows/", name="refund")
    return Run(api, make(api, "/flow_runs/", flow_id=flow["id"], **fields)["id"])


def take(run: Run, worker: Api) -> Run:
    """Have a process with this key run it."""
    own = Run(worker, run.id)
    own.propose("RUNNING", force=True)  # a scheduled one is early
    return own


def call_in(run: Run, api: Api) -> str:
    """Make the task run by which a run starts another, and return its id."""
    task = make(api, "/task_runs/", flow_run_id=run.id, task_key="sub", dynamic_key=str(uuid4()))
    return str(task["id"])


def ask_in(run: Run, worker: Api) -> Approval:
    return ask(take(run, worker))


def test_a_subflow_has_the_requester_of_its_run() -> None:
    worker = key_of(None)
    parent = take(make_run(key_of("R")), worker)
    child = make_run(worker, parent_task_run_id=call_in(parent, worker))
    approval = ask_in(child, worker)
    assert say_yes(approval, "R") == ASKED
    assert say_yes(approval, "F1") == Decided()


def test_a_run_that_a_run_has_a_deployment_make_has_its_requester_too() -> None:
    worker, deployment = key_of(None), deploy(key_of("F2"))
    parent = take(make_run(key_of("R")), worker)
    path = f"/deployments/{deployment['id']}/create_flow_run"
    made = make(worker, path, parent_task_run_id=call_in(parent, worker))
    grandchild_call = call_in(take(Run(worker, made["id"]), worker), worker)
    approval = ask_in(make_run(worker, parent_task_run_id=grandchild_call), worker)
    assert say_yes(approval, "R") == ASKED
    assert say_yes(approval, "F2") == Decided()


def test_a_schedule_is_nobody_and_so_is_who_starts_its_subflows() -> None:
    worker = key_of("F1")
    deployment = deploy(worker, schedules=[HOURLY])
    schedule_runs()
    scheduled = take(Run(worker, runs_of(worker, deployment)[0]["id"]), worker)
    child = make_run(worker, parent_task_run_id=call_in(scheduled, worker))
    for approval in (ask_in(child, worker), ask(scheduled)):
        assert approval.obstacle == ""
        assert say_yes(approval, "F1") == Decided()


def test_what_an_unknown_run_starts_is_unknown_and_the_page_and_the_staff_are_told() -> None:
    worker = key_of(None)
    parent = take(make_run(worker), worker)
    approval = ask_in(make_run(worker, parent_task_run_id=call_in(parent, worker)), worker)
    assert say_yes(approval, "F1") == UNKNOWN
    text = text_of(log_in("F1").get(page_of(approval)))
    assert "Nobody can answer this at the moment. This flow does not say who asked." in text
    assert approval in list_obstructed(10)


def test_nobody_passes_for_a_run_that_their_key_does_not_run() -> None:
    worker, own = key_of(None), key_of("R")
    others = take(make_run(key_of("F2")), worker)
    approval = ask_in(make_run(own, parent_task_run_id=call_in(others, worker)), own)
    assert say_yes(approval, "R") == ASKED


def test_whom_the_policy_names_asked_beside_the_owner_of_the_key() -> None:
    hold("1 of @finance, not the requester", requester_from="labels.who")
    own = key_of("R")
    approval = ask_in(make_run(own, labels={"who": "F1"}), own)
    for name in ("R", "F1"):
        assert say_yes(approval, name) == ASKED
    assert say_yes(approval, "F2") == Decided()


def test_a_requester_who_is_gone_is_not_nobody() -> None:
    own = key_of("R")
    run = make_run(own)
    person("R").delete()
    approval = ask_in(run, own)
    assert [asker.name for asker in approval.askers.all()] == ["R"]
    assert say_yes(approval, "F1") == Decided()


def test_whoever_takes_the_name_of_a_requester_who_is_gone_is_barred_as_well() -> None:
    own = key_of("R")
    run = make_run(own)
    person("R").delete()
    approval = ask_in(run, own)
    person("R").groups.add(person("F1").groups.get(name="finance"))
    assert say_yes(approval, "R") == ASKED

"""Runs of a deployment with a concurrency limit."""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from flowruns.domain.actors import api_key
from flowruns.domain.states import State, StateType
from flowruns.models import ConcurrencyLimit, FlowRun, SlotLease
from flowruns.services.limits import slots
from flowruns.services.limits.concurrency import claim, read_limit
from flowruns.services.runs.states import set_flow_run_state
from flowruns.services.upkeep.expiry import expire_pauses
from flowruns.services.upkeep.late_runs import mark_late_runs
from tests.integration.conftest import APPROVAL_SCHEMA, Api, Run
from tests.integration.scheduled import deploy

LEASE = "deployment_concurrency_lease_id"
REACHED = "Deployment concurrency limit reached."


def start(api: Api, deployment: dict[str, Any]) -> Run:
    response = api.post(f"/deployments/{deployment['id']}/create_flow_run", {})
    return Run(api, json.loads(response.content)["id"])


def limited(api: Api, limit: int = 1, **options: Any) -> dict[str, Any]:
    options = {"collision_strategy": "ENQUEUE"} | options
    return deploy(api, concurrency_limit=limit, concurrency_options=options)


def take(run: Run) -> str:
    """Submit the run, and return the name of the state that it is in then."""
    return str(run.propose("PENDING")["state"]["name"])


def begin(run: Run) -> Run:
    assert take(run) == "Pending"
    assert run.propose("RUNNING")["status"] == "ACCEPT"
    return run


def taken(api: Api, deployment: dict[str, Any]) -> int:
    read = json.loads(api.get(f"/deployments/{deployment['id']}").content)
    return int(read["global_concurrency_limit"]["active_slots"])


def renew(api: Api, lease: str) -> int:
    path = f"/v2/concurrency_limits/leases/{lease}/renew"
    return api.post(path, {"lease_duration": 300}).status_code


def let_leases_end() -> None:
    ended = datetime.now(UTC) - timedelta(seconds=1)
    SlotLease.objects.filter(expires_at__isnull=False).update(expires_at=ended)


def test_a_deployment_shows_its_limit(api: Api) -> None:
    deployment = limited(api, 3, grace_period_seconds=90)
    limit = deployment["global_concurrency_limit"]
    assert (limit["name"], limit["limit"]) == (f"deployment:{deployment['id']}", 3)
    assert deployment["concurrency_options"] == {
        "collision_strategy": "ENQUEUE",
        "grace_period_seconds": 90,
    }
    again = deploy(api, concurrency_limit=5)["global_concurrency_limit"]
    assert (again["id"], again["limit"]) == (limit["id"], 5)
    assert deploy(api, concurrency_limit=None)["global_concurrency_limit"] is None
    assert not ConcurrencyLimit.objects.exists()


def test_a_limit_of_its_own_goes_with_the_deployment(api: Api) -> None:
    deployment = limited(api)
    begin(start(api, deployment))
    api.request("DELETE", f"/flows/{deployment['flow_id']}")
    assert not ConcurrencyLimit.objects.exists()
    assert not SlotLease.objects.exists()


def test_deployments_may_share_a_limit(api: Api) -> None:
    shared = json.loads(api.post("/v2/concurrency_limits/", {"name": "db", "limit": 1}).content)
    fields = {"global_concurrency_limit_id": shared["id"], "concurrency_limit": None}
    first, second = deploy(api, name="a", **fields), deploy(api, name="b", **fields)
    begin(start(api, first))
    assert take(start(api, second)) == "AwaitingConcurrencySlot"
    api.request("PATCH", f"/deployments/{second['id']}", {"concurrency_limit": 7})
    assert read_limit("db").limit == 1
    api.request("DELETE", f"/deployments/{second['id']}")
    assert [limit.name for limit in ConcurrencyLimit.objects.all()] == ["db"]
    unknown = {"global_concurrency_limit_id": second["id"]}
    assert api.request("PATCH", f"/deployments/{first['id']}", unknown).status_code == 404


def test_a_run_that_finds_no_slot_waits_for_one(api: Api) -> None:
    deployment = limited(api)
    first, second = begin(start(api, deployment)), start(api, deployment)
    result = second.propose("PENDING")
    assert (result["status"], result["details"]["reason"]) == ("REJECT", REACHED)
    state = result["state"]
    assert (state["type"], state["name"]) == ("SCHEDULED", "AwaitingConcurrencySlot")
    due = datetime.fromisoformat(state["state_details"]["scheduled_time"])
    assert timedelta(seconds=25) < due - datetime.now(UTC) <= timedelta(seconds=30)
    FlowRun.objects.filter(pk=second.id).update(
        next_scheduled_start_time=datetime.now(UTC) - timedelta(minutes=5)
    )
    assert mark_late_runs() == 0
    first.propose("COMPLETED")
    assert take(second) == "Pending"


def test_a_run_that_finds_no_slot_is_cancelled_where_the_deployment_says_so(api: Api) -> None:
    deployment = limited(api, collision_strategy="CANCEL_NEW")
    begin(start(api, deployment))
    result = start(api, deployment).propose("PENDING")
    assert (result["state"]["type"], result["state"]["message"]) == ("CANCELLED", REACHED)
    assert (result["status"], result["details"]["reason"]) == ("REJECT", REACHED)


def test_a_limit_of_none_at_all_aborts(api: Api) -> None:
    deployment = limited(api)
    limit = deployment["global_concurrency_limit"]["id"]
    api.request("PATCH", f"/v2/concurrency_limits/{limit}", {"limit": 0})
    result = start(api, deployment).propose("PENDING")
    assert (result["status"], "is 0" in result["details"]["reason"]) == ("ABORT", True)
    api.request("PATCH", f"/v2/concurrency_limits/{limit}", {"active": False})
    assert take(start(api, deployment)) == "Pending"


def test_a_start_without_submission_needs_a_slot_too(api: Api) -> None:
    deployment = limited(api)
    assert start(api, deployment).propose("RUNNING")["status"] == "ACCEPT"
    assert start(api, deployment).propose("RUNNING")["state"]["type"] == "SCHEDULED"


@pytest.mark.parametrize("end", ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"])
def test_the_slot_is_free_when_the_run_has_ended(api: Api, end: str) -> None:
    deployment = limited(api)
    run = begin(start(api, deployment))
    assert taken(api, deployment) == 1
    run.propose(end, force=True)
    assert taken(api, deployment) == 0


def test_the_slot_is_free_when_the_run_is_deleted(api: Api) -> None:
    deployment = limited(api)
    run = begin(start(api, deployment))
    api.request("DELETE", f"/flow_runs/{run.id}")
    assert taken(api, deployment) == 0


def test_a_run_that_is_being_cancelled_keeps_its_slot_until_it_is(api: Api) -> None:
    deployment = limited(api)
    run = begin(start(api, deployment))
    run.propose("CANCELLING")
    assert taken(api, deployment) == 1
    run.propose("CANCELLED")
    assert taken(api, deployment) == 0


def test_a_run_that_is_rescheduled_by_its_process_gives_its_slot_back(api: Api) -> None:
    deployment = limited(api)
    run = begin(start(api, deployment))
    run.propose("SCHEDULED", name="AwaitingRetry")
    assert taken(api, deployment) == 0


def test_a_run_that_waits_for_its_retry_in_its_process_keeps_its_slot(api: Api) -> None:
    deployment = limited(api)
    body = {"empirical_policy": {"retries": 1}}
    response = api.post(f"/deployments/{deployment['id']}/create_flow_run", body)
    run = begin(Run(api, json.loads(response.content)["id"]))
    assert run.propose("FAILED")["state"]["name"] == "AwaitingRetry"
    assert taken(api, deployment) == 1
    assert take(start(api, deployment)) == "AwaitingConcurrencySlot"
    assert run.propose("RUNNING")["status"] == "ACCEPT"
    run.propose("FAILED")
    assert taken(api, deployment) == 0


def test_a_paused_run_keeps_its_slot_and_goes_on_with_it(api: Api) -> None:
    """In Prefect 3.9 the second run would start meanwhile, and both go on afterwards."""
    deployment = limited(api)
    first, second = begin(start(api, deployment)), start(api, deployment)
    first.pause_for_input(APPROVAL_SCHEMA)
    assert take(second) == "AwaitingConcurrencySlot"
    assert first.resume({"approve": True})["status"] == "ACCEPT"
    assert take(second) == "AwaitingConcurrencySlot"
    first.propose("COMPLETED")
    assert take(second) == "Pending"


def test_the_lease_of_a_paused_run_outlives_any_pause(api: Api) -> None:
    """Prefect 3.9 revokes it, so that its own engine gives up 225 seconds later."""
    deployment = limited(api)
    run = begin(start(api, deployment))
    lease = run.read()["state"]["state_details"][LEASE]
    assert renew(api, lease) == 204
    run.pause()
    let_leases_end()
    assert renew(api, lease) == 204
    let_leases_end()
    assert taken(api, deployment) == 1
    run.resume()
    assert run.read()["state"]["state_details"][LEASE] == lease
    assert renew(api, lease) == 204
    let_leases_end()
    assert taken(api, deployment) == 0


def test_a_pause_that_nobody_answers_gives_its_slot_back(api: Api) -> None:
    deployment = limited(api)
    begin(start(api, deployment)).pause(seconds=-1)
    assert expire_pauses() == 1
    assert taken(api, deployment) == 0


def test_a_suspended_run_leaves_its_slot_and_needs_one_to_go_on(api: Api) -> None:
    deployment = limited(api)
    first, second = begin(start(api, deployment)), start(api, deployment)
    first.pause(pause_reschedule=True)
    assert taken(api, deployment) == 0
    begin(second)
    assert first.resume()["state"]["name"] == "Resuming"
    assert take(first) == "AwaitingConcurrencySlot"
    second.propose("COMPLETED")
    assert take(first) == "Pending"


def test_no_waiting_for_a_slot_is_a_way_around_an_answer(api: Api) -> None:
    deployment = limited(api)
    first, second = begin(start(api, deployment)), start(api, deployment)
    first.put("paused-1-schema", json.dumps(APPROVAL_SCHEMA))
    keyset = {part: f"paused-1-{part}" for part in ("schema", "description", "response")}
    first.pause(pause_reschedule=True, run_input_keyset=keyset)
    begin(second)
    for kind in ("PENDING", "RUNNING"):
        for force in (False, True):
            assert first.propose(kind, force=force)["state"]["name"] == "Suspended"


def test_states_name_the_lease_to_renew_and_only_the_server_says_which(api: Api) -> None:
    deployment = limited(api)
    run = start(api, deployment)
    foreign = {LEASE: str(run.uuid)}
    pending = run.propose("PENDING", state_details=foreign)["state"]["state_details"]
    running = run.propose("RUNNING", state_details=foreign)["state"]["state_details"]
    assert pending[LEASE] == running[LEASE] == str(SlotLease.objects.get().pk)
    assert run.propose("COMPLETED", state_details=foreign)["state"]["state_details"][LEASE] is None


def test_a_submitted_run_that_does_not_start_loses_its_slot(api: Api) -> None:
    deployment = limited(api, grace_period_seconds=60)
    slow, quick = start(api, deployment), start(api, deployment)
    take(slow)
    left = SlotLease.objects.get().expires_at
    assert left is not None
    assert left - datetime.now(UTC) <= timedelta(seconds=60)
    let_leases_end()
    assert take(quick) == "Pending"
    result = slow.propose("RUNNING")
    assert (result["status"], result["state"]["type"]) == ("REJECT", "CANCELLED")


def test_a_submitted_run_whose_lease_has_ended_takes_a_free_slot_again(api: Api) -> None:
    deployment = limited(api)
    run = start(api, deployment)
    take(run)
    let_leases_end()
    assert run.propose("RUNNING")["status"] == "ACCEPT"
    assert taken(api, deployment) == 1


def test_a_running_process_that_stops_renewing_is_dead_and_gives_its_slot_back(api: Api) -> None:
    deployment = limited(api)
    run = begin(start(api, deployment))
    let_leases_end()
    assert taken(api, deployment) == 1, "a client that never renews holds it until the end"
    renew(api, str(SlotLease.objects.get().pk))
    let_leases_end()
    assert take(start(api, deployment)) == "Pending"
    assert run.read()["state_type"] == "RUNNING"


def test_the_run_that_has_waited_longest_is_called_when_a_slot_is_free(api: Api) -> None:
    deployment = limited(api)
    runs = [start(api, deployment) for _ in range(3)]
    begin(runs[0])
    assert [take(run) for run in runs[1:]] == ["AwaitingConcurrencySlot"] * 2
    runs[0].propose("COMPLETED")
    body = {"deployment_ids": [deployment["id"]]}
    due = json.loads(api.post("/deployments/get_scheduled_flow_runs", body).content)
    assert [run["id"] for run in due] == [runs[1].id]
    assert take(runs[1]) == "Pending"
    assert runs[1].propose("RUNNING")["status"] == "ACCEPT"


def take_before_the_next(run: Run, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let a run take a slot after the next one was judged; return its state's name, once it has."""
    names: list[str] = []

    def claim_after_another(limit: ConcurrencyLimit) -> bool:
        if not names:
            names.append("")
            names[0] = take(run)
        return claim(limit)

    monkeypatch.setattr(slots, "claim", claim_after_another)
    return names


def test_of_two_runs_that_want_the_last_slot_one_gets_it(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were judged to have one; before the first takes it, the second does."""
    deployment = limited(api)
    first, second = start(api, deployment), start(api, deployment)
    others = take_before_the_next(second, monkeypatch)
    assert take(first) == "AwaitingConcurrencySlot"
    assert others == ["Pending"]
    assert taken(api, deployment) == 1


def make_pending(api: Api, deployment: dict[str, Any]) -> dict[str, Any]:
    """Make a run that is submitted from the first, and return it."""
    wanted = {"flow_id": deployment["flow_id"], "deployment_id": deployment["id"]}
    response = api.post("/flow_runs/", wanted | {"state": {"type": "PENDING"}})
    assert response.status_code == 201
    made: dict[str, Any] = json.loads(response.content)
    return made


def test_a_run_that_is_made_pending_takes_its_slot_and_shows_the_lease(api: Api) -> None:
    deployment = limited(api)
    made = make_pending(api, deployment)
    lease = made["state"]["state_details"][LEASE]
    assert (taken(api, deployment), renew(api, lease)) == (1, 204)
    # Made in whatever state, as in Prefect: without a slot where there is none
    assert make_pending(api, deployment)["state"]["state_details"][LEASE] is None
    assert taken(api, deployment) == 1


def test_a_run_that_is_made_while_the_last_slot_is_taken_has_none(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = limited(api)
    others = take_before_the_next(start(api, deployment), monkeypatch)
    assert make_pending(api, deployment)["state"]["state_details"][LEASE] is None
    assert others == ["Pending"]
    assert taken(api, deployment) == 1


def test_a_run_that_moves_meanwhile_takes_no_second_slot(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is judged, then somebody else submits it; the slot just taken is given back."""
    deployment = limited(api, 2)
    run = start(api, deployment)
    once: list[bool] = []

    def submit_elsewhere(limit: ConcurrencyLimit) -> bool:
        won = claim(limit)
        if not once:
            once.append(True)
            FlowRun.objects.filter(pk=run.uuid).update(version=100)
        return won

    monkeypatch.setattr(slots, "claim", submit_elsewhere)
    assert take(run) == "Pending"
    assert taken(api, deployment) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_runs_at_once_no_more_start_than_may(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has been judged before any of them takes a slot, as far as the database lets them."""
    deployment = limited(api, 2)
    runs = [start(api, deployment) for _ in range(6)]
    barrier = threading.Barrier(len(runs) if connection.vendor == "postgresql" else 1)
    first_time = threading.local()

    def claim_together(limit: ConcurrencyLimit) -> bool:
        if not getattr(first_time, "over", False):
            first_time.over = True
            barrier.wait(timeout=10)
        return claim(limit)

    monkeypatch.setattr(slots, "claim", claim_together)
    names: list[str] = []

    def submit(run: Run) -> None:
        try:
            pending = State(type=StateType.PENDING)
            outcome = set_flow_run_state(run.uuid, proposed=pending, actor=api_key("test"))
            names.append(outcome.state.name if outcome.state else "")
        finally:
            connection.close()

    threads = [threading.Thread(target=submit, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names) == ["AwaitingConcurrencySlot"] * 4 + ["Pending"] * 2
    assert taken(api, deployment) == 2

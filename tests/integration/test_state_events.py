"""The events by which the server tells of the states of flow runs."""

from uuid import UUID

from flowruns.models import Event
from tests.integration.conftest import Make, Run


def events_of(run: Run) -> list[Event]:
    found = Event.objects.filter(resource_id=f"prefect.flow-run.{run.id}")
    return list(found.order_by("occurred"))


def test_every_state_of_a_run_is_told(run: Run) -> None:
    run.pause()
    run.resume()
    run.propose("COMPLETED", message="done")

    names = [event.event.removeprefix("prefect.flow-run.") for event in events_of(run)]
    assert names == ["Pending", "Running", "Paused", "Running", "Completed"]
    last = events_of(run)[-1]
    assert str(last.id) == run.read()["state"]["id"]
    assert last.resource["prefect.state-type"] == "COMPLETED"
    assert last.resource["prefect.state-name"] == "Completed"
    assert last.resource["prefect.state-message"] == "done"
    assert last.resource["prefect.run-count"] == "1"
    assert last.resource["prefect.state-timestamp"] == last.occurred.isoformat()
    assert last.payload["intended"] == {"from": "RUNNING", "to": "COMPLETED"}
    assert last.payload["initial_state"] == {"type": "RUNNING", "name": "Running"}
    assert last.follows == events_of(run)[-2].id


def test_a_pause_says_whether_its_process_has_ended(make_run: Make) -> None:
    run = make_run(deployed=True)
    run.pause(pause_reschedule=True)
    told = events_of(run)[-1]
    assert told.event == "prefect.flow-run.Suspended"
    assert told.payload["validated_state"]["pause_reschedule"] == "true"


def test_a_cancelled_pause_tells_the_runner_to_end_the_waiting_process(make_run: Make) -> None:
    run = make_run(deployed=True)
    run.pause()
    run.propose("CANCELLED", message="No receipt")
    told = {event.event.rpartition(".")[2]: event for event in events_of(run)}
    assert told["Cancelling"].resource["prefect.state-type"] == "CANCELLING"
    assert told["Cancelling"].resource["prefect.state-message"] == "No receipt"
    assert "Cancelled" in told
    ended = make_run(deployed=True)
    ended.pause(pause_reschedule=True)
    ended.propose("CANCELLED")
    assert "prefect.flow-run.Cancelling" not in {event.event for event in events_of(ended)}


def test_related_are_the_flow_the_deployment_and_the_tags(make_run: Make) -> None:
    run = make_run(deployed=True, tags=["b", "a"])
    related = {
        (resource["prefect.resource.role"], resource["prefect.resource.id"])
        for resource in events_of(run)[-1].related
    }
    known = run.read()
    assert related == {
        ("flow", f"prefect.flow.{known['flow_id']}"),
        ("deployment", f"prefect.deployment.{known['deployment_id']}"),
        ("tag", "prefect.tag.a"),
        ("tag", "prefect.tag.b"),
    }


def test_a_state_that_was_refused_is_not_told(run: Run) -> None:
    run.propose("COMPLETED")
    count = len(events_of(run))
    assert run.propose("CRASHED")["status"] == "ABORT"
    assert len(events_of(run)) == count


def test_a_run_with_very_many_tags_is_told_too(make_run: Make) -> None:
    run = make_run(tags=[f"tag-{number}" for number in range(300)])
    assert len(events_of(run)[-1].related) == 100


def test_a_deleted_run_tells_no_state(run: Run) -> None:
    count = len(events_of(run))
    run.api.request("DELETE", f"/flow_runs/{run.id}")
    assert len(events_of(run)) == count
    assert UUID(run.id)

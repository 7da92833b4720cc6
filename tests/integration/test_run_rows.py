"""What is written straight from rows says the same, field by field, as what models are shown as."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import QuerySet

from flowruns import wire
from flowruns.domain.errors import FlowRunNotFound, FlowRunStateNotFound
from flowruns.models import FlowRun, FlowRunState
from flowruns.services.presenting import present_flow_runs
from flowruns.services.run_rows import dump_runs, read_run_json, read_state_json, write_selection
from tests.integration.conftest import Make, Run

pytestmark = pytest.mark.django_db
# They grow with the clock
LIVE = ("estimated_run_time", "estimated_start_time_delta")
ODD = 'ä "quoted" \\ \n\t\u2028 🦦'
JSON = {"z": [1, 1.5, 1e300, -0.0, 10**30, None, True], "a": {ODD: ODD}, "empty": {}}
MOMENT = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
DETAILS: list[tuple[str, dict[str, Any]]] = [
    ("RUNNING", {}),
    ("PENDING", {"cache_key": ODD, "retriable": True, "transition_id": str(uuid4())}),
    ("SCHEDULED", {"scheduled_time": "2026-11-28T13:00:00.120000+01:00"}),
    ("COMPLETED", {"deferred": None, "untrackable_result": True}),
    ("CRASHED", {"child_flow_run_id": str(uuid4()), "cache_expiration": "2026-01-01T00:00:00Z"}),
]


def read_rows(runs: QuerySet[FlowRun]) -> Any:
    return json.loads(dump_runs(write_selection(runs)))


def assert_same(runs: list[FlowRun]) -> None:
    plain = [json.loads(each.model_dump_json()) for each in present_flow_runs(runs)]
    lists = read_rows(FlowRun.objects.filter(pk__in=[run.pk for run in runs]))
    by_id = {run["id"]: run for run in lists}
    assert len(by_id) == len(runs)
    for shown in plain:
        for written in (by_id[shown["id"]], json.loads(read_run_json(shown["id"])[1])):
            assert list(written) == list(shown)
            for live in LIVE:
                assert written.pop(live) == pytest.approx(shown[live], abs=60)
            for name, value in written.items():
                assert value == shown[name], name


def test_runs_in_all_kinds_of_states_are_written_as_models_are_shown(make_run: Make) -> None:
    runs = [make_run(), make_run(deployed=True)]
    runs[0].pause_for_input()
    runs[1].pause(pause_reschedule=True)
    for kind, details in DETAILS:
        runs.append(run := make_run())
        state = {"state": {"type": kind, "state_details": details}, "force": True}
        run.api.post(f"/flow_runs/{run.id}/set_state", state)
    assert_same([FlowRun.objects.get(pk=run.uuid) for run in runs])


def test_every_column_is_written_as_a_model_is_shown(run: Run) -> None:
    FlowRun.objects.filter(pk=run.uuid).update(
        name=ODD,
        tags=[ODD, "b"],
        labels=JSON,
        parameters=JSON,
        context=JSON,
        job_variables=JSON,
        idempotency_key=ODD,
        deployment_version=ODD,
        work_queue_name=ODD,
        flow_version=ODD,
        parent_task_run_id=uuid4(),
        infrastructure_document_id=uuid4(),
        infrastructure_pid="host:1",
        created_by=ODD,
        schedule_id=uuid4(),
        run_count=3,
        expected_start_time=MOMENT,
        next_scheduled_start_time=MOMENT + timedelta(microseconds=1),
        start_time=MOMENT + timedelta(seconds=1.5),
        end_time=MOMENT + timedelta(days=1000, milliseconds=1),
        total_run_time=timedelta(days=999, microseconds=1),
        retries=2,
        retry_delay=30,
        retry_type="reschedule",
        resuming=True,
        pause_keys=["1", "2"],
    )
    FlowRunState.objects.filter(flow_run_id=run.uuid).update(message=ODD, data=JSON)
    assert_same([FlowRun.objects.get(pk=run.uuid)])


def test_a_run_without_a_state_is_written_as_a_model_is_shown(run: Run) -> None:
    FlowRun.objects.filter(pk=run.uuid).update(
        state_id=None, created_by="", job_variables=None, expected_start_time=None
    )
    assert_same([FlowRun.objects.get(pk=run.uuid)])
    assert read_run_json(run.uuid)[0] is None


def test_states_of_a_history_are_written_as_models_are_shown(run: Run) -> None:
    run.pause_for_input()
    for state in FlowRunState.objects.filter(flow_run_id=run.uuid):
        plain = wire.State.from_domain(state.to_domain()).model_dump_json()
        assert json.loads(read_state_json(state.pk)) == json.loads(plain)


def test_lists_keep_their_order_and_may_be_empty(make_run: Make) -> None:
    runs = [make_run() for _ in range(5)]
    newest = [run["id"] for run in read_rows(FlowRun.objects.order_by("-id")[1:4])]
    assert newest == [run.id for run in runs[3:0:-1]]
    assert read_rows(FlowRun.objects.none()) == []


def test_what_is_not_there_is_not_found(db: None) -> None:
    with pytest.raises(FlowRunNotFound):
        read_run_json(uuid4())
    with pytest.raises(FlowRunStateNotFound):
        read_state_json(uuid4())


def test_a_run_is_written_anew_when_it_or_its_state_has_changed(run: Run) -> None:
    """What was written before is kept, and must not outlive what it says."""
    one = FlowRun.objects.filter(pk=run.uuid)
    assert read_rows(one)[0]["tags"] == []
    one.update(tags=["new"])
    assert read_rows(one)[0]["tags"] == ["new"]
    FlowRunState.objects.filter(flow_run=run.uuid).update(message=ODD)
    assert read_rows(one)[0]["state"]["message"] == ODD
    one.update(parameters={"long": "x" * 10_000})
    assert len(read_rows(one)[0]["parameters"]["long"]) == 10_000
    run.propose("COMPLETED")
    assert_same(list(one))

"""A flow that this project's SDK serves by a schedule, on our server and on Prefect's."""

from pathlib import Path

from flowruns import FlowRun
from flowruns.sdk.calls.client import SyncFlowRunsClient
from flowruns.wire.schedules import IntervalSchedule
from tests.acceptance.serving import Server, serving
from tests.acceptance.waiting import eventually

FLOW = Path(__file__).with_name("scheduled_flow.py")


def test_schedules_are_served_and_rest_when_nobody_does(
    server: Server, client: SyncFlowRunsClient
) -> None:
    with serving(server, FLOW, last="tick/often"):
        deployment = client.read_deployment_by_name("tick/often")
        (schedule,) = deployment.schedules
        assert isinstance(schedule.schedule, IntervalSchedule)
        assert (schedule.schedule.interval.seconds, schedule.active) == (10, True)
        assert schedule.parameters == {"word": "quick"}
        assert deployment.global_concurrency_limit is not None
        assert deployment.global_concurrency_limit.limit == 1
        assert deployment.concurrency_options is not None
        assert deployment.concurrency_options.collision_strategy == "CANCEL_NEW"
        assert not deployment.paused
    assert client.read_deployment_by_name("tick/often").paused


def test_the_runs_that_a_schedule_makes_are_executed(
    server: Server, client: SyncFlowRunsClient
) -> None:
    def completed() -> list[FlowRun]:
        ended = {"state": {"type": {"any_": ["COMPLETED"]}}}
        return client.read_flow_runs(
            flow_filter={"name": {"any_": ["tick"]}}, flow_run_filter=ended
        )

    with serving(server, FLOW, last="tick/often"):
        # Prefect's scheduler looks once a minute for what it has not been told of.
        run = eventually(completed, "a run that the schedule made has ended")[0]
    assert run.auto_scheduled
    assert run.parameters == {"word": "quick"}

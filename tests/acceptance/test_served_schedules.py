"""A flow that this project's SDK serves by a schedule, on our server and on Prefect's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.serving import Server, eventually, serving
from tests.servers import ApprovalsServer, approvals_server, prefect_server

FLOW = Path(__file__).with_name("scheduled_flow.py")


@contextmanager
def connected(server: Server) -> Iterator[httpx.Client]:
    key = server.api_key if isinstance(server, ApprovalsServer) else ""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(base_url=server.api_url, headers=headers, timeout=30) as client:
        yield client


def read_deployment(api: httpx.Client) -> dict[str, Any]:
    return dict(api.get("/deployments/name/tick/often").raise_for_status().json())


def completed(api: httpx.Client) -> list[dict[str, Any]]:
    criteria = {"state": {"type": {"any_": ["COMPLETED"]}}}
    return list(api.post("/flow_runs/filter", json={"flow_runs": criteria}).json())


@pytest.mark.parametrize("start", [approvals_server, prefect_server])
def test_schedules_are_served_and_rest_when_nobody_does(start: Callable[[], Any]) -> None:
    with start() as server, connected(server) as api:
        with serving(server, FLOW, last="tick/often"):
            deployment = read_deployment(api)
            (schedule,) = deployment["schedules"]
            assert (schedule["schedule"]["interval"], schedule["active"]) == (10, True)
            assert schedule["parameters"] == {"word": "quick"}
            assert deployment["global_concurrency_limit"]["limit"] == 1
            assert deployment["paused"] is False
        assert read_deployment(api)["paused"] is True


@pytest.mark.parametrize("start", [approvals_server, prefect_server])
def test_the_runs_that_a_schedule_makes_are_executed(start: Callable[[], Any]) -> None:
    with start() as server, connected(server) as api, serving(server, FLOW, last="tick/often"):
        run = eventually(lambda: completed(api), "a run that the schedule made has ended")[0]
        assert (run["auto_scheduled"], run["parameters"]) == (True, {"word": "quick"})

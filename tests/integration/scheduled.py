"""Deployments with schedules to try them on."""

import json
from typing import Any

from tests.integration.conftest import Api

HOURLY: dict[str, Any] = {"schedule": {"interval": 3600}}


def deploy(api: Api, **fields: Any) -> dict[str, Any]:
    flow = json.loads(api.post("/flows/", {"name": "refund"}).content)
    response = api.post("/deployments/", {"name": "nightly", "flow_id": flow["id"], **fields})
    assert response.status_code in {200, 201}, response.content
    deployment: dict[str, Any] = json.loads(response.content)
    return deployment


def runs_of(api: Api, deployment: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the deployment's runs, soonest first."""
    criteria = {"deployment_id": {"any_": [deployment["id"]]}}
    response = api.post(
        "/flow_runs/filter", {"flow_runs": criteria, "sort": "EXPECTED_START_TIME_ASC"}
    )
    runs: list[dict[str, Any]] = json.loads(response.content)
    return runs

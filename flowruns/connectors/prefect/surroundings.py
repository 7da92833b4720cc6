"""What runs belong to on a Prefect server, asked for many at once: their flows and deployments."""

from collections.abc import Collection, Iterable
from itertools import batched
from typing import Any
from uuid import UUID

from flowruns import wire
from flowruns.connectors.prefect.client import Client
from flowruns.connectors.prefect.errors import RemoteFault
from flowruns.connectors.prefect.outcomes import Surroundings
from flowruns.wire import PAGE_LIMIT

# Names of flows that are remembered; they never change, a renamed flow is another one.
_MOST_NAMES = 10_000
_DELETED = "(deleted flow)"


def read_surroundings(client: Client, runs: Collection[wire.FlowRun]) -> dict[UUID, Surroundings]:
    """Return by id what the runs belong to."""
    names = _read_flow_names(client, {run.flow_id for run in runs})
    wanted = {run.deployment_id for run in runs if run.deployment_id is not None}
    deployments = _find(client, "deployments", wanted)
    return {
        run.id: _describe(
            names.get(run.flow_id, _DELETED),
            deployments.get(run.deployment_id) if run.deployment_id else None,
        )
        for run in runs
    }


def is_served(deployment: dict[str, Any]) -> bool:
    """Whether somebody asks for its runs; a stopped `serve` leaves it paused."""
    return deployment.get("status") == "READY" and not deployment.get("paused")


def _describe(flow_name: str, deployment: dict[str, Any] | None) -> Surroundings:
    if deployment is None:  # a run keeps the id of a deleted one
        return Surroundings(flow_name=flow_name)
    name = str(deployment.get("name", ""))
    return Surroundings(flow_name=flow_name, deployment_name=name, is_served=is_served(deployment))


def _read_flow_names(client: Client, flow_ids: set[UUID]) -> dict[UUID, str]:
    known = client.flow_names
    if len(known) > _MOST_NAMES:
        known.clear()
    found = _find(client, "flows", flow_ids - known.keys())
    known |= {flow_id: str(flow.get("name", "")) for flow_id, flow in found.items()}
    return {flow_id: known[flow_id] for flow_id in flow_ids & known.keys()}


def _find(client: Client, kind: str, ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    found: dict[UUID, dict[str, Any]] = {}
    for some in batched(ids, PAGE_LIMIT):
        criteria = {"id": {"any_": [str(each) for each in some]}}
        rows = client.find(f"/{kind}/filter", {kind: criteria, "limit": PAGE_LIMIT})
        if not isinstance(rows, list):
            raise RemoteFault("The server answered something else than a list.")
        by_id = {str(row.get("id")): row for row in rows if isinstance(row, dict)}
        found |= {each: by_id[str(each)] for each in some if str(each) in by_id}
    return found

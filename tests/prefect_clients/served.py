"""Serving processes, and the runs that are started in them."""

import json
from pathlib import Path
from typing import Any

import httpx

from tests.acceptance.clients import until
from tests.prefect_clients.clients import PrefectClient, Process, results


def serve(prefect: PrefectClient, notes: Path, *options: str) -> Process:
    """Serve the flows, and wait until they can be started."""
    serving = prefect.start_flow("serving.py", str(notes), *options)
    until(lambda: "prefect deployment run" in serving.output)
    return serving


def start(prefect: PrefectClient, flow: str, notes: Path, **parameters: Any) -> Process:
    """Start a run by the name of its deployment; the process waits for its end."""
    given = json.dumps({"notes": str(notes), **parameters})
    return prefect.start_flow("starting.py", f"{flow}/desk", given)


def start_by_api(api: httpx.Client, flow: str, notes: Path, **parameters: Any) -> str:
    """Have a run of the flow made for whoever serves it, and return its id."""
    deployment = api.get(f"/deployments/name/{flow}/desk").raise_for_status().json()
    given = {"parameters": {"notes": str(notes), **parameters}}
    created = api.post(f"/deployments/{deployment['id']}/create_flow_run", json=given)
    return str(created.raise_for_status().json()["id"])


def started_run(process: Process) -> str:
    """Return the id of the run, as soon as it is known."""
    [started, *_] = until(lambda: results(process.output))
    return str(started["started"])


def wait_for_the_end_of_process(notes: Path) -> None:
    """Wait until the process of the flow that noted its id first is gone."""
    process = Path("/proc") / notes.read_text().split()[2]
    until(lambda: not process.exists())


def wait_for_state(api: httpx.Client, run: str, name: str) -> None:
    until(lambda: api.get(f"/flow_runs/{run}").json()["state_name"] == name)


def wait_for_question(api: httpx.Client, run: str, *, last: str = "schema") -> None:
    """Wait until a run waits for an answer, and has said what it asks, which comes later.

    A question with a description has that `last`.
    """

    def has_asked() -> bool:
        state = api.get(f"/flow_runs/{run}").json()["state"]
        keyset = state["state_details"].get("run_input_keyset") or {}
        is_asking = state["type"] == "PAUSED" and last in keyset
        return is_asking and api.get(f"/flow_runs/{run}/input/{keyset[last]}").is_success

    until(has_asked)

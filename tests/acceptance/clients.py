"""What the acceptance tests do beside their servers: ask the API, and run flows."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.acceptance.waiting import PATIENCE_SECONDS, eventually
from tests.forking import ForkedProcess, fork_python
from tests.servers import ApprovalsServer, PrefectServer


def until[T](read: Callable[[], T | None], *, within: float = PATIENCE_SECONDS) -> T:
    """Read again and again until there is something, and return it."""
    return eventually(read, "something comes", within=within)


class _AskingAgain(httpx.HTTPTransport):
    """Asks once more what Prefect's server refused because its SQLite is busy, as its SDK does."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return until(lambda: self._ask(request))

    def _ask(self, request: httpx.Request) -> httpx.Response | None:
        response = super().handle_request(request)
        if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            return response
        response.close()
        return None


def connect(server: ApprovalsServer | PrefectServer) -> httpx.Client:
    """Return a client of the server's API, with the local key of ours."""
    if isinstance(server, PrefectServer):
        # It drops a connection after its 500s
        transport = _AskingAgain(limits=httpx.Limits(max_keepalive_connections=0))
        return httpx.Client(transport=transport, base_url=server.api_url, timeout=90)
    headers = {"Authorization": f"Bearer {server.api_key}"}
    return httpx.Client(verify=False, base_url=server.api_url, headers=headers, timeout=90)


def runs_in(client: httpx.Client, *types: str) -> list[dict[str, Any]]:
    """Return the runs whose state is of one of these types."""
    body = {"flow_runs": {"state": {"type": {"any_": types}}}}
    return list(client.post("/flow_runs/filter", json=body).raise_for_status().json())


def make_run(client: httpx.Client, **fields: Any) -> str:
    """Make a run that is RUNNING, with nothing behind it, and return its id."""
    flow = client.post("/flows/", json={"name": "by hand"}).raise_for_status().json()
    body = {"flow_id": flow["id"], **fields}
    run: str = client.post("/flow_runs/", json=body).raise_for_status().json()["id"]
    set_state(client, run, "RUNNING")
    return run


def state_of(client: httpx.Client, run: str) -> str:
    return str(client.get(f"/flow_runs/{run}").json()["state_type"])


def set_state(client: httpx.Client, run: str, name: str, **state: Any) -> dict[str, Any]:
    body = {"state": {"type": name, **state}}
    answer = client.post(f"/flow_runs/{run}/set_state", json=body).raise_for_status()
    return dict(answer.json())


def resume(client: httpx.Client, run: str, answer: Any = None) -> dict[str, Any]:
    reply = client.post(f"/flow_runs/{run}/resume", json={"run_input": answer})
    return dict(reply.raise_for_status().json())


def start_flow(
    server: ApprovalsServer, script: Path, *arguments: str, python: str | Path = sys.executable
) -> ForkedProcess:
    """Run a script with flows in a process of its own."""
    return fork_python([python, script, *arguments], server.flow_environment)

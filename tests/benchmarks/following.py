"""How soon a desk opens and closes what waits on another server, in processes of their own.

`python -m tests.benchmarks.following` measures it with a server in memory, and `… real` with
Prefect's own: with the stream, with an event that is lost, without the stream, and 1,000 at once.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import httpx

from tests.fake_prefect import FakePrefect
from tests.opened import count_open, is_open
from tests.servers import ApprovalsServer, approvals_server, prefect_server

ROUNDS = 100
SLOW_ROUNDS = 4
BURST = 1_000
_PATIENCE = 300.0
_KEYSET = {part: f"paused-1-{part}" for part in ("schema", "description", "response")}


class Elsewhere(Protocol):
    """A server whose runs wait."""

    url: str
    streams: bool

    def begin(self) -> str:
        """Have a run wait, and return its id."""

    def end(self, run_id: str) -> None:
        """Have it wait no more."""


class InMemory:
    """A server that does no work of its own; it tells of each change unless that gets lost."""

    def __init__(self, server: FakePrefect) -> None:
        self.url, self._server, self.loses = server.url, server, False

    @property
    def streams(self) -> bool:
        return self._server.streams

    @streams.setter
    def streams(self, streams: bool) -> None:
        self._server.streams = streams
        self._server.hang_up()

    def begin(self) -> str:
        run_id, _ = self._server.pause()
        self._tell(run_id)
        return run_id

    def end(self, run_id: str) -> None:
        self._server.put(run_id, "CANCELLED")
        self._tell(run_id)

    def _tell(self, run_id: str) -> None:
        if not self.loses:
            self._server.tell(run_id)


class Prefects:
    """Prefect's own server, asked as its SDK asks."""

    streams = True

    def __init__(self, url: str) -> None:
        self.url = url
        fresh = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(base_url=url, timeout=60, limits=fresh)
        self._flow_id = self._post("/flows/", {"name": "refund"})["id"]

    def begin(self) -> str:
        made = {"flow_id": self._flow_id, "state": {"type": "RUNNING"}}
        run_id = str(self._post("/flow_runs/", made)["id"])
        schema = {"key": _KEYSET["schema"], "value": '{"type": "object"}'}
        self._post(f"/flow_runs/{run_id}/input", schema)
        details = {"pause_timeout": "2099-01-01T00:00:00Z", "run_input_keyset": _KEYSET}
        self._set(run_id, {"type": "PAUSED", "name": "Paused", "state_details": details})
        return run_id

    def end(self, run_id: str) -> None:
        self._set(run_id, {"type": "CANCELLED"})

    def resume(self, run_id: str, run_input: object) -> dict[str, str]:
        """Answer a run as Prefect's own page does, and return the verdict, {} where refused."""
        path = f"/flow_runs/{run_id}/resume"
        while True:  # busy, which on SQLite it often is
            answer = self._client.post(path, json={"run_input": run_input})
            if answer.status_code != 503:
                break
            time.sleep(0.01)
        verdict: dict[str, str] = answer.json() if answer.is_success else {}
        return verdict

    def cancel(self, run_id: str) -> dict[str, str]:
        """Cancel a run as Prefect's own page does, and return the verdict."""
        body = {"state": {"type": "CANCELLED", "name": "Cancelled"}}
        return self._post(f"/flow_runs/{run_id}/set_state", body)

    def list_states_after_pause(self, run_id: str) -> list[str]:
        """Return the types of a run's states since its pause, the oldest first."""
        answer = self._client.get("/flow_run_states/", params={"flow_run_id": run_id})
        states = sorted(answer.raise_for_status().json(), key=lambda state: state["timestamp"])
        types = [state["type"] for state in states]
        return types[types.index("PAUSED") + 1 :]

    def read_answer(self, run_id: str) -> str:
        """Return the answer that is stored for a run."""
        answer = self._client.get(f"/flow_runs/{run_id}/input/{_KEYSET['response']}")
        return answer.raise_for_status().text

    def read_state_type(self, run_id: str) -> str:
        answer = self._client.get(f"/flow_runs/{run_id}").raise_for_status()
        return str(answer.json()["state_type"])

    def _set(self, run_id: str, state: object) -> None:
        verdict = self._post(f"/flow_runs/{run_id}/set_state", {"state": state})
        assert verdict["status"] == "ACCEPT", verdict

    def _post(self, path: str, body: object) -> dict[str, str]:
        for _ in range(50):  # busy, which on SQLite it often is
            answer = self._client.post(path, json=body)
            if answer.status_code != 503:
                break
            time.sleep(0.1)
        answer.raise_for_status()
        found: dict[str, str] = answer.json() or {}
        return found


def measure(
    elsewhere: Elsewhere, desk: ApprovalsServer, *, rounds: int
) -> Iterator[tuple[float, float]]:
    """Yield after how many seconds a run is open here, and closed."""
    for _ in range(rounds):
        run_id = elsewhere.begin()
        opened = wait_until(lambda run_id=run_id: is_open(desk, run_id))  # type: ignore[misc]
        elsewhere.end(run_id)
        yield opened, wait_until(lambda run_id=run_id: not is_open(desk, run_id))  # type: ignore[misc]


def measure_burst(elsewhere: Elsewhere, desk: ApprovalsServer) -> tuple[float, float]:
    """Return the seconds until all that came at once is open after the last has come, and closed.

    What it takes Prefect's server to have them wait is not counted.
    """
    runs = [elsewhere.begin() for _ in range(BURST)]
    opened = wait_until(lambda: count_open(desk) == BURST)
    for run_id in runs:
        elsewhere.end(run_id)
    return opened, wait_until(lambda: count_open(desk) == 0)


def wait_until(question: Callable[[], bool]) -> float:
    began = time.monotonic()
    while not question():
        assert time.monotonic() < began + _PATIENCE, "It does not come to be"
        time.sleep(0.005)
    return time.monotonic() - began


def tell(what: str, seconds: Sequence[tuple[float, float]]) -> None:
    for word, some in zip(("opened", "closed"), zip(*seconds, strict=True), strict=True):
        most = max(some) if len(some) < 100 else statistics.quantiles(some, n=100)[98]
        print(f"{what:<22} {word}  p50 {statistics.median(some):6.2f} s   p99 {most:6.2f} s")


@contextmanager
def following(url: str) -> Iterator[ApprovalsServer]:
    """Have a desk follow a server, whose stream it has opened and looked after."""
    with approvals_server(is_command=True) as server:
        server.manage("addserver", "theirs", url)
        while "stream open since never" in server.manage("listservers"):
            time.sleep(0.5)
        time.sleep(8)  # the looks that follow an opening
        yield server


def measure_in_memory() -> None:
    with FakePrefect().running() as server, following(server.url) as desk:
        elsewhere = InMemory(server)
        tell("with the stream", list(measure(elsewhere, desk, rounds=ROUNDS)))
        tell(f"{BURST} at once", [measure_burst(elsewhere, desk)])
        elsewhere.loses = True
        tell("an event lost", list(measure(elsewhere, desk, rounds=SLOW_ROUNDS)))
        elsewhere.streams = False
        tell("without the stream", list(measure(elsewhere, desk, rounds=SLOW_ROUNDS)))


def measure_prefects() -> None:
    with prefect_server() as server, following(server.api_url) as desk:
        elsewhere = Prefects(server.api_url)
        tell("with the stream", list(measure(elsewhere, desk, rounds=ROUNDS)))
        tell(f"{BURST} at once", [measure_burst(elsewhere, desk)])


if __name__ == "__main__":
    measure_prefects() if "real" in sys.argv[1:] else measure_in_memory()

"""The database goes away in several ways while people, programs and flows act."""

import os
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.acceptance.waiting import eventually
from tests.faults import breaking
from tests.faults.crowds import Crowd, crowd_at
from tests.faults.desks import Desk
from tests.faults.tables import Row
from tests.servers import ApprovalsServer

# Nobody waits longer for an answer, whatever the database does, on a machine that is busy
_PATIENCE = 10.0
# So soon after its end everything is as before
_RECOVERY = 30.0
_LOOK = 0.5

type Outage = Callable[[], AbstractContextManager[None]]


@dataclass(kw_only=True)
class Doors:
    """What a program and a person ask one server for, and how they are answered."""

    server: ApprovalsServer
    run: str
    flow: str
    key: str
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: float = 0.0

    def ask_all(self) -> None:
        self._ask("GET", "/api/health", {200})
        self._ask("GET", "/api/ready", {200, 503})
        self._ask("GET", f"/api/flow_runs/{self.run}", {200, 503})
        self._ask("POST", "/api/flow_runs/", {201, 503}, json=_run_of(self.flow))
        self._ask("GET", "/", {302, 503}, headers={"Cookie": "sessionid=somebody"})

    def _ask(self, method: str, path: str, expected: set[int], **sent: Any) -> None:
        began = time.monotonic()
        try:
            answer = self._send(method, path, **sent)
        except httpx.TransportError as error:
            self.wrong.append(f"{method} {path} has no answer: {error!r}")
            return
        took = time.monotonic() - began
        self.slowest = max(self.slowest, took)
        self.answers[str(answer.status_code)] += 1
        if answer.status_code not in expected:
            self.wrong.append(f"{method} {path} is answered {answer.status_code}")
        if answer.status_code == 503 and "ready" not in path and not _is_clear(answer):
            self.wrong.append(f"{method} {path} is answered {answer.text[:200]}")
        if took > _PATIENCE:
            self.wrong.append(f"{method} {path} took {took:.1f} s")

    def are_as_before(self) -> bool:
        """Whether a run can be read and made, and a page be opened."""
        try:
            read = self._send("GET", f"/api/flow_runs/{self.run}").status_code
            made = self._send("POST", "/api/flow_runs/", json=_run_of(self.flow)).status_code
            page = self._send("GET", "/accounts/login/").status_code
        except httpx.TransportError:
            return False
        return (read, made, page) == (200, 201, 200)

    def _send(self, method: str, path: str, **sent: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"} | dict(sent.pop("headers", {}))
        url = f"{self.server.url}{path}"
        return httpx.request(
            method, url, headers=headers, timeout=3 * _PATIENCE, verify=False, **sent
        )


def _run_of(flow: str) -> dict[str, Any]:
    return {"flow_id": flow, "state": {"type": "COMPLETED"}}


def _is_clear(answer: httpx.Response) -> bool:
    """Whether a 503 says when to come again, and in a sentence why."""
    return "Retry-After" in answer.headers and (
        "not available" in answer.text or "cannot reach its database" in answer.text
    )


def outlive_outages(desk: Desk, *, seconds: float, seed: int) -> list[Row]:
    """Have all outages one after the other, each so long, and return what came of them."""
    with crowd_at(desk, seed=seed) as crowd:
        outages = list_outages(desk).items()
        rows = [_outlive(crowd, what, outage, seconds=seconds) for what, outage in outages]
    return [*rows, *crowd.judge("all outages together")]


def _outlive(crowd: Crowd, what: str, outage: Outage, *, seconds: float) -> Row:
    doors = [_make_doors(server, crowd.desk) for server in crowd.desk.servers]
    with outage():
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            for each in doors:
                each.ask_all()
            time.sleep(_LOOK)
    ended, wrong = time.monotonic(), [why for each in doors for why in each.wrong]
    try:
        eventually(lambda: all(each.are_as_before() for each in doors), what, within=_RECOVERY)
    except AssertionError as error:
        wrong.append(str(error))
    answers = sum((each.answers for each in doors), Counter[str]())
    told = ", ".join(f"{number} of {status}" for status, number in sorted(answers.items()))
    slowest, recovery = max(each.slowest for each in doors), time.monotonic() - ended
    counted = f"{told}; slowest {slowest:.1f} s; as before after {recovery:.1f} s"
    return Row(what=f"{what}, {seconds:.0f} s", counted=counted, wrong=wrong)


def _make_doors(server: ApprovalsServer, desk: Desk) -> Doors:
    headers = {"Authorization": f"Bearer {desk.first.api_key}"}
    with httpx.Client(base_url=server.api_url, headers=headers, verify=False, timeout=60) as client:
        flow = client.post("/flows/", json={"name": "probed"}).raise_for_status().json()["id"]
        run = client.post("/flow_runs/", json=_run_of(flow)).raise_for_status().json()["id"]
    return Doors(server=server, run=run, flow=flow, key=desk.first.api_key)


def list_outages(desk: Desk) -> dict[str, Outage]:
    """Return what can happen to the desk's database."""
    if (postgresql := desk.database) is not None:
        return {
            "PostgreSQL killed by `kill -9`": lambda: breaking.killed(postgresql),
            "PostgreSQL stopped and started": lambda: breaking.stopped(postgresql),
            "PostgreSQL cut off": lambda: breaking.cut_off(postgresql),
        }
    path = desk.first.home / "approvals.sqlite3"
    outages: dict[str, Outage] = {
        "SQLite on a full disk": lambda: breaking.no_more_room(desk.first.pid, desk.work.pid),
        "SQLite locked by another program": lambda: breaking.locked(path),
    }
    if os.geteuid() == 0:
        outages["SQLite read-only"] = lambda: breaking.read_only(path)
    return outages

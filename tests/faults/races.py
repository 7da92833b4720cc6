"""Decide, resume, cancel and expire: all four at the same moment, through several processes."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count

from tests.acceptance.waiting import eventually
from tests.faults import checks
from tests.faults.actors import Actor, Caller, Reviewer, Unanswered
from tests.faults.desks import Desk
from tests.faults.evidence import read_runs
from tests.faults.ledger import Kind, Ledger
from tests.faults.tables import Row

# Rounds at a time, with people and programs of their own
_BESIDE = 8
# Seconds from the pause to its deadline, and how far from that somebody acts
_TIMEOUT, _ABOUT = 3.0, 0.5
_SCHEMA = '{"type": "object", "properties": {"value": {"type": "string"}}, "required": ["value"]}'


@dataclass(kw_only=True)
class Racers:
    """Three who want to end the same pause, each in another way, and the program that pauses."""

    maker: Caller
    decider: Reviewer
    resumer: Caller
    canceller: Caller
    random: random.Random
    flow: str = field(init=False)

    def __post_init__(self) -> None:
        self.flow = self.maker.ask("/flows/", {"name": "raced"}).json()["id"]

    def race(self, pool: ThreadPoolExecutor) -> None:
        """Pause a run, and have it ended at its deadline in all ways at once."""
        deadline = time.monotonic() + _TIMEOUT
        run = self._pause()
        approval = self.decider.find_approval(run)
        assert approval is not None
        ways = [
            partial(self.decider.decide, Kind.ANSWER, run, approval),
            partial(self.resumer.resume_run, run),
            partial(self.canceller.cancel_run, run),
        ]
        moments = [deadline + self.random.uniform(-_ABOUT, _ABOUT) for _ in ways]
        acting = [pool.submit(_act_at, *each) for each in zip(moments, ways, strict=True)]
        for each in acting:
            each.result()

    def _pause(self) -> str:
        started = {"flow_id": self.flow, "state": {"type": "RUNNING"}}
        run: str = self.maker.ask("/flow_runs/", started).json()["id"]
        keyset = {part: f"raced-{part}" for part in ("schema", "description", "response")}
        schema = {"key": keyset["schema"], "value": _SCHEMA}
        assert self.maker.ask(f"/flow_runs/{run}/input", schema).status_code == 201
        timeout = datetime.now(UTC) + timedelta(seconds=_TIMEOUT)
        details = {"pause_key": "raced", "pause_timeout": timeout.isoformat()}
        state = {"type": "PAUSED", "state_details": details | {"run_input_keyset": keyset}}
        answer = self.maker.ask(f"/flow_runs/{run}/set_state", {"state": state})
        assert answer.json()["status"] == "ACCEPT", answer.text
        return run


def _act_at(moment: float, act: Callable[[], bool]) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
    with suppress(Unanswered):
        act()


def race(desk: Desk, *, rounds: int, seed: int) -> list[Row]:
    """Race so often, with two processes that expire what is overdue; return what came of it."""
    ledger, drawn = Ledger(), random.Random(seed)
    second = replace(desk.work, name="work-2", log=desk.folder / "work-2.log")
    second.start()
    try:
        _race(desk, ledger, rounds=rounds, drawn=drawn)
        runs = read_runs(desk.first)
    finally:
        second.kill()
    outcomes = Counter(each.outcome for run in runs.values() for each in run.approvals)
    told = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))
    return [
        Row(
            what="decided, resumed, cancelled and expired at once: one outcome each",
            counted=f"{outcomes.total()} rounds ({told})",
            wrong=[
                *checks.find_both(ledger, runs, notes=[]),
                *checks.find_lost_acts(ledger, runs, notes=[]),
                *checks.find_unexplained(runs),
                *(f"{run.id} waits" for run in runs.values() if run.last.type == "PAUSED"),
            ],
        )
    ]


def _race(desk: Desk, ledger: Ledger, *, rounds: int, drawn: random.Random) -> None:
    names = [f"person-{number}" for number in range(_BESIDE)]
    keys = desk.let_in(names, ["pauses", "robot", "stops"])

    def make[A: Actor](kind: type[A], name: str, key: str) -> A:
        own = random.Random(drawn.random())
        return kind(desk=desk, ledger=ledger, name=name, key=key, random=own)

    racers = [
        Racers(
            maker=make(Caller, "pauses", keys["pauses"]),
            decider=make(Reviewer, name, keys["pauses"]),
            resumer=make(Caller, "robot", keys["robot"]),
            canceller=make(Caller, "stops", keys["stops"]),
            random=drawn,
        )
        for name in names
    ]
    begun = count()
    with ThreadPoolExecutor(_BESIDE) as rounds_pool, ThreadPoolExecutor(3 * _BESIDE) as pool:
        racing = [rounds_pool.submit(_keep_racing, each, pool, begun, rounds) for each in racers]
        for each in racing:
            each.result()
    eventually(lambda: not racers[0].maker.list_runs("PAUSED"), "no run is paused any more")


def _keep_racing(
    racers: Racers, pool: ThreadPoolExecutor, begun: Iterator[int], rounds: int
) -> None:
    while next(begun) < rounds:
        # A server that has too much to do says so; what has begun is judged all the same
        with suppress(Unanswered):
            racers.race(pool)

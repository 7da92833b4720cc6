"""`kill -9` of servers, workers and flows at random moments, while people and programs act."""

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.waiting import eventually
from tests.faults import checks
from tests.faults.actors import Actor, Caller, Reviewer, Unanswered
from tests.faults.desks import Desk, Process
from tests.faults.evidence import read_notes, read_runs
from tests.faults.ledger import Ledger
from tests.faults.tables import Row
from tests.servers import ApprovalsServer

_FLOWS = str(Path(__file__).with_name("asking_flows.py"))
_PEOPLE = ("fay", "finn", "flo")
_CALLERS = ("robot", "pipeline")
_CREW = 2
# Seconds between two kills, at random
_SOONEST, _LATEST = 0.2, 3.0
# Runs of killed processes are ended after forty seconds; machines may be busy
_PATIENCE = 240.0

type Victim = ApprovalsServer | Process


@dataclass(kw_only=True)
class Killing:
    """A desk with people, programs and flows, of which something is killed again and again."""

    desk: Desk
    random: random.Random
    ledger: Ledger = field(default_factory=Ledger)
    killed: Counter[str] = field(default_factory=Counter)
    actors: list[Actor] = field(default_factory=list)
    crew: list[Process] = field(default_factory=list)
    serving: Process = field(init=False)

    def prepare(self) -> None:
        """Let people in, say who answers what, and start the flows."""
        desk, folder = self.desk, str(self.desk.folder)
        desk.make_people(*_PEOPLE)
        looking = desk.make_key("looking")
        self.actors += [self._make(Reviewer, name, looking) for name in _PEOPLE]
        for name in _CALLERS:
            key = desk.make_key(name, "flows", "resume")
            self.actors.append(self._make(Caller, name, key))
        self.crew = [
            desk.make_process(f"crew {number}", _FLOWS, "crew", folder) for number in range(_CREW)
        ]
        self.serving = desk.make_process("serving", _FLOWS, "serve", folder)
        for process in (*self.crew, self.serving):
            process.start()

    def _make(self, kind: type[Actor], name: str, key: str) -> Actor:
        own = random.Random(self.random.random())
        return kind(desk=self.desk, ledger=self.ledger, name=name, key=key, random=own)

    def kill(self, rounds: int) -> None:
        """Kill one at a time, and start it again a moment later."""
        victims: dict[str, list[Victim]] = {
            "servers": [*self.desk.servers],
            "work": [self.desk.work],
            "flows": [*self.crew, self.serving],
        }
        for _ in range(rounds):
            time.sleep(self.random.uniform(_SOONEST, _LATEST))
            kind = self.random.choices(list(victims), weights=[3, 1, 2])[0]
            victim = self.random.choice(victims[kind])
            victim.kill()
            self.killed[kind] += 1
            time.sleep(self.random.uniform(0, 1))
            victim.start()

    def end(self) -> None:
        """Let all flows end, by those who act on; fail where one does not."""
        (self.desk.folder / "stop").touch()
        for process in self.crew:
            assert process.wait(_PATIENCE) == 0, process.log.read_text()[-2000:]
        eventually(self._have_ended, "all runs have ended", within=_PATIENCE)

    def _have_ended(self) -> bool:
        try:
            return not self.actors[0].list_runs("SCHEDULED", "PENDING", "RUNNING", "PAUSED")
        except Unanswered:
            return False


def kill_at_random(desk_of: AbstractContextManager[Desk], *, rounds: int, seed: int) -> list[Row]:
    """Kill so often, and return what was done and what is wrong after that."""
    with desk_of as desk:
        killing, is_over = Killing(desk=desk, random=random.Random(seed)), threading.Event()
        killing.prepare()
        with ThreadPoolExecutor(len(killing.actors)) as pool:
            acting = [pool.submit(actor.keep_acting, is_over) for actor in killing.actors]
            hangs = []
            try:
                killing.kill(rounds)
                killing.end()
            except AssertionError as hung:
                hangs.append(str(hung))
            finally:
                is_over.set()
            for each in acting:
                each.result()
        return _judge(killing, hangs)


def _judge(killing: Killing, hangs: list[str]) -> list[Row]:
    runs = read_runs(killing.desk.first)
    notes = list(read_notes(killing.desk.folder))
    acts = killing.ledger.count()
    told = ", ".join(f"{number} {kind}" for kind, number in sorted(acts.items()))
    outcomes = Counter(each.outcome for run in runs.values() for each in run.approvals)
    ended = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))
    killed = ", ".join(f"{number} of {kind}" for kind, number in sorted(killing.killed.items()))
    return [
        Row(
            what=f"`kill -9`: {killed}",
            counted=f"{acts.total()} acknowledged acts ({told})",
            wrong=checks.find_lost_acts(killing.ledger, runs, notes),
        ),
        Row(
            what="histories that explain their states",
            counted=f"{len(runs)} runs",
            wrong=checks.find_unexplained(runs),
        ),
        Row(
            what="approvals with one outcome",
            counted=f"{outcomes.total()} ({ended})",
            wrong=checks.find_both(killing.ledger, runs, notes),
        ),
        Row(
            what="flows that ended",
            counted=f"{len(runs)} runs",
            wrong=hangs + checks.find_hanging(runs),
        ),
    ]

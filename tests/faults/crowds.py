"""People, programs and flows at a desk, and the judgement of what is left of their acts."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import TimeoutExpired

from tests.acceptance.waiting import eventually
from tests.faults import checks
from tests.faults.actors import Actor, Caller, Reviewer, Unanswered
from tests.faults.desks import Desk, Process
from tests.faults.evidence import read_notes, read_runs
from tests.faults.ledger import Ledger
from tests.faults.tables import Row

FLOWS = str(Path(__file__).with_name("asking_flows.py"))
_PEOPLE = ("fay", "finn", "flo")
_CALLERS = ("robot", "pipeline")
_CREW = 2
# Runs of killed processes are ended after forty seconds; machines may be busy
_PATIENCE = 240.0


@dataclass(kw_only=True)
class Crowd:
    """Those who act on a desk while it is broken."""

    desk: Desk
    random: random.Random
    ledger: Ledger = field(default_factory=Ledger)
    actors: list[Actor] = field(default_factory=list)
    crew: list[Process] = field(default_factory=list)
    serving: Process = field(init=False)
    hangs: list[str] = field(default_factory=list)

    def prepare(self) -> None:
        """Let people in, give programs their keys, and start the flows."""
        desk, folder = self.desk, str(self.desk.folder)
        keys = desk.let_in(_PEOPLE, _CALLERS)
        looking = desk.first.api_key
        self.actors += [self._make(Reviewer, name, looking) for name in _PEOPLE]
        self.actors += [self._make(Caller, name, key) for name, key in keys.items()]
        self.crew = [
            desk.make_process(f"crew-{number}", FLOWS, "crew", folder) for number in range(_CREW)
        ]
        self.serving = desk.make_process("serving", FLOWS, "serve", folder)
        for process in (*self.crew, self.serving):
            process.start()

    def _make(self, kind: type[Actor], name: str, key: str) -> Actor:
        own = random.Random(self.random.random())
        return kind(desk=self.desk, ledger=self.ledger, name=name, key=key, random=own)

    def end(self) -> None:
        """Have all flows end, by those who act on, and note those that do not."""
        (self.desk.folder / "stop").touch()
        try:
            for process in self.crew:
                assert process.wait(_PATIENCE) == 0, process.log.read_text()[-2000:]
            eventually(self._have_ended, "all runs have ended", within=_PATIENCE)
        except (AssertionError, TimeoutExpired) as hung:
            self.hangs.append(str(hung))

    def _have_ended(self) -> bool:
        try:
            return not self.actors[0].list_runs("SCHEDULED", "PENDING", "RUNNING", "PAUSED")
        except Unanswered:
            return False

    def judge(self, what: str) -> list[Row]:
        """Compare what was acknowledged, and what flows were told, with what the desk holds."""
        runs = read_runs(self.desk.first)
        notes = list(read_notes(self.desk.folder))
        acts = self.ledger.count()
        told = ", ".join(f"{number} {kind}" for kind, number in sorted(acts.items()))
        outcomes = Counter(each.outcome for run in runs.values() for each in run.approvals)
        ended = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))
        return [
            Row(
                what=what,
                counted=f"{acts.total()} acknowledged acts ({told})",
                wrong=checks.find_lost_acts(self.ledger, runs, notes),
            ),
            Row(
                what="histories that explain their states",
                counted=f"{len(runs)} runs",
                wrong=checks.find_unexplained(runs),
            ),
            Row(
                what="approvals with one outcome",
                counted=f"{outcomes.total()} ({ended})",
                wrong=checks.find_both(self.ledger, runs, notes),
            ),
            Row(
                what="answers that came, and a flow gave up without the server at its deadline",
                counted=f"{checks.count_unheard(runs, notes)}",
            ),
            Row(
                what="flows that ended",
                counted=f"{len(runs)} runs",
                wrong=self.hangs + checks.find_hanging(runs),
            ),
        ]


@contextmanager
def crowd_at(desk: Desk, *, seed: int) -> Iterator[Crowd]:
    """Let people and programs act for the time of the block, and until all flows have ended."""
    crowd, is_over = Crowd(desk=desk, random=random.Random(seed)), threading.Event()
    crowd.prepare()
    with ThreadPoolExecutor(len(crowd.actors)) as pool:
        acting = [pool.submit(actor.keep_acting, is_over) for actor in crowd.actors]
        try:
            yield crowd
            crowd.end()
        finally:
            is_over.set()
        for each in acting:
            each.result()

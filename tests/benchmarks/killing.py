"""`kill -9` of the process that answers for the desk, at every step of an answer and a rejection.

`python -m tests.benchmarks.killing 50` kills so many, at each request in turn, before and after
it had its effect, and counts what became of the runs. The server elsewhere is in memory; then
that server breaks off as often, as one does that is killed.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice, product
from pathlib import Path
from typing import IO

import django

from tests.fake_prefect import FakePrefect, Fault
from tests.migrated import copy_our_database

_PATIENCE = 120.0
# The requests of an answer: look, claim, look, move, and the look at what became of it
_REQUESTS = range(1, 8)
_GIVEN = {"approve": True}

# The number of a request, what is sent, and whether the request has its effect
type Moment = tuple[int, str, bool]


@dataclass(kw_only=True)
class Worker:
    """The process that works for the desk, and what begins it again."""

    ancestor: subprocess.Popen[str]
    pid: int = 0
    deaths: int = 0

    def begin(self) -> None:
        """Begin to work anew, once whatever the last one held has lapsed."""
        from approvals.models import Attempt
        from flowruns.models import RemoteServer

        Attempt.objects.update(held_until=None)
        RemoteServer.objects.update(leased_until=None)
        entrance, exit_ = self._pipes
        entrance.write("\n")
        entrance.flush()
        self.pid = int(exit_.readline())

    def kill(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            self.deaths += 1
        self.pid = 0

    @property
    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self.ancestor.stdin
        assert self.ancestor.stdout
        return self.ancestor.stdin, self.ancestor.stdout


@contextmanager
def working() -> Iterator[Worker]:
    """Have a desk of its own, whose work can be killed."""
    with tempfile.TemporaryDirectory(prefix="approvals-killing-") as folder:
        home = Path(folder) / "home"
        home.mkdir(mode=0o700)
        copy_our_database(home / "approvals.sqlite3")
        os.environ |= {
            "APPROVALS_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "approvals.project.settings",
        }
        django.setup()
        ancestor = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.dying_work"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert ancestor.stdout
        assert ancestor.stdout.readline() == "loaded\n"
        worker = Worker(ancestor=ancestor)
        try:
            yield worker
        finally:
            worker.kill()
            ancestor.kill()
            ancestor.communicate()


def kill_once(theirs: FakePrefect, worker: Worker, *, whom: str, moment: Moment) -> str:
    """Kill one side at a request of what is sent, and say what became of the run in the end."""
    from approvals.models import Approval

    at, kind, has_effect = moment
    run_id, pause_id = theirs.pause()
    theirs.tell(run_id)
    wait_until(lambda: Approval.objects.filter(pause_state_id=pause_id).exists())
    count = 0

    def meet(request: str) -> None:
        nonlocal count
        count += run_id in request
        if run_id in request and count == at:
            if whom == "work":
                worker.kill()
            if not has_effect:
                raise ConnectionResetError
            theirs.faults.append(Fault(request, takes_effect=True))

    theirs.before = meet
    send(Approval.objects.get(pause_state_id=pause_id), kind)
    wait_until(lambda: worker.pid == 0 or is_settled(pause_id))
    theirs.before = str
    if worker.pid == 0:
        worker.begin()
    wait_until(lambda: is_settled(pause_id))
    return judge(theirs, run_id, Approval.objects.get(pause_state_id=pause_id), kind)


def send(approval: "object", kind: str) -> None:
    """Write what a reviewer sends."""
    from django.contrib.auth.models import User

    from approvals.models import Approval
    from approvals.services import votes

    assert isinstance(approval, Approval)
    alice = User.objects.get_or_create(username="alice")[0]
    if kind == "answer":
        votes.answer_approval(approval, user=alice, run_input=_GIVEN)
    else:
        votes.reject_approval(approval, user=alice, reason="No")


def is_settled(pause_id: str) -> bool:
    from approvals.models import Attempt

    return Attempt.objects.filter(approval__pause_state_id=pause_id, step="settled").exists()


def judge(theirs: FakePrefect, run_id: str, approval: "object", kind: str) -> str:
    """Say what became of a run: as it was sent and once, or what else."""
    from approvals.models import Approval, Attempt

    assert isinstance(approval, Approval)
    attempt = Attempt.objects.get(approval=approval)
    if approval.is_waiting:
        is_free = theirs.answer_of(run_id) is None
        return "nothing sent, and told so" if is_free else "CLAIMED FOR EVER"
    ends = theirs.kinds_of(run_id)[1:]
    stored = json.loads(theirs.answer_of(run_id) or "null")
    wanted: tuple[list[str], object, str] = (["RUNNING"], _GIVEN, "answered")
    if kind == "reject":
        wanted = (["CANCELLED"], "rejected by alice", "rejected")
    if (ends, stored, approval.outcome) != wanted:
        return f"WRONG: {ends}, {stored}, {approval.outcome}"
    if (attempt.outcome, approval.decision.decided_by) != ("done", "alice"):
        return f"TOLD WRONG: {attempt.outcome}, {approval.decision.decided_by}"
    return "as it was sent, once"


def wait_until(question: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not question():
        assert time.monotonic() < deadline, "It does not come to be"
        time.sleep(0.01)


def main(kills: int) -> int:
    moments = product(_REQUESTS, ("answer", "reject"), (True, False))
    became: Counter[str] = Counter()
    with FakePrefect().running() as theirs, working() as worker:
        from flowruns.services.servers import ServerSettings, add_server, draft_server

        add_server(draft_server("theirs", ServerSettings(url=theirs.url)))
        worker.begin()
        for moment in islice(cycle(moments), kills):
            for whom in ("work", "server"):
                became[kill_once(theirs, worker, whom=whom, moment=moment)] += 1
    print(f"{2 * kills} runs, {worker.deaths} deaths of the work, {kills} of the server:")
    print(*(f"{count} {what}" for what, count in became.items()), sep="\n")
    return 2 * kills - became["as it was sent, once"] - became["nothing sent, and told so"]


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])) != 0)

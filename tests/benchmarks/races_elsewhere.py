"""A desk and somebody on Prefect's own server decide about the same run at the same moment.

`python -m tests.benchmarks.races_elsewhere 100` races answers so often on a real server of Prefect;
`… 50 reject` rejects here while it is answered there, `… 50 cancel` answers here while it is
cancelled there, `… 50 stop` rejects here while it is cancelled there. `older` behind it takes the
older release, `postgresql` a server whose state is in PostgreSQL. Whoever won last begins a little
later the next time, so that the two meet. Each run must have one end, which its state, the desk and
both sides agree on: above all it never goes on where the desk says that it was rejected.
"""

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.benchmarks.following import Prefects
from tests.benchmarks.killing import Worker, is_settled, send, wait_until, working
from tests.environments import OLDER_PREFECT_PYTHON, PREFECT_PYTHON
from tests.postgres import create_database, postgresql_server
from tests.servers import PrefectServer, prefect_server

_OURS, _THEIRS = {"approve": True}, {"approve": False}
_STEP = 0.004  # seconds, by which the next start is put off
_OVER = {"CANCELLED", "CANCELLING", "FAILED"}


@contextmanager
def desk_of(
    python: Path, *, database_url: str | None = None
) -> Iterator[tuple[PrefectServer, Prefects, Worker]]:
    """Have a desk that works, and follows a real server of its own."""
    with prefect_server(python, database_url=database_url) as server, working() as worker:
        from django.contrib.auth.models import User

        from flowruns.services.servers import ServerSettings, add_server, draft_server

        User.objects.get_or_create(username="alice")
        add_server(draft_server("theirs", ServerSettings(url=server.api_url)))
        worker.begin()
        yield server, Prefects(server.api_url), worker


def race_once(theirs: Prefects, what: str, *, head_start: float) -> tuple[str, bool]:
    """Decide on both sides; `head_start` is ours. Says what became of it, and if we won."""
    from approvals.models import Approval

    run_id = theirs.begin()
    wait_until(lambda: Approval.objects.filter(flow_run_id=run_id).exists())
    approval = Approval.objects.get(flow_run_id=run_id)
    told: list[dict[str, str]] = []

    def decide_there() -> None:
        time.sleep(max(head_start, 0.0))
        is_cancelled = what in {"cancel", "stop"}
        told.append(theirs.cancel(run_id) if is_cancelled else theirs.resume(run_id, _THEIRS))

    other = threading.Thread(target=decide_there)
    other.start()
    time.sleep(max(-head_start, 0.0))
    send(approval, "reject" if what in {"reject", "stop"} else "answer")
    other.join()
    wait_until(lambda: is_settled(str(approval.pause_state_id)))
    accepted = told[0].get("status") == "ACCEPT"
    if what == "answer":
        return judge(theirs, run_id, accepted=accepted)
    if what == "reject":
        return judge_rejection(theirs, run_id)
    return judge_cancel(theirs, run_id) if what == "cancel" else judge_stop(theirs, run_id)


def judge(theirs: Prefects, run_id: str, *, accepted: bool) -> tuple[str, bool]:
    """Compare what the server has stored with what everybody was told."""
    from approvals.models import Approval, Attempt

    approval = Approval.objects.select_related("decision").get(flow_run_id=run_id)
    attempt = Attempt.objects.get(approval=approval)
    stored = json.loads(theirs.read_answer(run_id))
    is_ours = stored == _OURS
    state = theirs.read_state_type(run_id)
    kept = approval.decision
    found = (state, approval.outcome, attempt.outcome, kept.decided_by == "alice", accepted)
    wanted = ("RUNNING", "answered", "done" if is_ours else "lost", is_ours, not is_ours)
    if found != wanted:
        return f"WRONG: stored {stored}, {found}", is_ours
    return "won by the desk" if is_ours else "won on the server", is_ours


def judge_rejection(theirs: Prefects, run_id: str) -> tuple[str, bool]:
    """Compare what the run did after its pause with what the desk says, and told alice."""
    from approvals.models import Attempt

    attempt = Attempt.objects.select_related("approval").get(approval__flow_run_id=run_id)
    after = theirs.list_states_after_pause(run_id)
    is_ours = after[0] in _OVER
    found = (after, attempt.approval.outcome, attempt.outcome)
    wanted = ("rejected", "done") if is_ours else ("answered", "lost")
    if len(after) > 1 or found[1:] != wanted:
        return f"WRONG: {found}", is_ours
    return "won by the desk" if is_ours else "won on the server", is_ours


def judge_cancel(theirs: Prefects, run_id: str) -> tuple[str, bool]:
    """Compare a run that was answered and cancelled with what the desk says, and told alice.

    One that was answered may be cancelled after that: Prefect's server lets a cancel through. One
    that was cancelled in the moment of the answer may go on for a moment, and is cancelled again.
    """
    from approvals.models import Attempt

    attempt = Attempt.objects.select_related("approval").get(approval__flow_run_id=run_id)
    is_ours = attempt.approval.outcome == "answered"
    if not is_ours:
        wait_until(lambda: theirs.list_states_after_pause(run_id)[-1] in _OVER)
    after = theirs.list_states_after_pause(run_id)
    found = (after, attempt.approval.outcome, attempt.outcome)
    wanted = ("answered", "done") if is_ours else ("withdrawn", "lost")
    if found[1:] != wanted or (is_ours and "RUNNING" not in after):
        return f"WRONG: {found}", is_ours
    return "won by the desk" if is_ours else "won on the server", is_ours


def judge_stop(theirs: Prefects, run_id: str) -> tuple[str, bool]:
    """Compare a run that was rejected and cancelled, which never goes on, with what was told."""
    from approvals.models import Attempt

    attempt = Attempt.objects.select_related("approval").get(approval__flow_run_id=run_id)
    after = theirs.list_states_after_pause(run_id)
    found = (after, attempt.approval.outcome, attempt.outcome)
    is_ours = attempt.approval.outcome == "rejected"
    wanted = ("rejected", "done") if is_ours else ("withdrawn", "lost")
    if found[1:] != wanted or not set(after) <= _OVER:
        return f"WRONG: {found}", is_ours
    return "won by the desk" if is_ours else "won on the server", is_ours


def main(rounds: int, *, what: str, python: Path, database_url: str | None) -> int:
    became: Counter[str] = Counter()
    head_start = 0.0
    with desk_of(python, database_url=database_url) as (_, theirs, _):
        for _ in range(rounds):
            won, is_ours = race_once(theirs, what, head_start=head_start)
            became[won] += 1
            head_start += -_STEP if is_ours else _STEP
    print(*(f"{count} {won}" for won, count in became.items()), sep="\n")
    return rounds - became["won by the desk"] - became["won on the server"]


if __name__ == "__main__":
    words = sys.argv[2:]
    with ExitStack() as stack:
        url = stack.enter_context(postgresql_server()) if "postgresql" in words else None
        wrong = main(
            int(sys.argv[1]),
            what=next((word for word in ("reject", "cancel", "stop") if word in words), "answer"),
            python=OLDER_PREFECT_PYTHON if "older" in words else PREFECT_PYTHON,
            database_url=url and create_database(url),
        )
    sys.exit(wrong != 0)

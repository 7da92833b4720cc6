"""A desk and somebody on Prefect's own server answer the same run at the same moment.

`python -m tests.benchmarks.races_elsewhere 100` races so often on a real server of Prefect, and
`… 100 older` on one of the older release. Whoever won last begins a little later the next time, so
that the two meet. Each run must have one answer, which its state, the desk and both sides agree on.
"""

import json
import sys
import threading
import time
from collections import Counter

from tests.benchmarks.following import Prefects
from tests.benchmarks.killing import is_settled, send, wait_until, working
from tests.servers import OLDER_PREFECT_PYTHON, PREFECT_PYTHON, prefect_server

_OURS, _THEIRS = {"approve": True}, {"approve": False}
_STEP = 0.004  # seconds, by which the next start is put off


def race_once(theirs: Prefects, *, head_start: float) -> tuple[str, bool]:
    """Answer on both sides; `head_start` is ours. Says what became of it, and if we won."""
    from django.contrib.auth.models import User

    from approvals.models import Approval

    run_id = theirs.begin()
    wait_until(lambda: Approval.objects.filter(flow_run_id=run_id).exists())
    approval = Approval.objects.get(flow_run_id=run_id)
    User.objects.get_or_create(username="alice")
    told: list[dict[str, str]] = []

    def answer_there() -> None:
        time.sleep(max(head_start, 0.0))
        told.append(theirs.resume(run_id, _THEIRS))

    other = threading.Thread(target=answer_there)
    other.start()
    time.sleep(max(-head_start, 0.0))
    send(approval, "answer")
    other.join()
    wait_until(lambda: is_settled(str(approval.pause_state_id)))
    return judge(theirs, run_id, accepted=told[0].get("status") == "ACCEPT")


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


def main(rounds: int, *, is_older: bool) -> int:
    became: Counter[str] = Counter()
    head_start = 0.0
    python = OLDER_PREFECT_PYTHON if is_older else PREFECT_PYTHON
    with prefect_server(python) as server, working() as worker:
        from flowruns.services.servers import ServerSettings, add_server, draft_server

        theirs = Prefects(server.api_url)
        add_server(draft_server("theirs", ServerSettings(url=server.api_url)))
        worker.begin()
        for _ in range(rounds):
            what, is_ours = race_once(theirs, head_start=head_start)
            became[what] += 1
            head_start += -_STEP if is_ours else _STEP
    print(*(f"{count} {what}" for what, count in became.items()), sep="\n")
    return rounds - became["won by the desk"] - became["won on the server"]


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), is_older="older" in sys.argv[2:]) != 0)

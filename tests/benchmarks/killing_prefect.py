"""`kill -9` of Prefect's own server once the desk's claim is stored, before the run is moved.

`python -m tests.benchmarks.killing_prefect 10` kills it so often and starts it again, and counts
what became of the answers.
"""

import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from uuid import UUID

from tests.benchmarks.following import Prefects
from tests.benchmarks.killing import is_settled, send, wait_until
from tests.benchmarks.races_elsewhere import desk_of, judge
from tests.environments import PREFECT_PYTHON
from tests.servers import PrefectServer


def kill_once(server: PrefectServer, theirs: Prefects) -> str:
    """Kill the server when a claim has just been stored, and say where, and what came of it."""
    from approvals.models import Approval

    run_id = theirs.begin()
    wait_until(lambda: Approval.objects.filter(flow_run_id=run_id).exists())
    approval = Approval.objects.get(flow_run_id=run_id)
    with closing(sqlite3.connect(server.home / "prefect.db", timeout=30)) as database:
        send(approval, "answer")
        while not count_answers(database, run_id):
            time.sleep(0.001)
        server.kill()
        is_between = "PAUSED" in read_state_types(database, run_id)
    server.start()
    wait_until(lambda: is_settled(str(approval.pause_state_id)))
    what, _ = judge(theirs, run_id, accepted=False)
    return f"{what}, killed {'between claim and move' if is_between else 'after the move'}"


def count_answers(database: sqlite3.Connection, run_id: str) -> int:
    asked = "SELECT count(*) FROM flow_run_input WHERE flow_run_id = ? AND key LIKE '%-response'"
    [(count,)] = database.execute(asked, (str(UUID(run_id)),)).fetchall()
    return int(count)


def read_state_types(database: sqlite3.Connection, run_id: str) -> set[str]:
    asked = "SELECT state_type FROM flow_run WHERE id = ?"
    return {kind for (kind,) in database.execute(asked, (str(UUID(run_id)),))}


def main(kills: int) -> int:
    became: Counter[str] = Counter()
    with desk_of(PREFECT_PYTHON) as (server, theirs, _):
        for _ in range(kills):
            became[kill_once(server, theirs)] += 1
    print(*(f"{count} {what}" for what, count in became.items()), sep="\n")
    return sum(count for what, count in became.items() if not what.startswith("won by the desk"))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])) != 0)

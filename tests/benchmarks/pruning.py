"""What pruning costs those who read and decide meanwhile, and what it leaves on the disk.

python -m tests.benchmarks.pruning [--runs 100000] [--waiting 1000]

Run it with `DATABASE_URL` for an empty PostgreSQL database; without one it uses SQLite in a folder
that goes with it. `manage.py prune` works in a process of its own. Prints the median and the 95th
percentile of what the inbox and a write take, in ms, before, during and after it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from uuid import uuid4

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "approvals.project.settings")
os.environ.setdefault("ALLOWED_HOSTS", "testserver")

type Times = dict[str, list[float]]

_BEFORE_AND_AFTER = 10.0  # seconds
_PAUSE = 0.05


def main() -> None:
    """Prune under the eyes of a reader and a writer, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--waiting", type=int, default=1_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="approvals-pruning-") as home:
        os.environ.setdefault("APPROVALS_HOME", home)
        _set_up(options.runs, options.waiting)
        _measure()


def _set_up(runs: int, waiting: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from flowruns.models import FlowRun
    from tests.benchmarks import finished_runs
    from tests.benchmarks.crowded_inbox import fill_inbox

    call_command("migrate", verbosity=0)
    fill_inbox(waiting)
    # An id says when its run was made: these are older than all
    finished_runs.ID_BLOCKS["run"] = "0"
    finished_runs.fill_history(runs, batch=50_000)
    long_ago = datetime.now(UTC) - timedelta(days=100)
    FlowRun.objects.filter(state_type="COMPLETED").update(state_timestamp=long_ago)
    _compact()


def _measure() -> None:
    phases: dict[str, Times] = {}
    sizes = {"before": _size()}
    deadline = time.monotonic() + _BEFORE_AND_AFTER
    phases["before"] = _watch(lambda: time.monotonic() < deadline)
    began = time.monotonic()
    prune = subprocess.Popen([sys.executable, "manage.py", "prune", "--older-than", "90d"])
    phases["during"] = _watch(lambda: prune.poll() is None)
    print(f"pruned in {time.monotonic() - began:.0f} s")
    deadline = time.monotonic() + _BEFORE_AND_AFTER
    phases["after"] = _watch(lambda: time.monotonic() < deadline)
    sizes["after"] = _size()
    print(_count_dead())
    _compact()
    sizes["compacted"] = _size()
    _print_table(phases)
    print(", ".join(f"{name}: {size / 1e6:.0f} MB" for name, size in sizes.items()))


def _watch(goes_on: Callable[[], bool]) -> Times:
    """Read the inbox and make a run in turns, and return how long each took, in ms."""
    from django.contrib.auth.models import User
    from django.test import Client

    from flowruns import wire
    from flowruns.domain.actors import server
    from flowruns.models import Flow
    from flowruns.services.runs.flow_runs import create_flow_run

    pages, flow = Client(), Flow.objects.create(name=f"pruning {uuid4()}")
    asked, actor = wire.FlowRunCreate(flow_id=flow.pk), server("pruning")
    reader = User.objects.get(username="person-0")
    pages.force_login(reader, backend="django.contrib.auth.backends.ModelBackend")
    acts: dict[str, Callable[[], object]] = {
        "inbox": lambda: pages.get("/"),
        "write": lambda: create_flow_run(asked, actor=actor),
    }
    times = defaultdict[str, list[float]](list)
    while goes_on():
        for name, act in acts.items():
            began = time.perf_counter()
            act()
            times[name].append((time.perf_counter() - began) * 1e3)
        time.sleep(_PAUSE)
    return dict(times)


def _size() -> int:
    """Return how large the database is on the disk, in bytes."""
    from django.conf import settings
    from django.db import connection

    if connection.vendor == "sqlite":
        return Path(settings.DATABASES["default"]["NAME"]).stat().st_size
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def _count_dead() -> str:
    """Say what PostgreSQL's autovacuum has left."""
    from django.db import connection

    if connection.vendor == "sqlite":
        return ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(n_live_tup), sum(n_dead_tup), sum(autovacuum_count)"
            " FROM pg_stat_user_tables"
        )
        live, dead, rounds = cursor.fetchone()
    return f"{live:,} rows, {dead:,} dead ones, autovacuum has come {rounds} times"


def _compact() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM" if connection.vendor == "sqlite" else "VACUUM FULL ANALYZE")


def _print_table(phases: dict[str, Times]) -> None:
    print("| what | before | during | after |")
    print("|---|---|---|---|")
    for name in phases["before"]:
        cells = []
        for times in phases.values():
            cut = quantiles(times[name], n=20)
            cells.append(f"{cut[9]:.1f} / {cut[18]:.1f}")
        print(f"| {name}, median / p95 | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()

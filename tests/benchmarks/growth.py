"""How pages and the filters of Prefect's clients grow with what has finished.

python -m tests.benchmarks.growth [--from 1000] [--to 100000] [--waiting 10000]

Run it with `DATABASE_URL` for PostgreSQL; without one it uses SQLite in a folder that goes with it.
Rows are made by the database itself, since a million runs would take a day to begin. Prints the
processor time of this process and the whole time, in ms, at both sizes: databases of their own
work outside of this process. How much the whole time grows is told beside a loop of Python that
takes turns with each, since shared machines change their pace between the two sizes.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "approvals.project.settings")
os.environ.setdefault("ALLOWED_HOSTS", "testserver")

type Work = Callable[[], object]
type Times = dict[str, Taken]

_ROUNDS = 7
_STEPS = 200_000  # some milliseconds
_BATCH = 50_000
_NIL = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Taken:
    """The least of several rounds, in seconds: of the processor, in all, and of a fixed loop."""

    cpu: float
    whole: float
    pace: float

    def grows_to(self, more: "Taken") -> float:
        """Return how many times as long it takes, on a machine that keeps its pace."""
        return more.whole / more.pace * self.pace / self.whole


def main() -> None:
    """Measure at both sizes, and print a table."""
    options = _read_options()
    with tempfile.TemporaryDirectory(prefix="approvals-growth-") as home:
        os.environ.setdefault("APPROVALS_HOME", home)
        _set_up(options.waiting)
        sizes = [options.small, options.large]
        found = [_measure_with(size) for size in sizes]
    _print_table(found, sizes)


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="small", type=int, default=1_000)
    parser.add_argument("--to", dest="large", type=int, default=100_000)
    parser.add_argument("--waiting", type=int, default=10_000)
    return parser.parse_args()


def _set_up(waiting: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from tests.benchmarks.crowded_inbox import fill_inbox

    call_command("migrate", verbosity=0)
    fill_inbox(waiting)


def _measure_with(finished: int) -> Times:
    from tests.benchmarks.finished_runs import fill_history

    run_id = fill_history(finished, batch=_BATCH)
    return {name: _take_times(work) for name, work in _list_work(run_id)}


def _take_times(work: Work) -> Taken:
    rounds = [(*_take_time(work), _take_time(_keep_pace)[1]) for _ in range(_ROUNDS)]
    return Taken(*(min(times) for times in zip(*rounds, strict=True)))


def _keep_pace() -> None:
    for _ in range(_STEPS):
        pass


def _take_time(work: Work) -> tuple[float, float]:
    cpu, whole = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - whole


def _list_work(run_id: UUID) -> Iterator[tuple[str, Work]]:
    from django.contrib.auth.models import User
    from django.test import Client

    from flowruns.services.api_keys import create_api_key

    pages, api = Client(), Client()
    reader = User.objects.get(username="person-0")
    pages.force_login(reader, backend="django.contrib.auth.backends.ModelBackend")
    key = create_api_key(f"growth {uuid4()}", scopes=["flows"])
    for name, path in _list_pages(run_id):
        yield name, lambda path=path: _check(pages.get(path))  # type: ignore[misc]
    for name, body in _list_filters():
        yield (
            name,
            lambda body=body: _check(  # type: ignore[misc]
                api.post(
                    "/api/flow_runs/filter",
                    body,
                    content_type="application/json",
                    headers={"Authorization": f"Bearer {key}"},
                )
            ),
        )


def _check(response: object) -> None:
    status = getattr(response, "status_code", None)
    assert status == 200, response


def _list_pages(run_id: UUID) -> list[tuple[str, str]]:
    return [
        ("inbox", "/"),
        ("inbox, all, by tag and flow", "/?list=all&tag=tag-3&group=flow"),
        ("inbox, the count alone", "/inbox/count/"),
        ("history", "/history/"),
        ("history of a person", "/history/?person=person-3"),
        ("history of a flow, rejected", "/history/?flow=flow-3&outcome=rejected"),
        ("history of a month", "/history/?from=2026-01-01&to=2026-01-31"),
        ("run page", f"/runs/flow-run/{run_id}/"),
    ]


def _list_filters() -> list[tuple[str, dict[str, object]]]:
    def choose(**chosen: object) -> dict[str, object]:
        return {"flow_runs": chosen, "limit": 50}

    return [
        ("filter by state PAUSED", choose(state={"type": {"any_": ["PAUSED"]}})),
        ("filter by name", choose(name={"like_": "run-77"})),
        ("newest by START_TIME", {"sort": "START_TIME_DESC", "limit": 50}),
        ("filter by flow", {"flows": {"name": {"any_": ["flow-3"]}}, "limit": 50}),
        ("filter by deployment", choose(deployment_id={"any_": [str(_NIL)]})),
        ("filter by tags", choose(tags={"all_": ["tag-3"]})),
    ]


def _print_table(found: list[Times], sizes: list[int]) -> None:
    from django.db import connection

    small, large = found
    print(f"{platform.node()}, {os.cpu_count()} cores, {connection.vendor}, {date.today()}")  # noqa: DTZ011 -- the machine's
    print(f"| what | {sizes[0]:,}: CPU / ms | {sizes[1]:,}: CPU / ms | whole grows |")
    print("|---|---|---|---|")
    for name, few in small.items():
        many = large[name]
        print(
            f"| {name} | {few.cpu * 1e3:.1f} / {few.whole * 1e3:.1f} |"
            f" {many.cpu * 1e3:.1f} / {many.whole * 1e3:.1f} | {few.grows_to(many):.2f} times |"
        )


if __name__ == "__main__":
    main()

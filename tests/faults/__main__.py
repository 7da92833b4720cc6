"""Break real processes, databases and clocks, and print what was lost: tables in Markdown.

`.venv/bin/python -m tests.faults` does everything but the load; with a name it does one thing.
Ends with 1 where anything was lost.
"""

import argparse
import random
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from tests.benchmarks.side_by_side import describe_machine
from tests.faults.clocks import compare_clocks
from tests.faults.desks import Desk, postgresql_desk, sqlite_desk
from tests.faults.kills import kill_at_random
from tests.faults.load import bear_load
from tests.faults.outages import outlive_outages
from tests.faults.races import race
from tests.faults.tables import Row, show

_DESKS: dict[str, Callable[..., AbstractContextManager[Desk]]] = {
    "sqlite": sqlite_desk,
    "postgresql": postgresql_desk,
}


def main() -> int:
    options = _read_options()
    print(f"{describe_machine()}, seed {options.seed}")
    return int(sum(_FAULTS[name](options) for name in options.faults or _USUAL) > 0)


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("faults", nargs="*", choices=[[], *_FAULTS], metavar="|".join(_FAULTS))
    parser.add_argument("--kills", type=int, default=200, help="on each database")
    parser.add_argument("--seconds", type=float, default=30, help="of each outage")
    parser.add_argument("--races", type=int, default=1000, help="on each database")
    parser.add_argument("--minutes", type=float, default=60, help="of load")
    parser.add_argument("--database", nargs="*", choices=_DESKS, default=[*_DESKS])
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    return parser.parse_args()


def _on_each_database(
    options: argparse.Namespace, title: str, happen: Callable[[Desk], list[Row]]
) -> int:
    """Have that happen on a new desk on each database; return how much was lost."""
    wrong = 0
    for name in options.database:
        with _DESKS[name](UNDO_SECONDS="2") as desk:
            wrong += show(f"{title}, {name}", happen(desk))
    return wrong


def _kill(options: argparse.Namespace) -> int:
    kill = partial(kill_at_random, rounds=options.kills, seed=options.seed)
    return _on_each_database(options, "Killed at random", kill)


def _have_outages(options: argparse.Namespace) -> int:
    have = partial(outlive_outages, seconds=options.seconds, seed=options.seed)
    return _on_each_database(options, "The database goes away", have)


def _race(options: argparse.Namespace) -> int:
    return _on_each_database(
        options, "Races", partial(race, rounds=options.races, seed=options.seed)
    )


def _load(options: argparse.Namespace) -> int:
    return _on_each_database(options, "Load", partial(bear_load, minutes=options.minutes))


def _set_clocks(options: argparse.Namespace) -> int:
    return show("Clocks", compare_clocks(seed=options.seed))


_USUAL = {"kills": _kill, "outages": _have_outages, "races": _race, "clocks": _set_clocks}
_FAULTS = _USUAL | {"load": _load}

if __name__ == "__main__":
    sys.exit(main())

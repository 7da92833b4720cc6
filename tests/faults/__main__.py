"""Break real processes, databases and clocks, and print what was lost: tables in Markdown.

`.venv/bin/python -m tests.faults` does everything but the load; with a name it does one thing.
Ends with 1 where anything was lost.
"""

import argparse
import random
import sys

from tests.benchmarks.side_by_side import describe_machine
from tests.faults.desks import postgresql_desk, sqlite_desk
from tests.faults.kills import kill_at_random
from tests.faults.tables import show

_DESKS = {"sqlite": sqlite_desk, "postgresql": postgresql_desk}


def main() -> int:
    options = _read_options()
    print(f"{describe_machine()}, seed {options.seed}")
    return int(sum(_FAULTS[name](options) for name in options.faults or _USUAL) > 0)


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("faults", nargs="*", choices=[[], *_FAULTS], metavar="|".join(_FAULTS))
    parser.add_argument("--kills", type=int, default=200, help="on each database")
    parser.add_argument("--database", nargs="*", choices=_DESKS, default=[*_DESKS])
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    return parser.parse_args()


def _kill(options: argparse.Namespace) -> int:
    wrong = 0
    for name in options.database:
        rows = kill_at_random(
            _DESKS[name](UNDO_SECONDS="2"), rounds=options.kills, seed=options.seed
        )
        wrong += show(f"kill -9 at random, {name}", rows)
    return wrong


_FAULTS = {"kills": _kill}
_USUAL = ["kills"]

if __name__ == "__main__":
    sys.exit(main())

"""What is served of Prefect's API, as a table of the documents; run it to write the table anew:

python -m tests.served_paths
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from tests.documents import DOCS
from tests.openapi import anonymous, outline, read_our_document
from tests.servers import ROOT

DOCUMENT = DOCS / "prefect.md"
THEIRS: dict[str, Any] = json.loads((ROOT / "tests/data/prefect-3.9.1-openapi.json").read_text())
_TABLE = re.compile(r"(?<=<!-- served paths -->\n).*?(?=<!-- end of served paths -->)", re.DOTALL)


@cache
def read_our_outline() -> dict[str, Any]:
    """Return the outline of our API, with operations named as Prefect's: without /api."""
    ours = outline(read_our_document())
    ours["operations"] = {
        anonymous(name.replace(" /api/", " /")): operation
        for name, operation in ours["operations"].items()
    }
    return ours


def read_table() -> str:
    found = _TABLE.search(DOCUMENT.read_text())
    assert found, "prefect.md has lost the comments around its table of served paths"
    return found[0]


def write_table() -> str:
    """Return the table: a row for each group of paths, with what is left out of it and why."""
    ours = set(read_our_outline()["operations"])
    head = "| path | served | left out |\n|---|---|---|\n"
    return head + "".join(f"{row}\n" for row in _rows(ours))


def _rows(ours: set[str]) -> Iterator[str]:
    groups: dict[str, list[str]] = {}
    for operation in sorted(THEIRS["operations"], key=lambda name: name.partition(" ")[2]):
        groups.setdefault(operation.split("/")[1], []).append(operation)
    rows: dict[str, list[str]] = {}
    for group, operations in groups.items():
        rows.setdefault(_describe(group, operations, ours), []).append(f"`/{group}`")
    return (f"| {', '.join(names)} | {row} |" for row, names in sorted(rows.items()))


def _describe(group: str, operations: list[str], ours: set[str]) -> str:
    left_out = [name for name in operations if anonymous(name) not in ours]
    unused = _explain_unused(group, [name for name in operations if name not in left_out])
    count = len(operations) - len(left_out)
    if not left_out:
        return f"all, but for some fields | {unused}" if unused else "all |"
    served = f"{count} of {len(operations)}" if count else "none"
    return f"{served} | {_explain(group, left_out, is_all=not count)} {unused}".rstrip()


def _explain(group: str, left_out: list[str], *, is_all: bool) -> str:
    from flowruns.api.left_out import find_reason

    by_reason: dict[str, list[str]] = {}
    for operation in left_out:
        short = operation.replace(f" /{group}", " ").rstrip()
        by_reason.setdefault(find_reason(anonymous(operation)) or "?", []).append(f"`{short}`")
    if is_all and len(by_reason) == 1:
        return next(iter(by_reason))
    return " ".join(f"{', '.join(names)}: {reason}" for reason, names in by_reason.items())


def _explain_unused(group: str, served: list[str]) -> str:
    """Name the fields of bodies that are taken and have no effect."""
    from flowruns.api.left_out import WITHOUT_EFFECT, find_unused

    by_reason: dict[str, list[str]] = {}
    for operation in served:
        for field in THEIRS["schemas"].get(THEIRS["operations"][operation]["request"]) or ():
            bare = field.removesuffix("!")
            if entry := find_unused(anonymous(operation), bare):
                short = operation.replace(f" /{group}", " ").rstrip()
                told = f"`{bare}` of `{short}`"
                by_reason.setdefault(WITHOUT_EFFECT[entry], []).append(told)
    return " ".join(
        f"Without effect: {', '.join(names)}: {reason}" for reason, names in by_reason.items()
    )


if __name__ == "__main__":
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    table = write_table()
    DOCUMENT.write_text(_TABLE.sub(lambda _: table, DOCUMENT.read_text()))

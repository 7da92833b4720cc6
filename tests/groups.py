"""Which tests stay together on one worker, and which of these groups start first.

`pytest -n 5 --dist=loadgroup --no-loadscope-reorder` hands groups to workers in their order.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadGroupScheduling  # type: ignore[import-untyped]

_OF_SECONDS = ("tests/benchmarks/", "tests/prefect_clients/")
_PART = 20


class PartScheduling(LoadGroupScheduling):  # type: ignore[misc] # xdist has no types
    """Hands out short tests that have no group in parts of their file.

    xdist itself hands them out one by one, and looks at all of them again when one has ended.
    """

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        self._parts: dict[str, str] = {}
        self._in_file: Counter[str] = Counter()

    def _split_scope(self, nodeid: str) -> str:
        group: str = super()._split_scope(nodeid)
        if group != nodeid or nodeid.startswith(_OF_SECONDS):
            return group
        if nodeid not in self._parts:
            file = nodeid.partition("::")[0]
            self._parts[nodeid] = f"{file} {self._in_file[file] // _PART}"
            self._in_file[file] += 1
        return self._parts[nodeid]


def items_below(folder: Path, items: Iterable[pytest.Item]) -> list[pytest.Item]:
    return [item for item in items if item.path.is_relative_to(folder)]


def group_items(items: Iterable[pytest.Item], name_group: Callable[[pytest.Item], str]) -> None:
    """Keep the tests whose groups have the same name on one worker, with their servers."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(name_group(item)))


def start_longest_first(items: list[pytest.Item], longest: Sequence[str]) -> None:
    """Put the tests of these groups, longest first, before all others: nobody waits for them."""
    places = {name: place for place, name in enumerate(longest)}
    items.sort(key=lambda item: places.get(name_group_of(item), len(places)))


def name_group_of(item: pytest.Item) -> str:
    """Return the name of the test's group, or "" if it may run on any worker."""
    marker = item.get_closest_marker("xdist_group")
    return str(marker.args[0]) if marker else ""

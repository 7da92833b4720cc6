"""Prefect's servers, which the tests of one group share on their worker."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

import pytest

from tests.groups import name_group_of
from tests.servers import PrefectServer


class GroupServers:
    """One server of each kind that the group asks for, until its last test has ended.

    A server that nobody asks uses 2 % of a core, which adds up while other groups are tried.
    """

    def __init__(self) -> None:
        self._running: dict[str, PrefectServer] = {}
        self._ends = ExitStack()

    def get(
        self, kind: str, run: Callable[[], AbstractContextManager[PrefectServer]]
    ) -> PrefectServer:
        """Return the server of this kind, which `run` starts unless the group has one."""
        if kind not in self._running:
            self._running[kind] = self._ends.enter_context(run())
        return self._running[kind]

    def end_unless_needed(self, item: pytest.Item, following: pytest.Item | None) -> None:
        """End them after `item`, unless what follows is of its group, or of its module.

        What lasts as long as a module may still talk to them.
        """
        needed = following is not None and (
            following.path == item.path or name_group_of(following) == name_group_of(item)
        )
        if not needed:
            self.end()

    def end(self) -> None:
        self._running.clear()
        self._ends.close()

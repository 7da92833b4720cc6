"""Django's backend of SQLite, which writes in SQLite's own way once what is asked all day.

Django looks for the places of the parameters each time it sends a statement, which takes as long as
many a statement does: those of a run with what belongs to it are thousands of characters long.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db.backends.sqlite3 import base

_LONGEST_KEPT = 10_000  # characters
_MOST_KEPT = 1_000  # statements


class CursorWrapper(base.SQLiteCursorWrapper):
    """Sends statements, with parameters in their order or by their names."""

    def convert_query(self, query: str, *, param_names: Sequence[str] | None = None) -> str:
        if param_names is not None or len(query) > _LONGEST_KEPT:
            return super().convert_query(query, param_names=param_names)
        return self._convert(query)

    @staticmethod
    @lru_cache(_MOST_KEPT)
    def _convert(query: str) -> str:
        return base.FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%")


class DatabaseWrapper(base.DatabaseWrapper):
    """One connection, as Django's own."""

    def create_cursor(self, name: Any = None) -> Any:  # noqa: ARG002 -- as PostgreSQL's
        return self.connection.cursor(factory=CursorWrapper)

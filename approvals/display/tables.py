"""A table that a flow made, whatever it is made of, as a part of it that fits a page."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from flowruns.domain.texts import read_json_or_text

MAX_COLUMNS = 40
MAX_CELL = 300  # characters
_ROWS_LOOKED_AT = 1_000  # for names of columns

type Kind = Literal["number", "text", "nothing"]


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell says, and how it is set."""

    text: str
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    name: str
    is_numeric: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows from the one numbered `first` on, of `count` in all; `has_names` where columns do."""

    columns: Sequence[Column]
    has_names: bool
    rows: Sequence[Sequence[Cell]]
    first: int
    count: int
    columns_left_out: int

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1

    @property
    def is_cut(self) -> bool:
        return len(self.rows) < self.count


def read_table(data: Any, *, start: int = 0, limit: int) -> Table | None:
    """Return up to `limit` rows of a table from `start` on, or None for what is no table.

    A table is, as JSON or as its text: rows that are objects, rows that are lists, or an object
    of columns that are lists.
    """
    value = read_json_or_text(data) if isinstance(data, str) else data
    if isinstance(value, dict) and all(isinstance(column, list) for column in value.values()):
        return _from_columns(value, start, limit)
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return _from_objects(value, start, limit)
    if isinstance(value, list) and all(isinstance(row, list) for row in value):
        return _from_lists(value, start, limit)
    return None


def _from_columns(columns: dict[str, list[Any]], start: int, limit: int) -> Table:
    names = list(columns)
    count = max((len(column) for column in columns.values()), default=0)

    def value(row: int, name: str) -> Any:
        column = columns[name]
        return column[row] if row < len(column) else None

    return _build(names, range(count)[start : start + limit], value, start, count)


def _from_objects(rows: list[dict[str, Any]], start: int, limit: int) -> Table:
    names = list(dict.fromkeys(name for row in rows[:_ROWS_LOOKED_AT] for name in row))
    return _build(names, rows[start : start + limit], dict.get, start, len(rows))


def _from_lists(rows: list[list[Any]], start: int, limit: int) -> Table:
    width = max((len(row) for row in rows[:_ROWS_LOOKED_AT]), default=0)

    def value(row: list[Any], index: int) -> Any:
        return row[index] if index < len(row) else None

    return _build(range(width), rows[start : start + limit], value, start, len(rows))


def _build[Row, Name](
    names: Sequence[Name],
    shown: Sequence[Row],
    value: Callable[[Row, Name], Any],
    start: int,
    count: int,
) -> Table:
    kept = names[:MAX_COLUMNS]
    rows = [[_cell(value(row, name)) for name in kept] for row in shown]
    numeric = [_is_numeric([row[at] for row in rows]) for at in range(len(kept))]
    return Table(
        columns=[
            Column(name=_shorten(str(name)), is_numeric=is_numeric)
            for name, is_numeric in zip(kept, numeric, strict=True)
        ],
        has_names=not isinstance(names, range),
        rows=[_align(row, numeric) for row in rows],
        first=start + 1,
        count=count,
        columns_left_out=len(names) - len(kept),
    )


def _is_numeric(cells: list[Cell]) -> bool:
    kinds = {cell.kind for cell in cells}
    return "number" in kinds and "text" not in kinds


def _align(row: list[Cell], numeric: list[bool]) -> list[Cell]:
    """Set what is empty in a column of numbers as they are set."""
    return [
        Cell("", "number") if is_numeric and not cell.text else cell
        for cell, is_numeric in zip(row, numeric, strict=True)
    ]


def _cell(value: Any) -> Cell:
    if value is None or value == "":
        return Cell("", "nothing")
    if isinstance(value, bool):
        return Cell("yes" if value else "no", "text")
    if isinstance(value, int | float):
        return Cell(str(value), "number")
    return Cell(_shorten(value if isinstance(value, str) else _write(value)), "text")


def _write(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply)"


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_CELL else f"{text[: MAX_CELL - 1]}…"

"""The sheet of limits says what the code does."""

import re
from datetime import timedelta
from importlib import import_module

import pytest

from tests.documents import DOCS

_ROW = re.compile(
    r"^\| [^|]+ \| ([\d,]+|none)( \w+)?[^|]* \| `(\w+)`(?: in `([\w/]+)\.py`)? \| [^|]+ \|$",
    re.MULTILINE,
)
_SECONDS = {" s": 1, " days": 86_400}


def read_rows() -> list[tuple[str, str, str, str]]:
    text = (DOCS / "limits.md").read_text()
    rows: list[tuple[str, str, str, str]] = _ROW.findall(text)
    assert len(rows) == len(re.findall(r"^\| (?!what )", text, re.MULTILINE))
    return rows


@pytest.mark.parametrize(("bound", "unit", "name", "path"), read_rows())
def test_every_bound_is_that_of_the_code(bound: str, unit: str, name: str, path: str) -> None:
    if not path:
        assert f"| `{name}` |" in (DOCS / "settings.md").read_text()
        return
    value = getattr(import_module(path.replace("/", ".")), name)
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, dict):
        value = value["reads"]
    assert value == int(bound.replace(",", "")) * _SECONDS.get(unit, 1)

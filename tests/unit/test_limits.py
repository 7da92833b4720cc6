"""The sheet of limits says what the code does."""

import re
from datetime import timedelta
from importlib import import_module

import pytest

from tests.documents import DOCS

_ROW = re.compile(
    r"^\| [^|]+ \| ([\d,]+|none)( \w+)?[^|]* \| `([\w.]+)` \| [^|]+ \|$", re.MULTILINE
)
_SECONDS = {" s": 1, " days": 86_400}


def read_rows() -> list[tuple[str, str, str]]:
    text = (DOCS / "limits.md").read_text()
    rows = _ROW.findall(text)
    assert len(rows) == len(re.findall(r"^\| (?!what )", text, re.MULTILINE))
    return rows


@pytest.mark.parametrize(("bound", "unit", "place"), read_rows(), ids=lambda text: text.strip())
def test_every_bound_is_that_of_the_code(bound: str, unit: str, place: str) -> None:
    module, _, name = place.rpartition(".")
    if not module:
        assert f"| `{name}` |" in (DOCS / "settings.md").read_text()
        return
    value = getattr(import_module(module), name)
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, dict):
        value = value["reads"]
    assert value == int(bound.replace(",", "")) * _SECONDS.get(unit, 1)

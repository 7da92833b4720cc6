"""The sheet of limits says what the code does."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module

import pytest

from tests.documents import DOCS
from tests.servers import ROOT

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


_BOUND = re.compile(r"MAX_\w+|MOST\w*|LONGEST_\w+|SHORTEST_\w+|PAGE_LIMIT")
_FOLDERS = ("web", "wire", "services", "domain", "views", "answering", "management", "evaluation")
# How much of something is shown, kept in memory or looked at; what is beyond is elsewhere
_OF_NO_CONCERN = """
    MAX_AHEAD MAX_ARTIFACTS MAX_CANDIDATES MAX_CHOICES MAX_COUNT MAX_COUNTED MAX_FRESHNESS
    MAX_INTERVAL MAX_LOSSES MAX_SECONDS MAX_SIZE MAX_TEXT
""".split()
_TWICE = {("approvals/services/describing.py", "MAX_LENGTH")} | {
    (f"flowruns/evaluation/{name}.py", "MAX_STEPS") for name in ("templates", "processes")
}


def find_bounds() -> Iterator[tuple[str, str]]:
    """Name the files and the public bounds of what people and programs send."""
    for path in sorted(ROOT.glob("[af][pl]*/**/*.py")):
        place = path.relative_to(ROOT)
        if place.parts[0] not in {"approvals", "flowruns"} or place.parts[1] not in _FOLDERS:
            continue
        for node in ast.parse(path.read_text()).body:
            targets = node.targets if isinstance(node, ast.Assign) else []
            targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
            for target in targets:
                if isinstance(target, ast.Name) and _BOUND.fullmatch(target.id):
                    yield str(place), target.id


def test_every_bound_of_the_code_has_a_row() -> None:
    rows = {(f"{path}.py", name) for _, _, name, path in read_rows() if path}
    found = {each for each in find_bounds() if each[1] not in _OF_NO_CONCERN}
    assert len(rows) > 60
    assert sorted(found - rows - _TWICE) == []

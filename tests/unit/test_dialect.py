"""One way to write what a linter lets everybody write their own way."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from tests.servers import ROOT
from tests.sources import parse, walk_statements

SOURCES = [
    path
    for room in ("flowruns", "approvals", "tests")
    for path in sorted((ROOT / room).rglob("*.py"))
    if "migrations" not in path.parts
]
NOQA = re.compile(r"# noqa\b(?!: [A-Z]+[0-9]+(, [A-Z]+[0-9]+)* -- \S)")


def find_lines(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        if path.name != "test_dialect.py"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]


def attribute_docs(path: Path) -> Iterator[int]:
    """Yield the lines of texts that stand after an assignment, instead of a comment above it."""
    for node in walk_statements(parse(path)):
        body = getattr(node, "body", ())
        for before, after in pairwise(body) if isinstance(body, list) else ():
            is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if is_text and isinstance(before, ast.Assign | ast.AnnAssign):
                yield after.lineno


def test_whoever_silences_a_rule_says_which_and_why() -> None:
    assert find_lines(NOQA) == []


def test_an_attribute_is_explained_by_a_comment_above_it() -> None:
    found = [(path.name, line) for path in SOURCES for line in attribute_docs(path)]
    assert found == []


def test_a_comment_begins_with_a_capital() -> None:
    begun = re.compile(r"^\s*# (?!(?:fmt|mypy|noqa|ruff|type):)[a-z]")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, (before, line) in enumerate(pairwise(path.read_text().splitlines()), 2)
        if begun.search(line) and not before.lstrip().startswith("#")
    ]
    assert found == []


def test_a_question_is_answered_by_whether() -> None:
    assert find_lines(re.compile(r'"""Tell (whether|that)\b')) == []


def test_a_module_logs_by_a_name_of_its_own() -> None:
    assert find_lines(re.compile(r"^(logger|log|LOG|LOGGER) = ")) == []


def test_tests_are_named_by_what_they_say() -> None:
    assert find_lines(re.compile(r"def test_(case|issue)_?\d")) == []

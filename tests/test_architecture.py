"""The house rules that a program can check; who imports whom is import-linter's to say."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents import DOCS
from tests.servers import ROOT
from tests.sources import parse, walk_statements

SOURCES = [
    path
    for package in ("flowruns", "approvals")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "migrations" not in path.parts
]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
LONGEST_FUNCTION = 60
LONGEST_FILE = 500
LONGEST_TEMPLATE = 100


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def read_lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in walk_statements(parse(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_functions_and_files_stay_small() -> None:
    too_long = [name_of(path) for path in SOURCES if len(read_lines(path)) > LONGEST_FILE]
    for path in SOURCES:
        for function in functions_of(path):
            lines = (function.end_lineno or 0) - function.lineno + 1
            if lines > LONGEST_FUNCTION:
                too_long.append(f"{name_of(path)}: {function.name} has {lines} lines")
    assert too_long == []


def test_modules_say_what_they_are_for() -> None:
    trees = {name_of(path): parse(path) for path in SOURCES}
    assert [name for name, tree in trees.items() if tree.body and not ast.get_docstring(tree)] == []
    vague = {"utils", "helpers", "common", "misc"}
    assert [name_of(path) for path in SOURCES if path.stem in vague] == []


def test_nothing_is_skipped_or_left_to_do() -> None:
    words = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b|mark\.(sk" + r"ip|xf" + r"ail)")
    for path in [*SOURCES, *TESTS, *TEMPLATES]:
        assert not words.search(path.read_text()), name_of(path)


def test_templates_are_short() -> None:
    too_long = [path for path in TEMPLATES if len(read_lines(path)) > LONGEST_TEMPLATE]
    assert [name_of(path) for path in too_long] == []


@pytest.mark.parametrize(
    "pattern",
    [
        r"<style\b|<script\b(?![^>]*\bsrc=)",
        r"""\s(on[a-z]+|style)\s*=\s*["']""",
        r"javascript:|hx-on\b|hx-vals=['\"]js:",
        r"\|safe\b|\{%\s*autoescape\s+off",
    ],
    ids=["elements", "attributes", "javascript", "unescaped"],
)
def test_templates_need_nothing_inline(pattern: str) -> None:
    """The Content-Security-Policy refuses inline scripts and styles, so neither would work."""
    inline = re.compile(pattern, re.IGNORECASE)
    assert [name_of(path) for path in TEMPLATES if inline.search(path.read_text())] == []


def read_names(*paths: str) -> set[str]:
    """Return the texts in capitals of modules that read the environment."""
    names: set[str] = set()
    for path in paths:
        for node in ast.walk(parse(ROOT / path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                names |= set(re.findall(r"^[A-Z]{2,}(?:_[A-Z]+)*$", node.value))
    return names


def test_every_variable_that_is_read_is_documented() -> None:
    read = read_names(
        "approvals/project/environment.py", "approvals/project/mail.py", "flowruns/sdk/config.py"
    )
    calls = "bool int choice hosts hours networks policy secret_key slack_address slack_token"
    for call in [*calls.split(), "token", "url"]:
        text = (ROOT / "approvals/project/settings.py").read_text()
        read |= set(re.findall(rf'read_{call}\(\s*(?:APPROVALS_HOME, )?"([A-Z_]+)"', text))
    no_variables = {
        "BACKEND",
        "CONN_HEALTH_CHECKS",
        "CONN_MAX_AGE",
        "ENGINE",
        "IMMEDIATE",
        "NAME",
        "OPTIONS",
    }
    table = set(re.findall(r"^\| `([A-Z_]+)` \|", (DOCS / "settings.md").read_text(), re.MULTILINE))
    table |= {"PREFECT_API_URL", "PREFECT_API_KEY"}  # in the row of the variable they stand for
    assert read - no_variables == table


def test_readmes_commands_are_the_ones_that_checks_use() -> None:
    second = (ROOT / ".ci" / "run").read_text().splitlines()[-1]
    assert f"```sh\n{second}\n```" in (ROOT / "README.md").read_text()

"""The house rules that a program can check; who imports whom is import-linter's to say."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import ROOT

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


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_functions_and_files_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE
    for function in functions_of(path):
        lines = (function.end_lineno or 0) - function.lineno + 1
        assert lines <= LONGEST_FUNCTION, f"{function.name} has {lines} lines"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_modules_say_what_they_are_for(path: Path) -> None:
    assert path.stem not in {"utils", "helpers", "common", "misc"}
    tree = ast.parse(path.read_text())
    assert not tree.body or ast.get_docstring(tree)


def test_nothing_is_skipped_or_left_to_do() -> None:
    words = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b|mark\.(sk" + r"ip|xf" + r"ail)")
    for path in [*SOURCES, *TESTS, *TEMPLATES]:
        assert not words.search(path.read_text()), name_of(path)


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_templates_are_short_and_need_nothing_inline(path: Path) -> None:
    """The Content-Security-Policy refuses inline scripts and styles, so neither would work."""
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_TEMPLATE
    assert not re.search(r"<style\b|<script\b(?![^>]*\bsrc=)", text, re.IGNORECASE)
    assert not re.search(r"""\s(on[a-z]+|style)\s*=\s*["']""", text, re.IGNORECASE)
    assert not re.search(r"javascript:|hx-on\b|hx-vals=['\"]js:", text, re.IGNORECASE)
    assert not re.search(r"\|safe\b|\{%\s*autoescape\s+off", text)


def read_names(*paths: str) -> set[str]:
    """Return the texts in capitals of modules that read the environment."""
    names: set[str] = set()
    for path in paths:
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                names |= set(re.findall(r"^[A-Z]{2,}(?:_[A-Z]+)*$", node.value))
    return names


def test_readme_documents_every_variable_that_is_read() -> None:
    read = read_names("approvals/project/environment.py", "flowruns/sdk/config.py")
    for call in ("read_bool", "read_int", "read_hosts", "read_url"):
        text = (ROOT / "approvals/project/settings.py").read_text()
        read |= set(re.findall(rf'{call}\("([A-Z_]+)"', text))
    no_variables = {"CONN_HEALTH_CHECKS", "ENGINE", "IMMEDIATE", "NAME", "OPTIONS"}
    table = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE))
    table |= {"PREFECT_API_URL", "PREFECT_API_KEY"}  # in the row of the variable they stand for
    assert read - no_variables == table


def test_readmes_commands_are_the_ones_that_checks_use() -> None:
    second = (ROOT / ".ci" / "run").read_text().splitlines()[-1]
    assert f"```sh\n{second}\n```" in (ROOT / "README.md").read_text()

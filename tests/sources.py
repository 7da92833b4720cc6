"""The code of this project, parsed once for all tests that look at it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def walk_statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a module, class or function and all statements in it, without their expressions."""
    yield node
    for block in _BLOCKS:
        inner = getattr(node, block, ())
        for each in inner if isinstance(inner, list) else ():
            yield from walk_statements(each)


def find_callers(folder: Path, sinks: set[str]) -> set[str]:
    """Return the functions below a folder that call one of these, by themselves or by others.

    A sink is a function's full name, or `.name` for a method of whatever object; what is returned
    are full names, such as `approvals.services.votes.answer_approval`.
    """
    calls = dict(_list_calls(folder))
    found: set[str] = set()
    while more := {name for name, of in calls.items() if of & (sinks | found)} - found:
        found |= more
    return found


def _list_calls(folder: Path) -> Iterator[tuple[str, set[str]]]:
    """Yield each function of the modules below a folder, with what it names of those that call."""
    for path in sorted(folder.rglob("*.py")):
        module = ".".join(path.relative_to(folder.parent).with_suffix("").parts)
        tree = parse(path)
        names = dict(_list_names(tree, module))
        for function in tree.body:
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{module}.{function.name}", set(_name_used(function, names))


def _list_names(tree: ast.Module, module: str) -> Iterator[tuple[str, str]]:
    """Yield what a module calls its own functions and what it imports, and the full names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for each in node.names:
                yield each.asname or each.name, f"{node.module}.{each.name}"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, f"{module}.{node.name}"


def _name_used(function: ast.AST, names: dict[str, str]) -> Iterator[str]:
    """Yield what a function mentions, called or handed on, and `.name` for what it calls."""
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id in names:
            yield names[node.id]
        elif isinstance(node, ast.Attribute):
            yield f".{node.attr}"
            if isinstance(node.value, ast.Name) and node.value.id in names:
                yield f"{names[node.value.id]}.{node.attr}"

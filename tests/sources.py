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

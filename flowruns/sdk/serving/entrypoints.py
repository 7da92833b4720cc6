"""Where a flow is written, so that another process finds it: `path/to/file.py:function`."""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from flowruns.sdk.errors import FlowNotServable
from flowruns.sdk.runs.definitions import FlowDefinition

_is_loading = False


def entrypoint_of(flow: FlowDefinition[..., Any]) -> str:
    """Name the file and the function of `flow`, the file by its whole path.

    Raises FlowNotServable for a flow that no other process could import.
    """
    name = flow.fn.__qualname__
    try:
        file = inspect.getsourcefile(flow.fn)
    except TypeError:
        file = None
    if file is None or not Path(file).is_file():
        raise FlowNotServable(f"The flow {flow.name!r} is in no file, so nothing else can run it.")
    if inspect.ismethod(flow.fn) and not isinstance(flow.fn.__self__, type):
        raise FlowNotServable(
            f"The flow {flow.name!r} is a method of an instance, which no other process has."
        )
    if "<" in name:
        raise FlowNotServable(
            f"The flow {flow.name!r} is inside of {name.partition('.')[0]!r};"
            " define it at the top of its file."
        )
    return f"{Path(file).resolve()}:{name}"


def is_loading() -> bool:
    """Whether a file is being imported for its flow's sake."""
    return _is_loading


@contextmanager
def _loading() -> Iterator[None]:
    global _is_loading  # noqa: PLW0603 -- imports are of the whole process
    _is_loading = True
    try:
        yield
    finally:
        _is_loading = False


def load_flow(entrypoint: str) -> FlowDefinition[..., Any]:
    """Import the file of `entrypoint` and return its flow.

    Raises FlowNotServable where there is none, or whatever the file raises.
    """
    file, _, name = entrypoint.rpartition(":")
    with _loading():
        module = import_file(Path(file).resolve())
    flow: Any = module
    for part in name.split("."):
        flow = getattr(flow, part, None)
    if not isinstance(flow, FlowDefinition):
        raise FlowNotServable(f"{file} has no flow {name!r}.")
    return flow


def import_file(file: Path) -> ModuleType:
    """Import `file` as the module that it is in its package, or as a script's."""
    root, name = file.parent, file.stem
    while (root / "__init__.py").exists():
        root, name = root.parent, f"{root.name}.{name}"
    sys.path.insert(0, str(root))
    if "." in name:
        return importlib.import_module(name)
    if name in sys.modules:
        # A script may be called as any module is, but must not be taken for it.
        name = f"_flow_{name}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise FlowNotServable(f"{file} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    # Under its name, by which pickle finds what is defined in it.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module

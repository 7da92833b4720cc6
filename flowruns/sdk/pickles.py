"""Pickle what flows return, so that another process reads it: answers, scripts' classes, errors."""

import importlib
import io
import pickle
import sys
from pathlib import Path
from types import FunctionType
from typing import Any

# Where results that were stored before look for what has moved since: a run may be suspended
# meanwhile.
_MOVED = {
    "flowruns.sdk.base_run_input": "flowruns.sdk.inputs.run_input",
    "flowruns.sdk.run_input": "flowruns.sdk.inputs.run_input",
}


def dump(value: Any) -> bytes:
    """Pickle `value`; raises whatever that raises, also where reading it again would."""
    output = io.BytesIO()
    _Pickler(output).dump(value)
    content = output.getvalue()
    load(content)
    return content


def load(content: bytes) -> Any:
    # Written by the author's own flow, in a place of the author's own.
    return _Unpickler(io.BytesIO(content)).load()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        return super().find_class(_MOVED.get(module_name, module_name), global_name)


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, type | FunctionType) and value.__module__ == "__main__":
            return _reduce_of_script(value)
        if isinstance(value, BaseException) and type(value).__reduce__ is BaseException.__reduce__:
            # Pickle itself calls the class with `args`, which may not be what it takes.
            return _make_error, (type(value), value.args), value.__dict__
        return NotImplemented


def _reduce_of_script(value: type | FunctionType) -> Any:
    """Name what a script defines by the module that it is for who imports it."""
    file = getattr(sys.modules["__main__"], "__file__", None)
    if file is None or "<" in value.__qualname__:
        return NotImplemented
    return _find, (Path(file).stem, value.__qualname__)


def _find(module: str, name: str) -> Any:
    file = getattr(sys.modules["__main__"], "__file__", None)
    is_this_script = file is not None and Path(file).stem == module
    found: Any = sys.modules["__main__"] if is_this_script else importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _make_error(kind: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    error = kind.__new__(kind, *args)
    error.args = args
    return error

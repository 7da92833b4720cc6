"""A Python that has loaded what takes it long: each fork of it goes on as one that begins.

Its arguments are the names of modules, and a socket. Run by the Python of any environment of the
tests; a fork is told what `python` would be: a script, `-c` or `-m` with what follows. What it
begins as `sys.executable` is one more fork (`tests.forked_executable`).
"""

import importlib
import os
import runpy
import shutil
import socket
import sys
import tempfile
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.built_models import build_models
from tests.fork_server import fork_for_each, run_to_its_end, write_executable

_ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="python-"))
    write_executable(folder / "python", python=sys.executable, address=_address())
    sys.executable = str(folder / "python")
    with tempfile.TemporaryDirectory(prefix="home-") as home:
        os.environ |= {"HOME": home, "PREFECT_HOME": home}
        for name in sys.argv[1:-1]:
            _load(name)
        build_models()
    del sys.argv[1:-1]
    own_path = [folder for folder in sys.path if folder not in ("", str(_ROOT))]
    try:
        arguments = fork_for_each()
    except SystemExit:  # in the first process alone
        shutil.rmtree(folder)
        raise
    run_to_its_end(partial(_begin, arguments, own_path))


def _begin(arguments: list[str], own_path: list[str]) -> None:
    """Be what `python` is with these arguments, and the variables of this process."""
    given_path = os.environ.get("PYTHONPATH", "")
    sys.path = [*filter(None, given_path.split(os.pathsep)), *own_path]
    if "PYTHONUNBUFFERED" in os.environ:
        for stream in (sys.stdout, sys.stderr):
            assert isinstance(stream, TextIOWrapper)
            stream.reconfigure(write_through=True)
    if "prefect" in sys.modules:
        _read_prefects_settings()
    _run(arguments)


def _address() -> str:
    """Return where this process is asked for forks."""
    with socket.socket(fileno=os.dup(int(sys.argv[-1]))) as listens:
        address: bytes = listens.getsockname()
    return address.decode()


def _load(name: str) -> None:
    """Load the module, and the names that it offers, which may be loaded when they are needed."""
    module = importlib.import_module(name)
    for offered in getattr(module, "__all__", ()):
        getattr(module, offered)


def _read_prefects_settings() -> None:
    """Have the settings of this process's variables, as if Prefect had just been loaded."""
    context = vars(importlib.import_module("prefect.context"))
    loaded = context["GLOBAL_SETTINGS_CONTEXT"].settings
    read = context["root_settings_context"]()
    context["GLOBAL_SETTINGS_CONTEXT"] = read
    # To set up logging takes longer than most programs
    if _what_is_logged(read.settings) != _what_is_logged(loaded):
        importlib.import_module("prefect.logging.configuration").setup_logging(incremental=False)


def _what_is_logged(settings: Any) -> list[Any]:
    """Return what Prefect sets up logging by: a file if there is one, and some of its settings."""
    file = settings.logging.config_path
    levels = [settings.server.logging_level, settings.internal.logging_level]
    return [
        file if file.exists() else None,
        settings.logging.model_dump(exclude={"config_path"}),
        *levels,
    ]


def _run(arguments: list[str]) -> None:
    """Be what `python` is with these arguments; it may end by an exception, as usual."""
    match arguments:
        case ["-m", module, *given]:
            sys.path.insert(0, str(Path.cwd()))
            sys.argv = [module, *given]
            if not hasattr(sys.modules.get(module), "__path__"):
                sys.modules.pop(module, None)  # as a module that is run is not loaded
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case ["-c", code, *given]:
            sys.path.insert(0, "")
            _execute(code, "<string>", ["-c", *given])
        case [script, *given]:
            sys.path.insert(0, str(Path(script).parent))
            _execute(Path(script).read_text(), script, [script, *given])


def _execute(code: str, file: str, arguments: list[str]) -> None:
    module = ModuleType("__main__")
    if arguments[0] == file:
        module.__file__ = file
    sys.modules["__main__"] = module
    sys.argv = arguments
    exec(compile(code, file, "exec"), vars(module))


if __name__ == "__main__":
    main()

"""A Python that has loaded what takes it long: each fork of it goes on as one that begins.

Its arguments are the names of modules, and a socket. Run by the Python of any environment of the
tests; a fork is told what `python` would be: a script, `-c` or `-m` with what follows. What it
begins as `sys.executable` is one more fork (`tests.forked_executable`).
"""

import importlib
import os
import runpy
import shlex
import shutil
import socket
import sys
import tempfile
from io import TextIOWrapper
from pathlib import Path
from types import ModuleType

from tests.fork_server import fork_for_each

_ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="python-"))
    sys.executable = str(_write_executable(folder / "python"))
    with tempfile.TemporaryDirectory(prefix="home-") as home:
        os.environ |= {"HOME": home, "PREFECT_HOME": home}
        for name in sys.argv[1:-1]:
            _load(name)
    del sys.argv[1:-1]
    own_path = [folder for folder in sys.path if folder not in ("", str(_ROOT))]
    try:
        arguments = fork_for_each()
    except SystemExit:  # in the first process alone
        shutil.rmtree(folder)
        raise
    given_path = os.environ.get("PYTHONPATH", "")
    sys.path = [*filter(None, given_path.split(os.pathsep)), *own_path]
    if "PYTHONUNBUFFERED" in os.environ:
        for stream in (sys.stdout, sys.stderr):
            assert isinstance(stream, TextIOWrapper)
            stream.reconfigure(write_through=True)
    if "prefect" in sys.modules:
        _read_prefects_settings()
    _run(arguments)


def _write_executable(path: Path) -> Path:
    """Make the file that stands for this Python and asks this process for forks."""
    with socket.socket(fileno=os.dup(int(sys.argv[-1]))) as listens:
        address: bytes = listens.getsockname()
    code = (
        f"import sys; sys.path.insert(0, {str(_ROOT)!r}); "
        f"from tests.forked_executable import main; main({sys.executable!r}, {address.decode()!r})"
    )
    command = f"exec {shlex.quote(sys.executable)} -ISc {shlex.quote(code)}"
    path.write_text(f'#!/bin/sh\n{command} "$@"\n')
    path.chmod(0o700)
    return path


def _load(name: str) -> None:
    """Load the module, and the names that it offers, which may be loaded when they are needed."""
    module = importlib.import_module(name)
    for offered in getattr(module, "__all__", ()):
        getattr(module, offered)


def _read_prefects_settings() -> None:
    """Have the settings of this process's variables, as if Prefect had just been loaded."""
    context = importlib.import_module("prefect.context")
    vars(context)["GLOBAL_SETTINGS_CONTEXT"] = context.root_settings_context()
    logging = importlib.import_module("prefect.logging.configuration")
    logging.setup_logging(incremental=False)


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

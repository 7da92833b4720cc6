"""A Python that has loaded what takes it long: each fork of it goes on as one that begins.

Its arguments are the names of modules, and a socket. Run by the Python of any environment of the
tests; a fork is told what `python` would be: a script, `-c` or `-m` with what follows.
"""

import importlib
import os
import runpy
import sys
import tempfile
from io import TextIOWrapper
from pathlib import Path
from types import ModuleType

from tests.fork_server import fork_for_each

_ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="home-") as home:
        os.environ |= {"HOME": home, "PREFECT_HOME": home}
        for name in sys.argv[1:-1]:
            _load(name)
    del sys.argv[1:-1]
    own_path = [folder for folder in sys.path if folder not in ("", str(_ROOT))]
    arguments = fork_for_each()
    given_path = os.environ.get("PYTHONPATH", "")
    sys.path = [*filter(None, given_path.split(os.pathsep)), *own_path]
    if "PYTHONUNBUFFERED" in os.environ:
        for stream in (sys.stdout, sys.stderr):
            assert isinstance(stream, TextIOWrapper)
            stream.reconfigure(write_through=True)
    if "prefect" in sys.modules:
        _read_prefects_settings()
    _run(arguments)


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

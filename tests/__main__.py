"""Get what the checks need, then run them all; stops at the first that fails.

README's second command. It needs Python, uv and the package registry, and ends with pytest's own
closing line.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.chromium import install_chromium

_ROOT = Path(__file__).resolve().parents[1]
_PREFECT = ".venv-prefect"
_CHECKS = {
    "ruff check": [sys.executable, "-m", "ruff", "check"],
    "ruff format": [sys.executable, "-m", "ruff", "format", "--check"],
    "mypy": [sys.executable, "-m", "mypy"],
    "import-linter": [str(Path(sys.executable).with_name("lint-imports"))],
    "pytest": [sys.executable, "-m", "pytest", "--durations=15"],
}


def main() -> None:
    install_chromium()
    _install_prefect()
    for name, command in _CHECKS.items():
        _run(name, command)


def _install_prefect() -> None:
    """Make the environment of the reference that tests compare with."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        raise SystemExit("uv is not on the PATH: run this with `python3 -m uv run`.")
    command = [uv, "sync", "--locked", "--only-group", "prefect"]
    _run("Prefect's environment", command, UV_PROJECT_ENVIRONMENT=_PREFECT)


def _run(name: str, command: list[str], **environment: str) -> None:
    started = time.monotonic()
    print(f"\n== {name}", flush=True)
    code = subprocess.run(
        command, cwd=_ROOT, check=False, env=os.environ | environment, stdin=subprocess.DEVNULL
    ).returncode
    if code:
        raise SystemExit(f"{name} failed after {time.monotonic() - started:.0f} s.")


if __name__ == "__main__":
    main()

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
# the reference that tests compare with, and an older client that teams still have
_PREFECT_ENVIRONMENTS = {"prefect": ".venv-prefect", "prefect-older": ".venv-prefect-older"}
_CHECKS = {
    "ruff check": [sys.executable, "-m", "ruff", "check"],
    "ruff format": [sys.executable, "-m", "ruff", "format", "--check"],
    "mypy": [sys.executable, "-m", "mypy"],
    "import-linter": [str(Path(sys.executable).with_name("lint-imports"))],
    "pytest": [sys.executable, "-m", "pytest", "--durations=15"],
}


def main() -> None:
    install_chromium()
    for group, folder in _PREFECT_ENVIRONMENTS.items():
        _install_prefect(group, folder)
    for name, command in _CHECKS.items():
        _run(name, command)


def _install_prefect(group: str, folder: str) -> None:
    """Make an environment with one release of Prefect."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        raise SystemExit("uv is not on the PATH: run this with `python3 -m uv run`.")
    command = [uv, "sync", "--locked", "--only-group", group]
    _run(f"the environment {folder}", command, UV_PROJECT_ENVIRONMENT=folder)


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

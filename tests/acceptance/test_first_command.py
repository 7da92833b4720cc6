"""README's first command, in a fresh clone, with each Python of this machine that is new enough."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.acceptance.clients import runs_in, until
from tests.environments import clean_environment
from tests.servers import CLIENT_SECONDS, ROOT, free_port

_OLDEST = (3, 12)
_ASK_VERSION = "import sys; print(*sys.version_info[:2])"
_DEMO_FLOWS = 3
_START_SECONDS = 300  # to install all, on a busy machine
_OF_THIS_RUN = ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_INTERNAL__PARENT_INTERPRETER")


def find_pythons() -> dict[str, Path]:
    """Return one interpreter for each release from 3.12 on: those on the PATH, and pyenv's."""
    folders = [Path(folder) for folder in os.get_exec_path()]
    folders += sorted(
        Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/*/bin")
    )
    own = "{}.{}".format(*sys.version_info[:2])
    found = {own: Path(sys.base_prefix) / "bin" / f"python{own}"}
    for folder in folders:
        for path in sorted(folder.glob("python3*")):
            version = _read_version(path) if re.fullmatch(r"python3(\.\d+)?", path.name) else None
            if version is not None and version >= _OLDEST:
                found.setdefault("{}.{}".format(*version), path)
    return found


def _read_version(python: Path) -> tuple[int, ...] | None:
    try:
        asked = subprocess.run(
            [python, "-c", _ASK_VERSION], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return tuple(map(int, asked.stdout.split()))


@contextmanager
def first_command(python: Path, folder: Path, port: int) -> Iterator[Path]:
    """Run it as a newcomer whose `python3` is this one; yield the path of what it prints."""
    clone, log = folder / "clone", folder / "output"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    newcomers = folder / "bin"
    newcomers.mkdir()
    (newcomers / "python3").symlink_to(python)
    command = re.search(r"```sh\n(.*--demo)\n```", (clone / "README.md").read_text())
    assert command
    environment = clean_environment() | {
        "APPROVALS_HOME": str(folder / "home"),
        "PATH": f"{newcomers}:{os.environ['PATH']}",
        # What pip installs goes with the test, and leaves the machine's Python as it is
        "PIP_USER": "1",
        "PIP_BREAK_SYSTEM_PACKAGES": "1",
        "PYTHONUSERBASE": str(folder / "user"),
    }
    for name in _OF_THIS_RUN:
        environment.pop(name, None)
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["sh", "-c", f"{command[1]} --port {port}"],
            cwd=clone,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield log
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def test_flows_wait_in_the_inbox_after_the_first_command_with_each_python(tmp_path: Path) -> None:
    pythons = find_pythons()
    folders = [tmp_path / version for version in pythons]
    with ThreadPoolExecutor(len(pythons)) as newcomers:
        list(newcomers.map(start_demo, pythons, pythons.values(), folders))


def start_demo(version: str, python: Path, folder: Path) -> None:
    """Run the command until its flows wait, and see that this Python was taken."""
    folder.mkdir()
    port = free_port()
    with first_command(python, folder, port) as log:

        def wait_in_inbox() -> bool:
            key = folder / "home" / "api-key"
            if not key.exists():
                return False
            headers = {"Authorization": f"Bearer {key.read_text().strip()}"}
            with httpx.Client(
                verify=False,
                base_url=f"http://127.0.0.1:{port}/api/",
                headers=headers,
                timeout=CLIENT_SECONDS,
            ) as client:
                try:
                    return len(runs_in(client, "PAUSED")) == _DEMO_FLOWS
                except httpx.TransportError:
                    return False

        try:
            until(wait_in_inbox, within=_START_SECONDS)
        except AssertionError as error:
            error.add_note(log.read_text())
            raise
    chosen = folder / "clone" / ".venv" / "bin" / "python"
    assert _read_version(chosen) == tuple(map(int, version.split("."))), log.read_text()

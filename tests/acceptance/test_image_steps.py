"""The steps of the image in a clean folder, for which no container engine is needed."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.test_wheel import run, run_uv
from tests.environments import clean_environment
from tests.servers import ROOT, free_port, wait_until_ready

_NOBODY = 65_534


@pytest.fixture
def clean_root() -> Iterator[Path]:
    """A folder that a user without rights may enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="approvals-image-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_the_steps_make_a_server_that_runs_without_rights_and_is_healthy(clean_root: Path) -> None:
    build, last = (ROOT / "Dockerfile").read_text().split("\nFROM ")[1:]
    steps = re.findall(r"^(COPY|RUN) (.+)$", build, re.MULTILINE)
    assert len(steps) == 8
    app = clean_root / "app"
    app.mkdir()
    for kind, what in steps:
        if kind == "COPY":
            copy(app, *what.split())
        elif what.startswith("uv "):
            run_uv(*what.split()[1:], "--python", sys.executable, cwd=app)
    shutil.rmtree(app / "approvals")  # the last stage has the environment alone
    command = app / ".venv" / "bin" / "approvals"
    assert run(command, "--version", cwd=app).startswith("Approvals ")
    assert "--metrics-port" in run(command, "work", "--help", cwd=app)
    serve_and_ask_for_health(clean_root, command, last)


def serve_and_ask_for_health(root: Path, command: Path, stage: str) -> None:
    """Start what the last stage starts, and run its health check."""
    port, home, log = free_port(), root / "data", root / "log"
    home.mkdir(mode=0o700)
    user = _NOBODY if os.geteuid() == 0 and is_open_to_others(command) else None
    if user is not None:
        os.chown(home, user, user)
    environment = clean_environment() | {"APPROVALS_HOME": str(home)}
    arguments = json.loads(found(r"^CMD (\[.*\])$", stage))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [command, *arguments, "--port", str(port)],
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=user,
            group=user,
        )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/api/ready", process, log)
        check = found(r'CMD \["python", "-c", \\\n +"(.*)"\]$', stage).replace("8000", str(port))
        subprocess.run([command.with_name("python"), "-c", check], check=True)
        process.terminate()
        assert process.wait(60) == 0, log.read_text()
        with pytest.raises(subprocess.CalledProcessError):
            subprocess.run(
                [command.with_name("python"), "-c", check], check=True, stderr=subprocess.DEVNULL
            )
    finally:
        process.kill()
        process.wait()


def is_open_to_others(command: Path) -> bool:
    """Whether a user without rights reaches the interpreter, which may lie in somebody's home."""
    folders = command.with_name("python").resolve().parents
    return all(folder.stat().st_mode & 0o001 for folder in folders)


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    assert match, text
    return match[1]


def copy(folder: Path, *names: str) -> None:
    *sources, target = names
    for name in sources:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / target)
        else:
            shutil.copy(ROOT / name, folder / target)

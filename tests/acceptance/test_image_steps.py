"""The steps of the image in a clean folder, for which no container engine is needed."""

import re
import shutil
import sys
from pathlib import Path

from tests.acceptance.test_wheel import run, run_uv
from tests.servers import ROOT


def test_the_first_stage_makes_a_command_that_runs(tmp_path: Path) -> None:
    build = (ROOT / "Dockerfile").read_text().split("\nFROM ")[1]
    steps = re.findall(r"^(COPY|RUN) (.+)$", build, re.MULTILINE)
    assert len(steps) == 8
    for kind, what in steps:
        if kind == "COPY":
            copy(tmp_path, *what.split())
        elif what.startswith("uv "):
            run_uv(*what.split()[1:], "--python", sys.executable, cwd=tmp_path)
    shutil.rmtree(tmp_path / "approvals")  # the last stage has the environment alone
    command = tmp_path / ".venv" / "bin" / "approvals"
    assert run(command, "--version", cwd=tmp_path).startswith("Approvals ")
    assert "--metrics-port" in run(command, "work", "--help", cwd=tmp_path)


def copy(folder: Path, *names: str) -> None:
    *sources, target = names
    for name in sources:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / target)
        else:
            shutil.copy(ROOT / name, folder / target)

"""The work is killed at steps of an answer, a few times; the command beside this does it often."""

import subprocess
import sys

import pytest

from tests.environments import clean_environment
from tests.servers import ROOT

pytestmark = pytest.mark.slow
KILLS = 6


def test_each_answer_has_one_outcome_whenever_the_work_is_killed() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.killing", str(KILLS)],
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert f"{2 * KILLS} runs" in told.stdout

"""What an import costs a flow's process, beside Prefect's, in one run on one machine.

`pytest tests/benchmarks/test_import_cost.py -s` prints the table.
"""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.environments import PREFECT_PYTHON, clean_environment
from tests.servers import ROOT, prefect_environment

pytestmark = pytest.mark.slow

ROUNDS = 2


def measure_import(python: Path | str, statement: str, environment: dict[str, str]) -> float:
    """Return how long the quicker of two whole processes took."""
    times: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        subprocess.run([python, "-c", statement], env=environment, check=True)
        times.append(time.perf_counter() - began)
    return min(times)


def test_an_import_costs_far_less_than_prefects(tmp_path: Path) -> None:
    ours = clean_environment() | {"PYTHONPATH": str(ROOT)}
    theirs = prefect_environment(tmp_path, has_certificates=True)
    nothing = measure_import(sys.executable, "pass", ours)
    package = measure_import(sys.executable, "import flowruns", ours)
    names = measure_import(sys.executable, "from flowruns import flow, pause_flow_run", ours)
    prefect = measure_import(PREFECT_PYTHON, "import prefect", theirs)
    prefect_names = measure_import(
        PREFECT_PYTHON, "from prefect import flow, pause_flow_run", theirs
    )
    print()
    for what, seconds in {
        "nothing": nothing,
        "import flowruns": package,
        "from flowruns import flow, pause_flow_run": names,
        "import prefect": prefect,
        "from prefect import flow, pause_flow_run": prefect_names,
    }.items():
        print(f"{what:<45} {1000 * seconds:6.0f} ms")
    assert package - nothing < (prefect - nothing) / 10
    assert names - nothing < (prefect_names - nothing) / 4

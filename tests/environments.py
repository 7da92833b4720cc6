"""The variables of processes that tests start, and the environments of Prefect's releases."""

import os
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
PREFECT_PYTHON = _ROOT / ".venv-prefect" / "bin" / "python"
OLDER_PREFECT_PYTHON = _ROOT / ".venv-prefect-older" / "bin" / "python"


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what would configure a server or a flow."""
    ours = ("FLOWRUNS_", "PREFECT_", "DJANGO_", "APPROVALS_", "DATABASE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}

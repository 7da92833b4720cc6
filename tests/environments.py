"""The variables of processes that tests start."""

import os


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what would configure a server or a flow."""
    ours = ("FLOWRUNS_", "PREFECT_", "DJANGO_", "APPROVALS_", "DATABASE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}

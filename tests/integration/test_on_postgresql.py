"""Every other test of this folder, once more, on PostgreSQL."""

import os
import subprocess
import sys

import pytest
from django.db import connection

from tests.servers import ROOT


@pytest.mark.slow
def test_everything_here_holds_on_postgresql_too(database_url: str) -> None:
    """In a process of its own, because the settings decide the database."""
    assert connection.vendor == "sqlite", "this process is meant to test the embedded default"
    command = [sys.executable, "-m", "pytest", "tests/integration", "-m", "not slow"]
    result = subprocess.run(
        [*command, "-q", "--no-header", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database_url},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout

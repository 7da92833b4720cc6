"""The database of an older release, which the next one brings up to date while flows wait."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.breaking import scene_on
from tests.acceptance.clients import connect, runs_in, state_of, until
from tests.acceptance.people import make_people, person
from tests.acceptance.waiting import PATIENCE_SECONDS
from tests.postgres import client_programs, create_database
from tests.servers import ApprovalsServer, approvals_server

pytestmark = pytest.mark.slow
_FLOW = Path(__file__).with_name("flow_that_waits.py")
# As long as nothing has been released: the oldest tables that there were
_FORMER = {"approvals": "0001_initial", "flowruns": "0001_initial"}


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> Iterator[ApprovalsServer]:
    if request.param == "sqlite":
        with approvals_server() as server:
            yield server
        return
    url = create_database(request.getfixturevalue("postgresql"))
    with approvals_server(DATABASE_URL=url) as server:
        yield server


def count_missing(server: ApprovalsServer) -> int:
    return server.manage("showmigrations", "flowruns", "approvals").count("[ ]")


def describe_tables(server: ApprovalsServer) -> list[str]:
    """Return the parts of what makes its tables and indexes; their order tells nothing."""
    if url := server.environment.get("DATABASE_URL"):
        program = str(client_programs() / "pg_dump")
        dump = subprocess.check_output(
            [program, "--schema-only", "--restrict-key=same", url], text=True
        )
        # A column that was renamed is held by a constraint of its old name
        parts = re.sub(r"CONSTRAINT \w+_not_null NOT NULL", "NOT NULL", dump).splitlines()
    else:
        with closing(sqlite3.connect(server.home / "approvals.sqlite3")) as connection:
            rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
            parts = [part for (sql,) in rows for part in re.split(r", | \(", sql)]
    return sorted(part.strip(" ,)") for part in parts)


def test_a_flow_that_waited_in_the_former_tables_is_answered_after_the_upgrade(
    server: ApprovalsServer, tmp_path: Path
) -> None:
    make_people(server)
    with scene_on(server, tmp_path) as scene, connect(server) as client:
        flow = scene.run_with(sys.executable, _FLOW, "flowruns", **server.flow_environment)
        waits = until(lambda: next(iter(runs_in(client, "PAUSED")), None))["id"]
        made_at_once = describe_tables(server)
        with server.away():
            for app, name in _FORMER.items():
                server.manage("migrate", app, name, "--verbosity", "0")
            assert count_missing(server) > 20
        assert count_missing(server) == 0
        assert describe_tables(server) == made_at_once
        assert state_of(client, waits) == "PAUSED"
        with person(server, "fay") as fay:
            fay.answer(waits, f_0="7")
        assert flow.wait(PATIENCE_SECONDS) == 0
        assert "answered 7" in scene.log_of(flow).read_text()
        assert state_of(client, waits) == "COMPLETED"

"""PostgreSQL hangs, as behind a line that is cut: everybody is told so soon, and it comes back."""

import time

import httpx
import pytest

from tests.acceptance.clients import connect, make_run, until
from tests.faults.breaking import cut_off
from tests.postgres import create_migrated_database, stoppable_postgresql
from tests.servers import approvals_server

pytestmark = pytest.mark.slow
# Far more than the two seconds of a check, far less than the cut
PATIENCE, CUT = 8.0, 12.0


def test_nobody_waits_for_a_database_that_hangs() -> None:
    with (
        stoppable_postgresql() as database,
        approvals_server(DATABASE_URL=create_migrated_database(database.url)) as server,
        connect(server) as client,
    ):
        run = make_run(client)
        with cut_off(database):
            ends = time.monotonic() + CUT
            answers = list[httpx.Response]()
            while time.monotonic() < ends:
                answers.append(client.get(f"/flow_runs/{run}", timeout=PATIENCE))
        assert {answer.status_code for answer in answers} == {503}
        assert all(answer.headers["Retry-After"] for answer in answers)
        until(lambda: client.get(f"/flow_runs/{run}").status_code == 200, within=30)

"""What the inbox, an approval and the history cost with 1,000 waiting, beside plain Django views.

`pytest -n0 -s tests/benchmarks/test_page_cost.py` prints the times. Machines differ, and one has
slow minutes, so nothing is held to them, and each comes with what reading a run takes Prefect's
server in the same seconds: a pace at which the aims in milliseconds can be compared.
"""

import asyncio
import time
from dataclasses import dataclass

import pytest
from django.core.handlers.base import BaseHandler
from django.test import Client, RequestFactory

from approvals.models import Approval
from tests.benchmarks.crowded_inbox import fill_inbox
from tests.benchmarks.load import Connection, cpu_seconds
from tests.benchmarks.side_by_side import make_run as make_run_at
from tests.integration.conftest import Make, api, make_run
from tests.integration.pages import log_in
from tests.servers import prefect_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db,
    pytest.mark.usefixtures("_collects_as_served"),
]

WAITING = 1_000
ENDED = 3_000
_ROUNDS = 5
# In a round: pages of each kind, and runs that Prefect's server reads
_PAGES, _READS = 6, 24
# Milliseconds for which Prefect's server read a run where the aims were set
_PACE_OF_AIMS = 4.9
__all__ = ["api", "make_run"]  # fixtures


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page as a served process answers it: of ours, or of a plain Django view."""

    handler: BaseHandler
    client: Client
    path: str
    is_plain: bool = False

    def answer(self) -> None:
        request = RequestFactory().get(self.path)
        request.COOKIES = {name: morsel.value for name, morsel in self.client.cookies.items()}
        if self.is_plain:
            request.urlconf = "tests.benchmarks.plain_pages"
        assert self.handler.get_response(request).status_code == 200

    def take_time(self) -> float:
        """Return the milliseconds of processor time that each of some answers takes."""
        began = time.process_time()
        for _ in range(_PAGES):
            self.answer()
        return (time.process_time() - began) / _PAGES * 1000


def test_pages_beside_plain_views_of_the_same_rows(make_run: Make) -> None:
    client = log_in(fill_inbox(WAITING, ended=ENDED).username)
    handler = BaseHandler()
    handler.load_middleware()
    run = make_run()
    run.pause()
    one = Approval.objects.get(flow_run_id=run.uuid).pk
    with prefect_server() as theirs, asyncio.Runner() as runner:
        reader = Connection(theirs.api_url)
        read = f"/flow_runs/{runner.run(make_run_at(reader))}"
        for path, like in [
            ("/", "/waiting/"),
            ("/?list=all&tag=eu&group=flow", "/waiting/"),
            (f"/approvals/{one}/", f"/one/{one}/"),
            ("/history/", "/ended/"),
        ]:
            ours = Page(handler=handler, client=client, path=path)
            plain = Page(handler=handler, client=client, path=like, is_plain=True)
            ours.answer()
            plain.answer()
            whole, bare, before = 0.0, 0.0, cpu_seconds(theirs.pid)
            # In turns, since each minute of a machine that others share has a pace of its own
            for _ in range(_ROUNDS):
                whole += ours.take_time() / _ROUNDS
                bare += plain.take_time() / _ROUNDS
                runner.run(read_often(reader, read))
            pace = (cpu_seconds(theirs.pid) - before) / _ROUNDS / _READS * 1000
            print(
                f"{path[:32]:<32} {whole:6.1f} ms, plain {bare:6.1f} ms, ratio {whole / bare:4.1f};"
                f" Prefect reads a run in {pace:4.1f} ms, so at the pace of the aims"
                f" {whole / pace * _PACE_OF_AIMS:6.1f} ms"
            )
        runner.run(leave(reader))


async def leave(reader: Connection) -> None:
    reader.close()
    await asyncio.sleep(0)  # the connection ends when the loop comes to it


async def read_often(reader: Connection, path: str) -> None:
    await reader.open()  # on a busy machine the server hangs up in the time between
    for _ in range(_READS):
        status, _ = await reader.ask("GET", path)
        assert status == 200

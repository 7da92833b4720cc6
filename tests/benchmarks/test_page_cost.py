"""What the inbox, an approval and the history cost with 1,000 waiting, beside plain Django views.

`pytest -n0 -s tests/benchmarks/test_page_cost.py` prints the times. Machines differ, so nothing is
held to them.
"""

import time
from collections.abc import Callable

import pytest
from django.core.handlers.base import BaseHandler
from django.test import Client, RequestFactory
from django.test.utils import override_settings

from approvals.models import Approval
from tests.benchmarks.crowded_inbox import fill_inbox
from tests.integration.conftest import Make, api, make_run
from tests.integration.pages import log_in

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db,
    pytest.mark.usefixtures("_collects_as_served"),
]

WAITING = 1_000
ENDED = 3_000
_ROUNDS = 15
__all__ = ["api", "make_run"]  # fixtures


def test_pages_beside_plain_views_of_the_same_rows(
    make_run: Make,
) -> None:
    client = log_in(fill_inbox(WAITING, ended=ENDED).username)
    handler = BaseHandler()
    handler.load_middleware()
    run = make_run()
    run.pause()
    one = Approval.objects.get(flow_run_id=run.uuid).pk
    for ours, plain in [
        ("/", "/waiting/"),
        ("/?list=all&tag=eu&group=flow", "/waiting/"),
        (f"/approvals/{one}/", f"/one/{one}/"),
        ("/history/", "/ended/"),
    ]:
        with override_settings(ROOT_URLCONF="tests.benchmarks.plain_pages"):
            bare = take_least(handler, client, plain)
        whole = take_least(handler, client, ours)
        print(f"{ours[:32]:<32} {whole:6.1f} ms, plain {bare:6.1f} ms, ratio {whole / bare:4.1f}")


def take_least(handler: BaseHandler, client: Client, path: str) -> float:
    """Return the least processor time of several rounds, in ms: as a served process answers."""

    def answer() -> None:
        request = RequestFactory().get(path)
        request.COOKIES = {name: morsel.value for name, morsel in client.cookies.items()}
        assert handler.get_response(request).status_code == 200

    answer()
    return min(take_time(answer) for _ in range(_ROUNDS)) * 1000


def take_time(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began

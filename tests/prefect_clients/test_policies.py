"""A form of Prefect's own says who may answer: its client is refused in words, a person is not."""

import httpx

from tests.acceptance.clients import runs_in, until
from tests.acceptance.people import make_people, person
from tests.prefect_clients.clients import PrefectClient, results
from tests.servers import ApprovalsServer


def test_prefects_own_resume_raises_for_whom_the_run_waits(
    server: ApprovalsServer, newest: PrefectClient, api: httpx.Client
) -> None:
    make_people(server)
    process = newest.start_flow("guarded.py")
    [run] = until(lambda: runs_in(api, "PAUSED"))
    told = "told: Cannot resume this run: Waits for 1 of @finance\n"
    until(lambda: told in process.output or None)
    with person(server, "fay") as fay:
        fay.answer(run["id"], f_0="1")
    assert results(process.finish()) == [[True, ["fay"]]]

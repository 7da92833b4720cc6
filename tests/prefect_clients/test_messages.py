"""Flows that send each other messages while both run."""

import httpx

from tests.acceptance.clients import runs_in, until
from tests.prefect_clients.clients import PrefectClient, results


def test_two_flows_ask_and_answer_each_other(newest: PrefectClient, api: httpx.Client) -> None:
    answering = newest.start_flow("talking.py", "answering")
    [run] = until(lambda: runs_in(api, "RUNNING"))
    asking = newest.start_flow("talking.py", "asking", run["id"])
    outputs = [asking.finish(), answering.finish()]
    assert [results(output) for output in outputs] == [[["3 heard", "0 heard"]], [[3, 0]]]

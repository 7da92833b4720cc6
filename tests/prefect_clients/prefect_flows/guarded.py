"""A flow for Prefect alone whose form says who may answer, and a program that tries to.

It prints what the program was told, and as JSON the answer and who gave it.
"""

import json
import threading
import time
from typing import Any
from uuid import UUID

from httpx import HTTPStatusError
from prefect import flow, get_client, pause_flow_run
from prefect.context import get_run_context
from prefect.flow_runs import resume_flow_run
from prefect.input import RunInput
from pydantic import ConfigDict


class Refund(RunInput):
    model_config = ConfigDict(json_schema_extra={"x-approvals": {"policy": "1 of @finance"}})

    approve: bool


def has_input(client: Any, flow_run_id: UUID, key: str) -> bool:
    try:
        return bool(client.read_flow_run_input(flow_run_id, key))
    except HTTPStatusError:
        return False


def answer_oneself(flow_run_id: UUID) -> None:
    """Try to let the run go on with the key of the flow, before its form is there and after."""
    with get_client(sync_client=True) as client:
        while not (state := client.read_flow_run(flow_run_id).state) or not state.is_paused():
            time.sleep(0.1)
        keyset = state.state_details.run_input_keyset
        assert keyset is not None
        while not has_input(client, flow_run_id, keyset["schema"]):
            client.resume_flow_run(flow_run_id, run_input={"approve": True})
            time.sleep(0.01)
    try:
        resume_flow_run(flow_run_id, run_input={"approve": True})
    except RuntimeError as error:
        print(f"told: {error}", flush=True)


@flow
def refund() -> list[Any]:
    flow_run_id = get_run_context().flow_run.id
    thread = threading.Thread(target=answer_oneself, args=(flow_run_id,))
    thread.start()
    asks = Refund.with_initial_data(description="Refund **7 EUR**?", approve=False)
    answer = pause_flow_run(wait_for_input=asks, timeout=120, poll_interval=1)
    thread.join()
    with get_client(sync_client=True) as client:
        key = answer.metadata.key.removesuffix("response") + "votes"
        votes = json.loads(client.read_flow_run_input(flow_run_id, key))
    return [answer.approve, [vote["name"] for vote in votes]]


if __name__ == "__main__":
    print(json.dumps(refund()), flush=True)

"""Waits for a run with Prefect's client, and says when it knows of its end."""

import asyncio
import sys
import time
from uuid import UUID

from prefect.flow_runs import wait_for_flow_run


async def main(flow_run_id: UUID) -> None:
    run = await wait_for_flow_run(flow_run_id, log_states=True)
    print(f"heard of {run.state_name} at {time.time()}", flush=True)


asyncio.run(main(UUID(sys.argv[1])))

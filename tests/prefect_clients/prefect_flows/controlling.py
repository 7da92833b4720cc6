"""Suspend or resume a run from outside: `controlling.py suspend|resume RUN`."""

import asyncio
import sys
from uuid import UUID

from prefect.flow_runs import resume_flow_run, suspend_flow_run


async def main() -> None:
    action, flow_run_id = sys.argv[1], UUID(sys.argv[2])
    if action == "suspend":
        await suspend_flow_run(flow_run_id=flow_run_id)
    else:
        await resume_flow_run(flow_run_id)


if __name__ == "__main__":
    asyncio.run(main())

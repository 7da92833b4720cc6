"""Flows that all wait at once: `waiting_flows.py COUNT` prints each one's answer when it has it."""

import asyncio
import sys

from flowruns import RunInput, apause_flow_run, flow


class Approval(RunInput):
    approve: bool
    reason: str = ""


@flow
async def waiting(number: int) -> str:
    answer = await apause_flow_run(Approval, timeout=600)
    return answer.reason


async def main(count: int) -> None:
    async def report(number: int) -> None:
        # In one piece: lines of the log come from other threads meanwhile
        sys.stdout.write(f"{number} {await waiting(number)}\n")

    await asyncio.gather(*map(report, range(count)))


asyncio.run(main(int(sys.argv[1])))

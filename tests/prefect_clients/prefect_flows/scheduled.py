"""Flows that Prefect's own client serves or deploys, as the argument says.

In 3.9 the renewal of leases is hastened from every 225 seconds to every second; nothing else is
changed.
"""

import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from prefect import flow, pause_flow_run
from prefect.concurrency import _leases
from prefect.schedules import Cron, Interval, RRule

if hasattr(_leases, "_RENEWAL_FRACTION"):
    _leases._RENEWAL_FRACTION = 1 / 300


@flow(log_prints=True)
def tick(word: str, loud: bool = False) -> str:
    print("tick", word, loud)
    return word


@flow
def wait_for_file(folder: str, number: int) -> None:
    """Note that the run has begun, and end when told to."""
    Path(folder, f"begun-{number}").touch()
    while not Path(folder, "end").exists():
        time.sleep(0.1)


@flow
def ask(folder: str, number: int) -> int:
    Path(folder, f"asking-{number}").touch()
    answer: int = pause_flow_run(wait_for_input=int, timeout=300, poll_interval=1)
    Path(folder, f"answered-{number}").touch()
    return answer


def serve_every_ten_seconds() -> None:
    tick.serve(name="often", interval=10, limit=1, parameters={"word": "quick", "loud": True})


def serve_one_at_a_time() -> None:
    wait_for_file.serve(name="one", limit=1)


def serve_with_a_limit_for_all() -> None:
    ask.serve(name="limited", global_limit=1)


def deploy_with_schedules() -> None:
    midnight = datetime(2026, 1, 1)  # noqa: DTZ001 -- in the zone of the schedule
    schedules = [
        Cron("0 9 * * *", timezone="Europe/Berlin", slug="mornings", parameters={"word": "up"}),
        Interval(
            timedelta(hours=2), anchor_date=midnight, timezone="America/New_York", slug="even"
        ),
        RRule("FREQ=MONTHLY;BYDAY=-1FR", timezone="UTC", slug="fridays", active=False),
    ]
    deployment = tick.to_deployment("planned", parameters={"word": "plan"}, schedules=schedules)
    print(deployment.apply())


def deploy_paused() -> None:
    print(tick.to_deployment("still", cron="0 9 * * *", paused=True).apply())


if __name__ == "__main__":
    globals()[sys.argv[1]]()

"""What it costs to follow many servers on which much waits: time, memory, and the inbox meanwhile.

`python -m tests.benchmarks.many_servers 10 10000` follows ten servers in memory with 10,000 waiting
runs each; `… 3 1000 real` follows three of Prefect's own.
"""

import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from tests.benchmarks.following import Prefects
from tests.fake_prefect import FakePrefect
from tests.opened import count_open
from tests.reviewing import log_in
from tests.servers import ApprovalsServer, approvals_server, prefect_server

_PASSWORD = "correct horse battery"
_LOOKED_AT = 60.0
_PAGES = 20
_SWITCH = "from flowruns.models import RemoteServer; RemoteServer.objects.update(is_enabled={on})"


@contextmanager
def crowded(*, waiting: int, is_real: bool) -> Iterator[str]:
    """Yield the address of a server on which so many runs wait."""
    with ExitStack() as stack:
        if is_real:
            theirs = stack.enter_context(prefect_server())
            elsewhere = Prefects(theirs.api_url)
            for _ in range(waiting):
                elsewhere.begin()
            yield theirs.api_url
            return
        server = stack.enter_context(FakePrefect().running())
        for number in range(waiting):
            server.pause(flow_id=f"00000000-0000-4000-8000-{number % 20:012}")
        yield server.url


def take_processor_time(desk: ApprovalsServer) -> float:
    """Return the seconds of processor time that the desk has used by now."""
    fields = Path(f"/proc/{desk.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def read_megabytes(desk: ApprovalsServer) -> float:
    lines = Path(f"/proc/{desk.pid}/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def measure_inbox(browser: httpx.Client) -> float:
    """Return the median milliseconds of the inbox."""
    took = []
    for _ in range(_PAGES):
        began = time.monotonic()
        browser.get("/").raise_for_status()
        took.append(time.monotonic() - began)
    return statistics.median(took) * 1000


def follow(desk: ApprovalsServer, urls: list[str], *, waiting: int) -> None:
    """Follow all, and tell what that costs."""
    began, used = time.monotonic(), take_processor_time(desk)
    for number, url in enumerate(urls):
        desk.manage("addserver", f"server-{number}", url)
    while count_open(desk) < waiting * len(urls):
        time.sleep(0.5)
    wall, processor = time.monotonic() - began, take_processor_time(desk) - used
    print(f"all open after {wall:.0f} s, {processor:.0f} s of processor time")
    used = take_processor_time(desk)
    time.sleep(_LOOKED_AT)
    share = (take_processor_time(desk) - used) / _LOOKED_AT
    print(f"following them costs {share:.1%} of a processor; {read_megabytes(desk):.0f} MB")


def main(servers: int, waiting: int, *, is_real: bool) -> None:
    with ExitStack() as stack:
        urls = [
            stack.enter_context(crowded(waiting=waiting, is_real=is_real)) for _ in range(servers)
        ]
        desk = stack.enter_context(approvals_server(is_command=True))
        desk.create_user("alice", password=_PASSWORD)
        browser = stack.enter_context(log_in(desk.url, "alice", _PASSWORD))
        print(f"{servers} servers with {waiting} each; at first {read_megabytes(desk):.0f} MB")
        follow(desk, urls, waiting=waiting)
        followed = measure_inbox(browser)
        desk.manage("shell", "--command", _SWITCH.format(on=False))
        time.sleep(10)  # until the followers have ended
        alone = measure_inbox(browser)
        print(
            f"inbox {followed:.0f} ms while following, {alone:.0f} ms not: {followed / alone:.2f}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), is_real="real" in sys.argv[3:])

"""What `work` does for other servers, loaded once and forked for each of its deaths.

It reads lines: for each a process begins to work, whose number it prints.
"""

import os
import signal
import sys
import time
from typing import Never

import django


def work() -> Never:
    """Follow the servers and send what is to be sent, until killed."""
    from approvals.remote.attempting import drive_attempts
    from approvals.remote.mirroring import follow_servers

    while True:
        follow_servers()
        drive_attempts()
        time.sleep(0.02)


def main() -> None:
    django.setup()
    import approvals.remote.attempting
    import approvals.remote.mirroring  # noqa: F401 -- loaded before the forks

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("loaded", flush=True)
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            work()
        print(pid, flush=True)


if __name__ == "__main__":
    main()

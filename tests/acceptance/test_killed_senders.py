"""kill -9, fifty times while mail goes out: none is lost, at most the one in flight comes twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from approvals.messages.queueing import LEASE
from tests.benchmarks.killed_senders import PEOPLE
from tests.environments import clean_environment
from tests.mail import serve_mail
from tests.migrated import copy_our_database
from tests.servers import ROOT

KILLS = 50
_MOMENT = 0.05  # seconds in which a mail is noted as sent, and the next one begins
_AHEAD = LEASE.total_seconds() + 1


def test_fifty_kills_lose_nothing_and_repeat_at_most_what_was_in_flight(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    copy_our_database(home / "approvals.sqlite3")
    with serve_mail() as mail:
        environment = clean_environment() | {
            "APPROVALS_HOME": str(home),
            "PUBLIC_URL": "https://approvals.example.com",
            "EMAIL_URL": f"smtp://127.0.0.1:{mail.port}",
            "EMAIL_FROM": "approvals@example.com",
        }
        sender = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.killed_senders"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with sender:
            assert sender.stdin is not None
            assert sender.stdout is not None
            assert sender.stdout.readline() == "ready\n"
            for kill in range(KILLS):
                print(f"send {kill * _AHEAD}", file=sender.stdin, flush=True)
                pid = int(sender.stdout.readline())
                before = len(mail.arrived)
                while len(mail.arrived) == before:
                    time.sleep(0.001)
                time.sleep(random.uniform(0, _MOMENT))
                os.kill(pid, signal.SIGKILL)
            print(f"finish {KILLS * _AHEAD}", file=sender.stdin, flush=True)
            ended = json.loads(sender.stdout.readline())
        arrived = Counter(str(each["Message-ID"]) for each in mail.arrived)
    twice = sum(arrived.values()) - len(arrived)
    print(f"{KILLS} kills: {len(arrived)} arrived, {twice} of them once more")
    assert ended == {"sent": PEOPLE}
    assert len(arrived) == PEOPLE
    assert twice <= KILLS

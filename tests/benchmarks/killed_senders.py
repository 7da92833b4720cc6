"""A process that sends mail, forked anew each time that it is killed: run with a home to use.

It reads lines: `send SECONDS` forks a sender whose clock is so far ahead, tells its pid and waits
for its end; `finish SECONDS` sends what is left and tells how many messages ended how.
"""

import json
import os
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from importlib import import_module

import django

PEOPLE = 150


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "approvals.project.settings")
    django.setup()
    for module in ("approvals.messages.delivering", "approvals.project.urls"):
        import_module(module)  # once for all forks
    _write_messages()
    print("ready", flush=True)
    for line in sys.stdin:
        command, seconds = line.split()
        if command == "finish":
            _send(float(seconds), until_done=True)
            print(json.dumps(_count()), flush=True)
            return
        _fork(float(seconds))


def _fork(ahead: float) -> None:
    from django.db import connections

    connections.close_all()  # a fork may not share one
    pid = os.fork()
    if pid == 0:
        _send(ahead)
    print(pid, flush=True)
    os.waitpid(pid, 0)


def _send(ahead: float, *, until_done: bool = False) -> None:
    from approvals.messages.delivering import deliver_due
    from approvals.messages.email import send_mail
    from approvals.models import Channel, Notification

    waiting = Notification.objects.filter(outcome=Notification.Outcome.WAITING)
    while not until_done or waiting.exists():
        deliver_due(
            Channel.Kind.EMAIL,
            send=send_mail,
            clock=lambda: datetime.now(UTC) + timedelta(seconds=ahead),
        )


def _write_messages() -> None:
    from django.contrib.auth.models import User
    from django.db import transaction

    from approvals.messages.announcing import send_test

    people = (User(username=f"p{n}", email=f"p{n}@example.com") for n in range(PEOPLE))
    with transaction.atomic():
        for person in User.objects.bulk_create(people):
            send_test(person)


def _count() -> dict[str, int]:
    from approvals.models import Notification

    return dict(Counter(Notification.objects.values_list("outcome", flat=True)))


if __name__ == "__main__":
    main()

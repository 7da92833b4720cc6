"""What it costs to tell 200 people of 1,000 approvals: rows in the transaction, and other requests.

`python -m pytest tests/benchmarks/telling.py -n0 -s` prints it. Approvals open in turns with and
without a mail server, and in between the inbox and a run are read, so that both are measured on
the same machine at the same time, in CPU time. The rows are sent afterwards to a mail server.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from statistics import median
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from approvals.models import Notification
from tests.benchmarks.crowded_inbox import POLICIES, fill_inbox
from tests.integration.conftest import Make, api, make_run
from tests.integration.pages import log_in
from tests.integration.telling import Mail, mail
from tests.teams import hold

__all__ = ["api", "mail", "make_run"]
pytestmark = [pytest.mark.slow, pytest.mark.django_db]
APPROVALS = 1_000


def test_what_it_costs_to_tell(mail: Mail, make_run: Make, settings: Any) -> None:
    reader = fill_inbox(0)
    for person in User.objects.filter(username__startswith="person-"):
        person.email = f"{person.username}@example.com"
        person.save()
    for number in range(POLICIES):
        hold(f"1 of @team-{number}", f"held-{number}", tag=f"team-{number}")
    browser, spent = log_in(reader.username), defaultdict[str, list[float]](list)

    def measure(name: str, act: Callable[[], object]) -> None:
        began = time.process_time()
        act()
        spent[f"{name} {'told' if settings.SENDS_MAIL else 'untold'}"].append(
            (time.process_time() - began) * 1000
        )

    for number in range(2 * APPROVALS):
        run = make_run(tags=[f"team-{number // 2 % POLICIES}"])
        with override_settings(SENDS_MAIL=bool(number % 2)):
            measure("open", run.pause)
            measure("inbox", lambda: browser.get("/inbox/list/"))
            measure("run", run.read)
    report(dict(spent), Notification.objects.count() / APPROVALS)
    began, rows = time.perf_counter(), Notification.objects.count()
    while mail.deliver(minutes=6) or Notification.objects.filter(outcome="waiting").exists():
        continue
    sent = len(mail.server.arrived)
    print(f"{rows} rows went out as {sent} mails in {time.perf_counter() - began:.1f} s")


def report(spent: dict[str, list[float]], rows: float) -> None:
    middle = {name: median(times) for name, times in spent.items()}
    for name in ("open", "inbox", "run"):
        told, untold = middle[f"{name} told"], middle[f"{name} untold"]
        print(f"{name}: {untold:.2f} ms untold, {told:.2f} ms told, ratio {told / untold:.2f}")
    each = (middle["open told"] - middle["open untold"]) / rows
    print(f"{rows:.1f} rows for each approval, {each:.3f} ms for each row")

"""Where the processor's time of a page, and of a pause with its answer, goes.

`pytest -n0 -s tests/benchmarks/test_time_by_layer.py` prints milliseconds by layer, sampled each
millisecond of the processor, beside plain Django views of the same rows. Nothing is held to them.
"""

import json
import signal
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from types import FrameType

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings

from approvals.models import Approval
from tests.benchmarks.crowded_inbox import fill_inbox
from tests.benchmarks.test_page_cost import ENDED, WAITING
from tests.integration.conftest import Api, Make, Run, api, make_run
from tests.integration.pages import log_in

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db,
    pytest.mark.usefixtures("_collects_as_served"),
]

_ROUNDS = 25
_EVERY = 0.001  # seconds of the processor
# Whose time it is, by the innermost module that is named here; whatever it calls is its own
_LAYERS = {
    "django.db.backends": "database",
    "django.db.utils": "database",
    "django.db": "ORM",
    "flowruns.models": "ORM",
    "django.template": "templates",
    "approvals.templatetags": "templates",
    "approvals.web.page_middleware": "request",
    "approvals.management.metrics": "request",
    "flowruns.web": "request",
    "django.core": "request",
    "django.test": "request",
    "django.contrib": "request",
    "ninja": "request",
    "approvals": "own code",
    "flowruns": "own code",
}
_SHOWN = ("database", "ORM", "templates", "request", "own code")
__all__ = ["api", "make_run"]  # fixtures


def test_time_by_layer(api: Api, make_run: Make) -> None:
    client = log_in(fill_inbox(WAITING, ended=ENDED).username)
    first = make_run()
    first.pause()
    one = Approval.objects.get(flow_run_id=first.uuid).pk
    begun = {"flow_id": first.read()["flow_id"], "state": {"type": "RUNNING"}}

    def pause_and_resume() -> None:
        run = Run(api, json.loads(api.post("/flow_runs/", begun).content)["id"])
        run.pause_for_input()
        run.read()
        run.resume({"approve": True})

    print(f"{'':<24} {'in all':>9} {'statements':>10}", *(f"{name:>9}" for name in _SHOWN))
    # Each right after its like, for a machine that others share has slow minutes
    for name, plain, path in [
        ("inbox", "/waiting/", "/"),
        ("approval", f"/one/{one}/", f"/approvals/{one}/"),
        ("history", "/ended/", "/history/"),
    ]:
        with override_settings(ROOT_URLCONF="tests.benchmarks.plain_pages"):
            _print_layers(f"{name}, plain view", partial(client.get, plain))
        _print_layers(name, partial(client.get, path))
    with override_settings(ROOT_URLCONF="tests.benchmarks.plain_cycle"):
        _print_layers("pause, plain views", pause_and_resume)
    _print_layers("pause and its answer", pause_and_resume)


def _print_layers(name: str, work: Callable[[], object]) -> None:
    work()
    with CaptureQueriesContext(connection) as asked:
        work()
    count = len(asked)
    found: Counter[str] = Counter()
    before = signal.signal(signal.SIGPROF, lambda _, frame: found.update([_find_layer(frame)]))
    signal.setitimer(signal.ITIMER_PROF, _EVERY, _EVERY)
    began = time.process_time()
    for _ in range(_ROUNDS):
        work()
    whole = (time.process_time() - began) * 1000 / _ROUNDS
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)
    parts = [found[layer] / max(found.total(), 1) * whole for layer in _SHOWN]
    print(f"{name:<24} {whole:9.1f} {count:10}", *(f"{part:9.1f}" for part in parts))


def _find_layer(frame: FrameType | None) -> str:
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        while module:
            if module in _LAYERS:
                return _LAYERS[module]
            module = module.rpartition(".")[0]
        frame = frame.f_back
    return "request"

"""Runs that were cancelled while a process waited in their pause: Prefect's runners ask for them.

A runner that hears of no events, because its server was away for a moment, asks every few seconds
which of its runs are CANCELLED and named "Cancelling": Prefect 2's way to say that the process is
still to be ended. A rejection is final at once, and nothing else tells such a runner of it.
"""

from django.db.models import Exists, OuterRef, Q

from flowruns.domain.states import StateType
from flowruns.models import FlowRunState
from flowruns.wire.filters import StateFilter


def asks_whom_to_end(f: StateFilter) -> bool:
    """Whether this is a runner's question for the runs whose processes are to be ended."""
    types = f.type.any_ if f.type else None
    names = f.name.any_ if f.name else None
    return types == [StateType.CANCELLED] and names == ["Cancelling"]


def called_off() -> Q:
    """Select the runs whose last state was a pause with a process, before they were cancelled."""
    pauses = FlowRunState.objects.filter(
        flow_run=OuterRef("pk"), version=OuterRef("version") - 1, type=StateType.PAUSED
    ).exclude(details__has_key="pause_reschedule")
    return Q(Exists(pauses), state_type=StateType.CANCELLED)

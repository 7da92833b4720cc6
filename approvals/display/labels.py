"""What reviewers read: times, states, outcomes and names, never in the engine's words.

The words for spans of time have a twin in `static/app.js`, which keeps them true while a page
is open.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from approvals.models import Approval
from flowruns.domain.actors import Actor, ActorKind
from flowruns.domain.rejections import REJECTED
from flowruns.domain.states import AWAITING_SLOT, StateType

_COUNTED_DOWN = timedelta(minutes=10)
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))

_STATES = {
    StateType.SCHEDULED: ("Queued", "calm"),
    StateType.PENDING: ("Queued", "calm"),
    StateType.RUNNING: ("Running", "busy"),
    StateType.COMPLETED: ("Completed", "good"),
    StateType.FAILED: ("Failed", "bad"),
    StateType.CANCELLED: ("Cancelled", "calm"),
    StateType.CRASHED: ("Crashed", "bad"),
    StateType.PAUSED: ("Waits for an answer", "waiting"),
    StateType.CANCELLING: ("Being cancelled", "calm"),
}
# Names that a state of that type carries where the name says more than the type
_NAMES = {
    "Resuming": ("Answered, starts again soon", "calm"),
    "AwaitingRetry": ("Tries again soon", "calm"),
    "Retrying": ("Tries again", "busy"),
    "Cached": ("Done before", "good"),
    "NotReady": ("Not begun", "calm"),
    "Late": ("Should have started", "waiting"),
    AWAITING_SLOT: ("Waits for a free slot", "calm"),
    REJECTED: ("Rejected", "bad"),
}
# The engine's sentences
_MESSAGES = {
    "The flow was paused and never resumed.": "Nobody answered in time.",
    "The flow was suspended and never resumed.": "Nobody answered in time.",
    "Flow run scheduled": "A schedule made this run.",
    "Deployment concurrency limit reached.": "As many runs of it went on as may at once.",
    "The process of the flow run has not been heard of for 40 seconds.": (
        "The flow has fallen silent. It seems to have been ended from outside."
    ),
    "The process of the flow run is there again.": "The flow is back, and goes on.",
    "The run was taken and not started, so it is there to be taken again.": (
        "It was not started in time, and is started again."
    ),
}
_ORIGINS = {"author": "Asked for by the flow", "DEFAULT_POLICY": "The usual one"}
_OUTCOMES = {
    Approval.Outcome.WAITING: ("Waits for you", "waiting"),
    Approval.Outcome.ANSWERED: ("Answered", "good"),
    Approval.Outcome.REJECTED: ("Rejected", "bad"),
    Approval.Outcome.EXPIRED: ("Expired", "calm"),
    Approval.Outcome.WITHDRAWN: ("Withdrawn", "calm"),
}


def span(length: timedelta, *, parts: int = 1) -> str:
    """Return a span in its largest unit, or in its two largest with `parts=2`, rounded down."""
    left = max(int(length.total_seconds()), 0)
    words: list[str] = []
    for unit, seconds in _UNITS:
        count, rest = divmod(left, seconds)
        if count or words or seconds == 1:
            words += [f"{count} {unit}{'' if count == 1 else 's'}"] if count or not words else []
            left = rest
            parts -= 1
        if not parts:
            break
    return " ".join(words)


def until(deadline: datetime, now: datetime) -> str:
    """Return a deadline as a plain time, both moments in the reader's zone; the year where it is
    another one.
    """
    if deadline.date() == now.date():
        return f"until {deadline:%H:%M}"
    year = "" if deadline.year == now.year else f" {deadline.year}"
    return f"until {deadline.day} {deadline:%b}{year}, {deadline:%H:%M}"


def duration(length: timedelta) -> str:
    """Return how long something took; to the second, since steps are told by other clocks."""
    return "under a second" if length < timedelta(seconds=1) else span(length, parts=2)


def ago(moment: datetime, now: datetime) -> str:
    passed = now - moment
    return "just now" if passed < timedelta(seconds=10) else f"{span(passed)} ago"


def time_left(deadline: datetime, now: datetime) -> str:
    """Return what is left until a deadline; exact to the second in its last hour."""
    left = deadline - now
    return "no time left" if left <= timedelta(0) else f"{span(left, parts=2)} left"


def within(moment: datetime, now: datetime) -> str:
    """Say in how many seconds something happens: "in 8 s", "now" from its moment on."""
    seconds = math.ceil((moment - now).total_seconds())
    return f"in {seconds} s" if seconds > 0 else "now"


def is_urgent(opened: datetime, deadline: datetime, now: datetime) -> bool:
    """Return whether a deadline is to be counted down: in the last tenth of its time, and in its
    last ten minutes at most.
    """
    return deadline - now <= min((deadline - opened) / 10, _COUNTED_DOWN)


def state_label(state_type: StateType, name: str | None) -> tuple[str, str]:
    """Return the word for a state and the name of its colour."""
    if name == REJECTED and state_type is not StateType.CANCELLED:
        return _STATES[state_type]  # a flow's own name, which no reviewer gave
    return _NAMES.get(name or "") or _STATES[state_type]


def plainly(message: str) -> str:
    """Return a state's message, the engine's own ones in the words of reviewers."""
    return _MESSAGES.get(message, message)


def outcome_label(outcome: str) -> tuple[str, str]:
    """Return the word for how an approval ended and the name of its colour."""
    return _OUTCOMES[Approval.Outcome(outcome)]


@lru_cache(maxsize=1_000)  # lists name the same people again and again
def person(text: str) -> str:
    """Return who did something as reviewers read it: a reviewer, a program or this server."""
    found = Actor.parse(text)
    match found.kind:
        case ActorKind.API_KEY:
            return f"the program “{found.name}”"
        case ActorKind.SERVER:
            # Who acts on another server is named with it; our own services have names of one word
            return found.name if " on " in found.name else "this server"
        case ActorKind.POLICY:
            return (
                "the policy of the flow" if found.name == "author" else f"the policy {found.name}"
            )
        case ActorKind.REVIEWER:
            return found.name or "somebody"


@lru_cache(maxsize=1_000)
def person_first(text: str) -> str:
    """Return `person` as a sentence begins with it; a user's name stays as it is."""
    words = person(text)
    is_name = Actor.parse(text).kind is ActorKind.REVIEWER
    return words if is_name else f"{words[0].upper()}{words[1:]}"


def policy_name(origin: str) -> str:
    """Return whose policy holds: an operator's by its name, or the flow's author's."""
    return _ORIGINS.get(origin, origin)


def looking(names: Sequence[str]) -> str:
    """Say who has something open: `bob is looking at this`."""
    if not names:
        return ""
    first, *others = names
    if not others:
        return f"{first} is looking at this"
    rest = others[0] if len(others) == 1 else f"{len(others)} others"
    return f"{first} and {rest} are looking at this"


def actor(text: str) -> str:
    """Return who did something as a run's own page says it: a program by its API key."""
    found = Actor.parse(text)
    return f"API key “{found.name}”" if found.kind is ActorKind.API_KEY else person(text)

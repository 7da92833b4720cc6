"""A reviewer's "no": how it is written into a state, and read back by the flow it ends.

The message is the carrier because every server stores it, Prefect's too.
"""

import re
from dataclasses import dataclass, replace

from flowruns.domain.states import State, StateType, cancelled

REJECTED = "Rejected"
# In the place of a reviewer, where a policy rejects by itself; no user has such a name
BY_POLICY = "(policy)"
_MESSAGE = re.compile(r"Rejected by (?P<reviewer>[^:\s]+): (?P<reason>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Rejection:
    reviewer: str
    reason: str


def rejected(*, reviewer: str, reason: str) -> State:
    """Make the state of a run that `reviewer` rejected; user names hold neither ":" nor spaces."""
    return cancelled(f"Rejected by {reviewer}: {reason}", name=REJECTED)


def unsigned(state: State) -> State:
    """Take the name of a rejection from a state that no reviewer's decision wrote.

    Here only a decision has that name. A Prefect server, which knows nothing of it, stores any.
    """
    is_signed = state.type is StateType.CANCELLED and state.name == REJECTED
    return replace(state, name="Cancelled") if is_signed else state


def read_rejection(state: State) -> Rejection | None:
    """Return who rejected the run and why, or None where nobody did."""
    if state.type is not StateType.CANCELLED or state.name != REJECTED:
        return None
    match = _MESSAGE.fullmatch(state.message or "")
    if match is None:
        return Rejection(reviewer="", reason=state.message or "")
    return Rejection(reviewer=match["reviewer"], reason=match["reason"])

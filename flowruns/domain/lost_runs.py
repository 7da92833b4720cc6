"""A crash that the server presumes: how it is written into a state, and known by who waits.

For who waits the message is the carrier, because clients cannot see what else the server notes.
"""

from datetime import timedelta

from flowruns.domain.states import PRESUMED, State, StateDetails, StateType

_SILENT = "The process of the flow run has not been heard of for"


def presumed_crash(silent: timedelta) -> State:
    """Make the end of a run whose process is silent; it is taken back when the process speaks."""
    message = f"{_SILENT} {silent.total_seconds():.0f} seconds."
    return State(
        type=StateType.CRASHED, message=message, details=StateDetails(extra={PRESUMED: True})
    )


def may_be_taken_back(state: State) -> bool:
    """Whether this is such an end."""
    return state.type is StateType.CRASHED and (state.message or "").startswith(_SILENT)

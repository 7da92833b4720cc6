"""What a reviewer should know before answering a run of another server."""

from collections.abc import Iterator

from approvals.models import Approval
from flowruns import wire
from flowruns.connectors import get_remote_connector


def list_warnings(approval: Approval, *, asks_for_secrets: bool) -> list[str]:
    """Return in sentences what is different from a run of this server, by what was read of it."""
    if not approval.server or not approval.is_waiting:
        return []
    return list(_warn(approval, asks_for_secrets=asks_for_secrets))


def _warn(approval: Approval, *, asks_for_secrets: bool) -> Iterator[str]:
    if not _can_answer(approval.connector):
        yield (
            f"This desk does not know how runs are answered on the version of {approval.server}."
            " Answer it on its own server."
        )
    state = wire.FlowRun.model_validate(approval.snapshot.run).state
    is_suspended = state is not None and state.state_details.pause_reschedule
    if is_suspended and not approval.snapshot.is_served:
        yield (
            "Nobody serves this flow at the moment. Your answer is kept on its server, and the"
            " flow goes on once it is served again."
        )
    if asks_for_secrets:
        yield f"{approval.server} stores answers in the clear, secrets too."


def _can_answer(connector: str) -> bool:
    try:
        return get_remote_connector(connector).can_answer
    except LookupError:
        return False

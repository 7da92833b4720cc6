"""Approvals open as a list, each with all that belongs to it; one alone is a list of one.

So many that open at once take hardly more statements than one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from approvals.display.markdown import find_title, summarise_markdown
from approvals.models import Approval, Snapshot
from approvals.services.describing import describe_parameters, describe_run
from approvals.services.facets import keep_facets
from approvals.services.filters import find_neglected_at
from approvals.services.seats import draw_guards, store_guards
from approvals.services.sources import read_form
from approvals.signals import approval_waits
from flowruns.connectors import LOCAL, PauseForm
from flowruns.domain.states import State
from flowruns.models.prepared import PreparedInsert
from flowruns.signals import StateChange

_QUESTION_LENGTH = 300
_TITLE_LENGTH = 120
_new_approvals = PreparedInsert(Approval)
_new_snapshots = PreparedInsert(Snapshot)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """An approval that is about to open, and what it asks."""

    approval: Approval
    form: PauseForm


def draft_opening(
    change: StateChange, pause: State, *, connector: str = LOCAL, snapshot: Snapshot | None = None
) -> Opening:
    """Draft the approval of a pause, of another server with the `snapshot` of its run.

    Nothing is stored, so that whoever opens many holds the database for as short as possible.
    """
    approval = Approval(
        connector=connector,
        flow_run_id=change.flow_run_id,
        pause_state_id=pause.id,
        pause_key=pause.details.pause_key or "",
        flow_name=change.flow_name,
        flow_run_name=change.flow_run_name,
        tags=list(change.tags),
        asks_for_input=pause.asks_for_input,
        opened_at=pause.timestamp,
        expires_at=pause.details.pause_timeout,
        neglected_at=find_neglected_at(pause.timestamp, pause.details.pause_timeout),
    )
    if snapshot is not None:
        approval.snapshot = snapshot
    form = read_form(approval, pause=pause)
    describe_question(approval, form.description or "", parameters=change.parameters)
    return Opening(approval=approval, form=form)


def open_approvals(openings: Sequence[Opening]) -> None:
    """Open approvals, in the transaction of whatever paused their runs or found them paused."""
    approvals = [each.approval for each in openings]
    guards = draw_guards([(each.approval, each.form) for each in openings])
    _new_approvals.insert_all(approvals)
    _new_snapshots.insert_all(each.snapshot for each in approvals if each.server)
    keep_facets(approvals)
    store_guards(guards)
    for approval in approvals:
        approval_waits.send(sender=Approval, approval=approval)


def describe_question(
    approval: Approval, description: str, *, parameters: Mapping[str, Any] | None = None
) -> None:
    """Say in a line what is asked; where that is nothing, what the run is about.

    Whoever has read its `parameters` passes them on.
    """
    approval.title = find_title(description, length=_TITLE_LENGTH)
    approval.question = summarise_markdown(description, length=_QUESTION_LENGTH)
    if approval.question:
        approval.about = ""
    elif parameters is None:
        approval.about = describe_run(approval)
    else:
        approval.about = describe_parameters(parameters)

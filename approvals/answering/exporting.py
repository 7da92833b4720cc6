"""The history as CSV, for a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo

from approvals.answering.questions import describe_decision
from approvals.display import labels
from approvals.models import Approval, Decision
from approvals.services.voices import Voice, list_voices
from flowruns.domain.texts import defuse

_COLUMNS = ("Ended", "Outcome", "Decided by", "Flow", "Run", "Question", "Answer", "Reason", "Tags")
_LATER = ("Policy", "Votes", "Against the policy", "Server", "Via")
_BYTE_ORDER_MARK = "\ufeff"  # by which a spreadsheet knows that it is UTF-8


def write_csv(parts: Iterable[Sequence[Approval]], zone: tzinfo) -> Iterator[str]:
    """Write ended approvals line by line, times in `zone`; no cell is taken for a formula."""
    yield _BYTE_ORDER_MARK + _write_line([*_COLUMNS, *_LATER])
    for part in parts:
        voices = list_voices(part)
        for approval in part:
            yield _write_line(_list_cells(approval, voices[approval.pk], zone))


def _list_cells(approval: Approval, voices: Sequence[Voice], zone: tzinfo) -> list[str]:
    decision: Decision | None = getattr(approval, "decision", None)
    rows = describe_decision(decision) if decision else []
    return [
        _write_time(approval.closed_at, zone),
        labels.outcome_label(approval.outcome)[0],
        labels.person(decision.decided_by) if decision else "",
        approval.flow_name,
        approval.flow_run_name,
        approval.question,
        "; ".join(f"{label}: {text}" if label else text for label, text in rows),
        decision.reason if decision else "",
        ", ".join(map(str, approval.tags)),
        "; ".join(kept["line"] for kept in approval.policies),
        "; ".join(map(str, voices)),
        "yes" if decision and decision.overrode else "",
        approval.server,
        decision.get_via_display() if decision else "",
    ]


def _write_time(moment: datetime | None, zone: tzinfo) -> str:
    return moment.astimezone(zone).isoformat(sep=" ", timespec="seconds") if moment else ""


def _write_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(map(defuse, cells))
    return line.getvalue()

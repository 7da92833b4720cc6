"""The audit log: written with each act, exported in the order of its acts."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from flowruns.domain.texts import defuse
from flowruns.models import AuditEntry
from flowruns.signals import Act, acted

_COLUMNS = ("at", "action", "actor", "subject", "address", "details")
_READ_AT_ONCE = 1_000


def connect() -> None:
    """Start to record acts."""
    acted.connect(_record, dispatch_uid="flowruns.audit")


def _record(*, act: Act, **_: Any) -> None:
    AuditEntry.objects.create(
        at=datetime.now(UTC),
        action=act.action,
        actor=act.actor,
        subject=act.subject,
        address=act.address,
        details=dict(act.details),
    )


def read_entries(
    *, since: datetime | None = None, until: datetime | None = None
) -> Iterator[AuditEntry]:
    """Yield the entries from a moment, and before another, in the order of their acts."""
    found = AuditEntry.objects.order_by("at", "id")
    if since is not None:
        found = found.filter(at__gte=since)
    if until is not None:
        found = found.filter(at__lt=until)
    return found.iterator(chunk_size=_READ_AT_ONCE)


def write_json_line(entry: AuditEntry) -> str:
    return json.dumps(_list_values(entry), ensure_ascii=False) + "\n"


def write_csv_head() -> str:
    return _write_cells(_COLUMNS)


def write_csv_line(entry: AuditEntry) -> str:
    """Write an entry for a spreadsheet, in which no cell is taken for a formula."""
    values = _list_values(entry)
    details = json.dumps(values["details"], ensure_ascii=False) if values["details"] else ""
    cells = (str(value) for value in {**values, "details": details}.values())
    return _write_cells(map(defuse, cells))


def _list_values(entry: AuditEntry) -> dict[str, Any]:
    values = {name: getattr(entry, name) for name in _COLUMNS}
    return {**values, "at": entry.at.astimezone(UTC).isoformat()}


def _write_cells(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()

"""A history with very many finished runs, which the database copies from one of each kind."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, models

from approvals.models import Approval, Decision, Vote
from flowruns.models import Flow, FlowRun, FlowRunState

# How the ids of each kind begin; a run's says when it was made, so that "1" is after all others.
ID_BLOCKS = {"run": "1", "state": "2", "approval": "3", "decision": "4", "vote": "5"}
_FLOWS = 40


def fill_history(size: int, *, batch: int) -> UUID:
    """Make it so many finished runs, each answered once; returns the last one's id."""
    flows = [Flow.objects.get_or_create(name=f"flow-{n}")[0] for n in range(_FLOWS)]
    have = FlowRun.objects.count()
    for start in range(have, size, batch):
        end = min(start + batch, size)
        for row, changed in _list_rows(flows[0]):
            _copy(row, changed, start, end)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return FlowRun.objects.order_by("-id").values_list("pk", flat=True)[0]


def _list_rows(flow: Flow) -> list[tuple[models.Model, dict[str, str]]]:
    """Return a row of each kind, and in SQL what differs in its copies by their number `n`."""
    run, state, approval, now = uuid4(), uuid4(), uuid4(), datetime.now(UTC)
    of_flow = f"(SELECT id FROM flowruns_flow WHERE name = {_text('flow-', _FLOWS)})"
    done = {"state_type": "COMPLETED", "state_name": "Completed", "state_timestamp": now}
    times = {"expected_start_time": now, "start_time": now, "end_time": now, "created": now}
    return [
        (
            FlowRun(id=run, name="", flow=flow, state_id=state, updated=now, **done, **times),
            {
                "id": _id("run"),
                "name": _text("run-"),
                "flow_id": of_flow,
                "state_id": _id("state"),
                "tags": _json_tag(),
                **{name: _ago() for name in ("expected_start_time", "start_time", "end_time")},
            },
        ),
        (
            FlowRunState(
                id=state,
                type="COMPLETED",
                name="Completed",
                timestamp=now,
                flow_run_id=run,
                version=1,
                actor_kind="server",
                actor_name="x",
            ),
            {"id": _id("state"), "flow_run_id": _id("run"), "timestamp": _ago()},
        ),
        (
            Approval(
                id=approval,
                flow_run_id=run,
                pause_state_id=state,
                flow_name="",
                flow_run_name="",
                question="Pay out?",
                opened_at=now,
                closed_at=now,
                outcome="answered",
            ),
            {
                "id": _id("approval"),
                "flow_run_id": _id("run"),
                "pause_state_id": _id("state"),
                "flow_name": _text("flow-", _FLOWS),
                "flow_run_name": _text("run-"),
                "outcome": "CASE WHEN n % 7 = 0 THEN 'rejected' ELSE 'answered' END",
                "opened_at": _ago(),
                "closed_at": _ago(),
            },
        ),
        (
            Decision(approval_id=approval, decided_by="", decided_at=now, answer="{}"),
            {
                "id": _id("decision"),
                "approval_id": _id("approval"),
                "decided_by": _text("person-", 200),
                "decided_at": _ago(),
            },
        ),
        (
            Vote(approval_id=approval, name="", kind="yes", at=now, is_open=False),
            {"id": _id("vote"), "approval_id": _id("approval"), "name": _text("person-", 200)},
        ),
    ]


def _copy(row: models.Model, changed: dict[str, str], start: int, end: int) -> None:
    fields = row._meta.local_concrete_fields
    values: list[Any] = []
    written = []
    for field in fields:
        if field.column in changed:
            written.append(changed[field.column])
        else:
            written.append("%s")
            values.append(field.get_db_prep_save(field.pre_save(row, True), connection))
    columns = ", ".join(f'"{field.column}"' for field in fields)
    sql = (
        "WITH RECURSIVE numbers(n) AS"
        f" (SELECT {start} UNION ALL SELECT n + 1 FROM numbers WHERE n < {end - 1})"
        f" INSERT INTO {row._meta.db_table} ({columns})"
        f" SELECT {', '.join(_escape(part) for part in written)} FROM numbers"
    )
    if connection.vendor == "sqlite":
        # SQLite wants the series behind the table's name
        series, _, rest = sql.partition(" INSERT INTO ")
        head, _, tail = rest.partition(" SELECT ")
        sql = f"INSERT INTO {head} {series} SELECT {tail}"
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def _escape(part: str) -> str:
    return part if part == "%s" else part.replace("%", "%%")


def _id(kind: str) -> str:
    if connection.vendor == "sqlite":
        return f"printf('{ID_BLOCKS[kind]}%031x', n)"
    return f"('{ID_BLOCKS[kind]}' || lpad(to_hex(n), 31, '0'))::uuid"


def _text(prefix: str, kinds: int | None = None) -> str:
    return f"'{prefix}' || CAST({f'n % {kinds}' if kinds else 'n'} AS text)"


def _json_tag() -> str:
    text = "'[\"tag-' || CAST(n % 30 AS text) || '\"]'"
    return text if connection.vendor == "sqlite" else f"({text})::jsonb"


def _ago() -> str:
    """Ten seconds more for each."""
    if connection.vendor == "sqlite":
        return "strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || (n * 10) || ' seconds')"
    return "now() - n * interval '10 seconds'"

"""Flow runs as Prefect's REST API shows them, written straight from their rows.

`presenting` says the same of models, which takes many times as long: these are the answers that
flows and dashboards ask for all day. A test holds both to each other, field by field.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from json import JSONEncoder, loads
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet, UUIDField
from pydantic import BaseModel

from flowruns import wire
from flowruns.domain.errors import FlowRunNotFound, FlowRunStateNotFound
from flowruns.domain.states import TERMINAL_STATES, StateType
from flowruns.models import FlowRun

type Row = Mapping[str, Any]

_dump = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_SECOND = timedelta(seconds=1)


def _optional(value: Any, write: Callable[[Any], str]) -> str:
    return "null" if value is None else write(value)


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _id(value: UUID | str) -> str:
    """PostgreSQL has UUIDs, SQLite their 32 digits."""
    if isinstance(value, str):
        return f'"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"'
    return f'"{value}"'


def _moment(value: datetime) -> str:
    return f'"{_to_utc(value).isoformat()}Z"'


def _seconds(value: timedelta | int) -> str:
    return str(_to_duration(value) / _SECOND)


def _to_utc(value: datetime) -> datetime:
    """Return a time of PostgreSQL, which knows its zone, as one of SQLite, which is UTC."""
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


def _to_duration(value: timedelta | int) -> timedelta:
    return value if isinstance(value, timedelta) else timedelta(microseconds=value)


# How the fields of a run are written that have a column of their own; JSON is stored as such
_OWN: dict[str, Callable[[Any], str]] = {
    "id": _id,
    "created": _moment,
    "updated": _moment,
    "name": _dump,
    "tags": str,
    "labels": str,
    "state_id": _id,
    "run_count": str,
    "expected_start_time": _moment,
    "next_scheduled_start_time": _moment,
    "start_time": _moment,
    "end_time": _moment,
    "total_run_time": _seconds,
    "flow_id": _id,
    "deployment_id": _id,
    "deployment_version": _dump,
    "work_queue_name": _dump,
    "flow_version": _dump,
    "parameters": str,
    "idempotency_key": _dump,
    "context": str,
    "parent_task_run_id": _id,
    "infrastructure_document_id": _id,
    "infrastructure_pid": _dump,
    "job_variables": str,
}
_OF_POLICY = ("retries", "retry_delay", "retry_type", "resuming", "pause_keys")
_RUN = (*_OWN, *_OF_POLICY, "created_by", "schedule_id")
_STATE = ("id", "type", "name", "timestamp", "message", "data", "details")
_UNUSED = {"work_queue_id": "null", "work_pool_id": "null", "work_pool_name": "null"}
_NO_STATE = {"state": "null", "state_type": "null", "state_name": "null"}
_COLUMNS_OF_STATE = ", ".join(f"state.{name}" for name in _STATE)
_STATES = f"SELECT {_COLUMNS_OF_STATE} FROM flowruns_flowrunstate state"  # noqa: S608 -- names
_ONE_RUN = (
    f"SELECT {', '.join(f'run.{name}' for name in _RUN)}, {_COLUMNS_OF_STATE}"  # noqa: S608 -- names
    " FROM flowruns_flowrun run"
    " LEFT JOIN flowruns_flowrunstate state ON state.id = run.state_id WHERE run.id = %s"
)
# No JSON has this character as such
_GROWING = "\0"
_LONGEST_KEPT = 8_000  # characters
_MOST_KEPT = 500  # runs
_IDS = UUIDField()
_TIMES = ("scheduled_time", "pause_timeout")


class _Written(NamedTuple):
    """What was written of a run, around the two fields that grow with the clock."""

    run: Row
    state: Row | None
    parts: list[str]


_written: dict[Any, _Written] = {}


def read_run_json(flow_run_id: UUID) -> tuple[UUID | None, str]:
    """Return the id of a run's state, and the run, by one query; raises `FlowRunNotFound`."""
    wanted = _IDS.get_db_prep_value(flow_run_id, connection)
    for row in _select(_ONE_RUN, [wanted]):
        run = dict(zip(_RUN, row, strict=False))
        state = dict(zip(_STATE, row[len(_RUN) :], strict=True))
        state_id = UUID(str(state["id"])) if state["id"] else None
        return state_id, _write_run(run, state if state_id else None, _now())
    raise FlowRunNotFound


def read_state_json(state_id: UUID) -> str:
    """Return one state of a history; raises `FlowRunStateNotFound`."""
    wanted = _IDS.get_db_prep_value(state_id, connection)
    for state in _read_states([wanted]).values():
        return _write_state(state)
    raise FlowRunStateNotFound


type Selection = tuple[str, tuple[Any, ...]] | None


def write_selection(runs: QuerySet[FlowRun]) -> Selection:
    """Return the SQL that selects runs, with its parameters; None where it can select none."""
    try:
        return runs.values_list(*_RUN).query.sql_with_params()
    except EmptyResultSet:
        return None


def dump_runs(selection: Selection) -> str:
    """Return runs as a JSON array, by one query, and another for their states."""
    if selection is None:
        return "[]"
    rows = [dict(zip(_RUN, row, strict=True)) for row in _select(*selection)]
    states = _read_states([row["state_id"] for row in rows if row["state_id"]])
    now = _now()
    return f"[{','.join(_write_run(row, states.get(row['state_id']), now) for row in rows)}]"


def _read_states(ids: Sequence[Any]) -> dict[Any, Row]:
    """Return states by their ids, which are as the database has them."""
    if not ids:
        return {}
    places = ", ".join(["%s"] * len(ids))
    rows = _select(f"{_STATES} WHERE state.id IN ({places})", ids)
    return {row[0]: dict(zip(_STATE, row, strict=True)) for row in rows}


def _select(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _write_run(run: Row, state: Row | None, now: datetime) -> str:
    """Write a run; what does not grow with the clock, as it was written before if it is the same.

    Who shows a list asks for it all day, and most of its runs have not changed.
    """
    known = _written.get(run["id"])
    if known is None or known.run != run or known.state != state:
        known = _Written(run, state, _write_lasting(run, state).split(_GROWING))
        if sum(map(len, known.parts)) <= _LONGEST_KEPT:
            if len(_written) >= _MOST_KEPT:
                _written.clear()
            _written[run["id"]] = known
    before, between, after = known.parts
    time, delay = _write_run_time(run, state, now), _write_delay(run, state, now)
    return f"{before}{time}{between}{delay}{after}"


def _write_lasting(run: Row, state: Row | None) -> str:
    """Write a run with marks in the places of what grows with the clock."""
    shown = {
        name: "null" if (value := run[name]) is None else write(value)
        for name, write in _OWN.items()
    }
    shown |= _UNUSED
    shown["empirical_policy"] = _write_policy(*(run[name] for name in _OF_POLICY))
    shown["created_by"] = _write_creator(run["schedule_id"], run["created_by"] or None)
    shown["auto_scheduled"] = _flag(run["schedule_id"] is not None)
    shown["estimated_run_time"] = shown["estimated_start_time_delta"] = _GROWING
    if state is None:
        shown |= _NO_STATE
    else:
        shown["state"] = _write_state(state)
        shown["state_type"], shown["state_name"] = _dump(state["type"]), _dump(state["name"])
    return _template(wire.FlowRun) % shown


@lru_cache
def _write_policy(
    retries: int | None, delay: int | None, kind: str | None, resuming: bool, pause_keys: str
) -> str:
    return _template(wire.FlowRunPolicy) % {
        "max_retries": "0",
        "retry_delay_seconds": "0.0",
        "retries": _optional(retries, str),
        "retry_delay": _optional(delay, str),
        "pause_keys": pause_keys,
        "resuming": _flag(resuming),
        "retry_type": _optional(kind, _dump),
    }


@lru_cache
def _write_creator(schedule_id: UUID | str | None, name: str | None) -> str:
    if schedule_id is None and name is None:
        return "null"
    return _template(wire.CreatedBy) % {
        "id": _optional(schedule_id, _id),
        "type": "null" if schedule_id is None else '"SCHEDULE"',
        "display_value": _optional(name, _dump),
    }


def _write_run_time(run: Row, state: Row | None, now: datetime) -> str:
    total = _to_duration(run["total_run_time"])
    if state is not None and state["type"] == StateType.RUNNING:
        total += max(now - _to_utc(state["timestamp"]), timedelta(0))
    return _seconds(total)


def _write_delay(run: Row, state: Row | None, now: datetime) -> str:
    expected, started = run["expected_start_time"], run["start_time"]
    is_over = state is not None and state["type"] in TERMINAL_STATES
    if expected is None or (started is None and is_over):
        return "0.0"
    began = now if started is None else _to_utc(started)
    return _seconds(max(began - _to_utc(expected), timedelta(0)))


def _write_state(state: Row) -> str:
    return _template(wire.State) % {
        "id": _id(state["id"]),
        "type": _dump(state["type"]),
        "name": _dump(state["name"]),
        "timestamp": _moment(state["timestamp"]),
        "message": _optional(state["message"], _dump),
        "data": _optional(state["data"], str),
        "state_details": _write_details(state["details"]),
    }


@lru_cache
def _write_details(stored: str) -> str:
    details = loads(stored)
    shown = _plain_details() | {
        name: value
        for name, value in (details.pop("extra", {}) | details).items()
        if name in _plain_details()
    }
    for name in _TIMES:
        if name in details:
            shown[name] = f"{_to_utc(datetime.fromisoformat(details[name])).isoformat()}Z"
    return _dump(shown)


@cache
def _plain_details() -> dict[str, Any]:
    return wire.StateDetails().model_dump(mode="json")


@cache
def _template(model: type[BaseModel]) -> str:
    """Return an object of the fields that the wire gives it, in its order."""
    return f"{{{','.join(f'"{name}":%({name})s' for name in model.model_fields)}}}"

"""Prefect's filter objects as database queries."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Expression, F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual

from flowruns.models import Flow, FlowRun, LogLine
from flowruns.wire import filters

# A criterion that says nothing is true, also where it is one of several alternatives.
_ALWAYS = ~Q(pk__in=[])
_STARTED = Coalesce("start_time", "expected_start_time")
_RUN_ORDER: dict[filters.FlowRunSort, tuple[Expression | F | str, ...]] = {
    filters.FlowRunSort.ID_DESC: ("-id",),
    filters.FlowRunSort.START_TIME_ASC: (_STARTED.asc(nulls_last=True), "id"),
    filters.FlowRunSort.START_TIME_DESC: (_STARTED.desc(nulls_last=True), "-id"),
    filters.FlowRunSort.EXPECTED_START_TIME_ASC: ("expected_start_time", "id"),
    filters.FlowRunSort.EXPECTED_START_TIME_DESC: ("-expected_start_time", "-id"),
    filters.FlowRunSort.NAME_ASC: ("name", "id"),
    filters.FlowRunSort.NAME_DESC: ("-name", "-id"),
    filters.FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC: (
        F("next_scheduled_start_time").asc(nulls_last=True),
        "id",
    ),
    filters.FlowRunSort.END_TIME_DESC: (F("end_time").desc(nulls_last=True), "-id"),
}
_FLOW_ORDER = {
    filters.FlowSort.CREATED_DESC: ("-created", "-id"),
    filters.FlowSort.UPDATED_DESC: ("-updated", "-id"),
    filters.FlowSort.NAME_ASC: ("name",),
    filters.FlowSort.NAME_DESC: ("-name",),
}
_LOG_ORDER = {
    filters.LogSort.TIMESTAMP_ASC: ("timestamp", "id"),
    filters.LogSort.TIMESTAMP_DESC: ("-timestamp", "-id"),
}


def read_flows(query: filters.FlowQuery) -> list[Flow]:
    """Return the flows that match, and whose runs match where the query speaks of runs."""
    flows = Flow.objects.all()
    if query.flows is not None:
        flows = flows.filter(_flow_criteria(query.flows))
    if query.flow_runs is not None:
        runs = FlowRun.objects.filter(_run_criteria(query.flow_runs))
        flows = flows.filter(pk__in=runs.values("flow_id"))
    flows = flows.order_by(*_FLOW_ORDER[query.sort])
    return list(flows[query.offset : query.offset + query.limit])


def read_flow_runs(query: filters.FlowRunQuery) -> list[FlowRun]:
    runs = _matching_runs(query).order_by(*_RUN_ORDER[query.sort])
    return list(runs[query.offset : query.offset + query.limit])


def count_flow_runs(criteria: filters.RunCriteria) -> int:
    return _matching_runs(criteria).count()


def read_logs(query: filters.LogQuery) -> list[LogLine]:
    lines = LogLine.objects.all()
    if query.logs is not None:
        lines = lines.filter(_log_criteria(query.logs))
    lines = lines.order_by(*_LOG_ORDER[query.sort])
    return list(lines[query.offset : query.offset + query.limit])


def _matching_runs(criteria: filters.RunCriteria) -> QuerySet[FlowRun]:
    runs = FlowRun.objects.select_related("flow")
    if criteria.flow_runs is not None:
        runs = runs.filter(_run_criteria(criteria.flow_runs))
    if criteria.flows is not None:
        runs = runs.filter(flow__in=Flow.objects.filter(_flow_criteria(criteria.flows)))
    return runs


def _combine(criteria: Iterable[Q | None], operator: filters.Operator = filters.Operator.AND) -> Q:
    """Join the criteria that were given; none at all is always true."""
    given = [criterion for criterion in criteria if criterion is not None]
    if not given:
        return _ALWAYS
    combined = given[0]
    for criterion in given[1:]:
        combined = (
            combined & criterion if operator is filters.Operator.AND else combined | criterion
        )
    return combined


def _flow_criteria(f: filters.FlowFilter) -> Q:
    return _combine([_ids("id", f.id), _names("name", f.name), _tags(f.tags)], f.operator)


def _run_criteria(f: filters.FlowRunFilter) -> Q:
    return _combine(
        [
            _ids("id", f.id),
            _names("name", f.name),
            _tags(f.tags),
            _nullable("deployment_id", f.deployment_id),
            _nullable("work_queue_name", f.work_queue_name),
            _any("flow_version", f.flow_version),
            _state(f.state),
            _start_time(f.start_time),
            _nullable_time("end_time", f.end_time),
            _time("expected_start_time", f.expected_start_time),
            _time("next_scheduled_start_time", f.next_scheduled_start_time),
            _nullable("parent_task_run_id", f.parent_task_run_id),
            _ids("idempotency_key", f.idempotency_key),
        ],
        f.operator,
    )


def _log_criteria(f: filters.LogFilter) -> Q:
    return _combine(
        [
            _level(f.level),
            _time("timestamp", f.timestamp),
            _any("flow_run_id", f.flow_run_id),
            _nullable("task_run_id", f.task_run_id),
            _any("name", f.name),
        ],
        f.operator,
    )


def _in(column: str, values: list[Any] | None) -> Q | None:
    return None if values is None else Q(**{f"{column}__in": values})


def _not_in(column: str, values: list[Any] | None) -> Q | None:
    """Exclude values, and rows without one: SQL's NOT IN, which Prefect's server uses."""
    if not values:
        return None
    return ~Q(**{f"{column}__in": values}) & Q(**{f"{column}__isnull": False})


def _is_null(column: str, wanted: bool | None) -> Q | None:
    return None if wanted is None else Q(**{f"{column}__isnull": wanted})


type _Including = filters.IdFilter | filters.StateTypeFilter | filters.StateNameFilter
type _Excluding = _Including | filters.IdempotencyKeyFilter


def _ids(column: str, f: _Excluding | None) -> Q | None:
    if f is None:
        return None
    return _combine([_in(column, f.any_), _not_in(column, f.not_any_)])


def _any(column: str, f: filters.AnyFilter | filters.AnyIdFilter | None) -> Q | None:
    return None if f is None else _combine([_in(column, f.any_)])


def _nullable(
    column: str, f: filters.NullableIdFilter | filters.NullableNameFilter | None
) -> Q | None:
    if f is None:
        return None
    return _combine([_in(column, f.any_), _is_null(column, f.is_null_)], f.operator)


def _names(column: str, f: filters.NameFilter | None) -> Q | None:
    if f is None:
        return None
    like = Q(**{f"{column}__icontains": f.like_}) if f.like_ else None
    return _combine([_in(column, f.any_), like])


def _tags(f: filters.FlowTagsFilter | None) -> Q | None:
    if f is None:
        return None
    has_all = _combine(Q(tags__has_item=tag) for tag in f.all_) if f.all_ else None
    has_any = None
    if isinstance(f, filters.TagsFilter) and f.any_ is not None:
        some = (Q(tags__has_item=tag) for tag in f.any_)
        has_any = _combine(some, filters.Operator.OR) if f.any_ else Q(pk__in=[])
    empty = None if f.is_null_ is None else (Q(tags=[]) if f.is_null_ else ~Q(tags=[]))
    return _combine([has_all, has_any, empty], f.operator)


def _state(f: filters.StateFilter | None) -> Q | None:
    if f is None:
        return None
    return _combine([_ids("state_type", f.type), _ids("state_name", f.name)], f.operator)


def _time(column: str, f: filters.TimeFilter | None) -> Q | None:
    if f is None:
        return None
    before = None if f.before_ is None else Q(**{f"{column}__lte": f.before_})
    after = None if f.after_ is None else Q(**{f"{column}__gte": f.after_})
    return _combine([before, after])


def _nullable_time(column: str, f: filters.NullableTimeFilter | None) -> Q | None:
    if f is None:
        return None
    return _combine([_time(column, f), _is_null(column, f.is_null_)])


def _start_time(f: filters.NullableTimeFilter | None) -> Q | None:
    """Compare the start, or the expected one of a run that has not started."""
    if f is None:
        return None
    before = None if f.before_ is None else _compare(LessThanOrEqual, f.before_)
    after = None if f.after_ is None else _compare(GreaterThanOrEqual, f.after_)
    return _combine([before, after, _is_null("start_time", f.is_null_)])


def _compare(lookup: type[LessThanOrEqual | GreaterThanOrEqual], moment: datetime) -> Q:
    return Q(lookup(_STARTED, moment))


def _level(f: filters.LevelFilter | None) -> Q | None:
    if f is None:
        return None
    at_least = None if f.ge_ is None else Q(level__gte=f.ge_)
    at_most = None if f.le_ is None else Q(level__lte=f.le_)
    return _combine([at_least, at_most])

"""Prefect's filter objects as conditions of database queries."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, TextField, Value
from django.db.models.functions import Coalesce, Concat
from django.db.models.lookups import GreaterThanOrEqual, IContains, LessThanOrEqual

from flowruns.domain.states import StateType
from flowruns.models import Deployment, FlowRun, FlowRunState, TaskRun
from flowruns.wire import filters
from flowruns.wire.text_search import read_search

# A criterion that says nothing is true, also where it is one of several alternatives.
_ALWAYS = ~Q(pk__in=[])
_NEVER = Q(pk__in=[])
STARTED = Coalesce("start_time", "expected_start_time")
_SEARCHED = Concat("message", Value(" "), "name", output_field=TextField())


def flow_criteria(f: filters.FlowFilter) -> Q:
    return combine(
        [_ids("id", f.id), _names("name", f.name), _tags(f.tags), _has_deployment(f.deployment)],
        f.operator,
    )


def deployment_criteria(f: filters.DeploymentFilter) -> Q:
    return combine(
        [
            _ids("id", f.id),
            _names("name", f.name),
            _flow_or_own_name(f.flow_or_deployment_name),
            None if f.paused is None or f.paused.eq_ is None else Q(paused=f.paused.eq_),
            _tags(f.tags),
            _any("work_queue_name", f.work_queue_name),
        ],
        f.operator,
    )


def run_criteria(f: filters.FlowRunFilter) -> Q:
    return combine(
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
            _created_by(f.created_by),
            _parent_flow_run(f.parent_flow_run_id),
        ],
        f.operator,
    )


def task_run_criteria(f: filters.TaskRunFilter) -> Q:
    return combine(
        [
            _any("id", f.id),
            _names("name", f.name),
            _tags(f.tags),
            _task_run_state(f.state),
            _nullable_time("start_time", f.start_time),
            _nullable_time("end_time", f.end_time),
            _time("expected_start_time", f.expected_start_time),
            _has_subflow(f.subflow_runs),
            _nullable("flow_run_id", f.flow_run_id),
        ],
        f.operator,
    )


def log_criteria(f: filters.LogFilter) -> Q:
    return combine(
        [
            _level(f.level),
            _time("timestamp", f.timestamp),
            _any("flow_run_id", f.flow_run_id),
            _nullable("task_run_id", f.task_run_id),
            _any("name", f.name),
            _text(f.text),
        ],
        f.operator,
    )


def combine(criteria: Iterable[Q | None], operator: filters.Operator = filters.Operator.AND) -> Q:
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
    return combine([_in(column, f.any_), _not_in(column, f.not_any_)])


type _Any = filters.AnyFilter | filters.AnyIdFilter | filters.AnyStateTypeFilter


def _any(column: str, f: _Any | None) -> Q | None:
    return None if f is None else combine([_in(column, f.any_)])


def _nullable(
    column: str, f: filters.NullableIdFilter | filters.NullableNameFilter | None
) -> Q | None:
    if f is None:
        return None
    return combine([_in(column, f.any_), _is_null(column, f.is_null_)], f.operator)


def _names(column: str, f: filters.NameFilter | None) -> Q | None:
    if f is None:
        return None
    like = Q(**{f"{column}__icontains": f.like_}) if f.like_ else None
    return combine([_in(column, f.any_), like])


def _tags(f: filters.FlowTagsFilter | None) -> Q | None:
    if f is None:
        return None
    has_all = combine(Q(tags__has_item=tag) for tag in f.all_) if f.all_ else None
    has_any = None
    if isinstance(f, filters.TagsFilter) and f.any_ is not None:
        some = (Q(tags__has_item=tag) for tag in f.any_)
        has_any = combine(some, filters.Operator.OR) if f.any_ else _NEVER
    empty = None if f.is_null_ is None else (Q(tags=[]) if f.is_null_ else ~Q(tags=[]))
    return combine([has_all, has_any, empty], f.operator)


def _state(f: filters.StateFilter | None) -> Q | None:
    if f is None:
        return None
    in_state = combine([_ids("state_type", f.type), _ids("state_name", f.name)], f.operator)
    return in_state | cancelled_in_pause() if asks_whom_to_end(f) else in_state


def _task_run_state(f: filters.TaskRunStateFilter | None) -> Q | None:
    if f is None:
        return None
    return combine([_any("state_type", f.type), _any("state_name", f.name)], f.operator)


def _has_subflow(f: filters.ExistsFilter | None) -> Q | None:
    if f is None or f.exists_ is None:
        return None
    parents = FlowRun.objects.filter(parent_task_run_id__isnull=False)
    has_one = Q(pk__in=parents.values("parent_task_run_id"))
    return has_one if f.exists_ else ~has_one


def _parent_flow_run(f: filters.ParentFilter | None) -> Q | None:
    """Select subflows by the run that called them, whose task runs stand for them."""
    if f is None or f.any_ is None:
        return None
    calls = TaskRun.objects.filter(flow_run_id__in=f.any_)
    return Q(parent_task_run_id__in=calls.values("pk"))


def _time(column: str, f: filters.TimeFilter | None) -> Q | None:
    if f is None:
        return None
    before = None if f.before_ is None else Q(**{f"{column}__lte": f.before_})
    after = None if f.after_ is None else Q(**{f"{column}__gte": f.after_})
    return combine([before, after])


def _nullable_time(column: str, f: filters.NullableTimeFilter | None) -> Q | None:
    if f is None:
        return None
    return combine([_time(column, f), _is_null(column, f.is_null_)])


def _start_time(f: filters.NullableTimeFilter | None) -> Q | None:
    """Compare the start, or the expected one of a run that has not started."""
    if f is None:
        return None
    before = None if f.before_ is None else _compare(LessThanOrEqual, f.before_)
    after = None if f.after_ is None else _compare(GreaterThanOrEqual, f.after_)
    return combine([before, after, _is_null("start_time", f.is_null_)])


def _compare(lookup: type[LessThanOrEqual | GreaterThanOrEqual], moment: datetime) -> Q:
    return Q(lookup(STARTED, moment))


def _level(f: filters.LevelFilter | None) -> Q | None:
    if f is None:
        return None
    at_least = None if f.ge_ is None else Q(level__gte=f.ge_)
    at_most = None if f.le_ is None else Q(level__lte=f.le_)
    return combine([at_least, at_most])


def _has_deployment(f: filters.IsNullFilter | None) -> Q | None:
    if f is None or f.is_null_ is None:
        return None
    deployed = Q(pk__in=Deployment.objects.values("flow_id"))
    return ~deployed if f.is_null_ else deployed


def _flow_or_own_name(f: filters.LikeFilter | None) -> Q | None:
    if f is None or not f.like_:
        return None
    return Q(name__icontains=f.like_) | Q(flow__name__icontains=f.like_)


def _created_by(f: filters.CreatedByFilter | None) -> Q | None:
    """Select by whether a creator is known; ids and types of creators are not kept here."""
    if f is None:
        return None
    anonymous = Q(created_by="")
    known = None if f.is_null_ is None else (anonymous if f.is_null_ else ~anonymous)
    strange = [_NEVER for asked in (f.id_, f.type_) if asked is not None]
    return combine([known, *strange], f.operator)


def _text(f: filters.TextSearch | None) -> Q | None:
    if f is None:
        return None
    search = read_search(f.query)
    some = [_contains(word) for word in search.some]
    return combine(
        [
            combine(some, filters.Operator.OR),
            *(_contains(word) for word in search.every),
            *(~_contains(word) for word in search.none),
        ]
    )


def _contains(word: str) -> Q:
    return Q(IContains(_SEARCHED, word))


def asks_whom_to_end(f: filters.StateFilter) -> bool:
    """Whether this is a runner's question for the runs whose processes are to be ended.

    A runner that hears of no events, because its server was away for a moment, asks every few
    seconds which of its runs are CANCELLED and named "Cancelling": Prefect 2's way to say that the
    process is still to be ended. A rejection is final at once, and nothing else tells such a
    runner of it.
    """
    types = f.type.any_ if f.type else None
    names = f.name.any_ if f.name else None
    return types == [StateType.CANCELLED] and names == ["Cancelling"]


def cancelled_in_pause() -> Q:
    """Select the runs whose last state was a pause with a process, before they were cancelled."""
    pauses = FlowRunState.objects.filter(
        flow_run=OuterRef("pk"), version=OuterRef("version") - 1, type=StateType.PAUSED
    ).exclude(details__has_key="pause_reschedule")
    return Q(Exists(pauses), state_type=StateType.CANCELLED)

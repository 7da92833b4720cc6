"""Whether a log line passes Prefect's filter for log lines, one by one as they come."""

from collections.abc import Sequence

from flowruns.wire.filters import LevelFilter, LogFilter, NullableIdFilter, Operator, TimeFilter
from flowruns.wire.runs import Log
from flowruns.wire.text_search import read_search


def passes(f: LogFilter, log: Log) -> bool:
    """Whether all criteria that the filter has are met, or one of them where it says so."""
    verdicts = [
        _passes_level(f.level, log),
        _passes_time(f.timestamp, log),
        _passes_task_run(f.task_run_id, log),
        None if f.flow_run_id is None else _is_listed(log.flow_run_id, f.flow_run_id.any_),
        None if f.name is None else _is_listed(log.name, f.name.any_),
        None if f.text is None else read_search(f.text.query).matches(f"{log.message} {log.name}"),
    ]
    return _combine(verdicts, f.operator)


def _combine(verdicts: list[bool | None], operator: Operator) -> bool:
    given = [verdict for verdict in verdicts if verdict is not None]
    return all(given) if operator is Operator.AND else not given or any(given)


def _is_listed(value: object, wanted: Sequence[object] | None) -> bool:
    return wanted is None or value in wanted


def _passes_level(f: LevelFilter | None, log: Log) -> bool | None:
    if f is None:
        return None
    return (f.ge_ is None or log.level >= f.ge_) and (f.le_ is None or log.level <= f.le_)


def _passes_time(f: TimeFilter | None, log: Log) -> bool | None:
    if f is None:
        return None
    is_early = f.before_ is None or log.timestamp <= f.before_
    return is_early and (f.after_ is None or log.timestamp >= f.after_)


def _passes_task_run(f: NullableIdFilter | None, log: Log) -> bool | None:
    if f is None:
        return None
    is_null = None if f.is_null_ is None else (log.task_run_id is None) is f.is_null_
    is_listed = None if f.any_ is None else log.task_run_id in f.any_
    return _combine([is_null, is_listed], f.operator)

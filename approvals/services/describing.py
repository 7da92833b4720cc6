"""What a run is about, in words: its parameters, for a row that has no question."""

from collections.abc import Mapping
from typing import Any

from approvals.models import Approval
from approvals.services.sources import find_source
from flowruns.domain.errors import FlowRunNotFound

MAX_LENGTH = 300
_MAX_VALUE = 60
_MAX_VALUES = 12


def describe_run(approval: Approval) -> str:
    """Return the parameters of an approval's run in a line; "" where it has none."""
    try:
        run = find_source(approval).read_flow_run(approval.flow_run_id)
    except FlowRunNotFound:
        return ""
    return describe_parameters(run.parameters)


def describe_parameters(parameters: Mapping[str, Any]) -> str:
    """Return parameters as a person says them: `amount 2.5 · items with 3 entries · order 4711`.

    By their names, because PostgreSQL keeps no order of them.
    """
    parts = [
        f"{_shorten(name.replace('_', ' '))} {words}"
        for name, value in sorted(parameters.items())[:_MAX_VALUES]
        if (words := _shorten(_write(value)))
    ]
    return _shorten(" · ".join(parts), MAX_LENGTH)


def _write(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case [str() | int() | float() as one]:
            return str(one)
        case list() | dict():
            return f"with {len(value)} entries" if len(value) != 1 else "with one entry"
        case _:
            return str(value)


def _shorten(text: str, length: int = _MAX_VALUE) -> str:
    line = " ".join(text.replace("\x00", "").split())
    return line if len(line) <= length else f"{line[: length - 1]}…"

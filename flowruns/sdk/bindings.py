"""Bind an answer to the step that asked for it, so that it never satisfies another one.

A pause stores, next to its questions, which step of the flow it is: an input `<pause>-step` that
Prefect's server and its clients keep and never read.
"""

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import PurePath
from typing import Any
from uuid import UUID

from flowruns.domain.keysets import keyset_from_pause
from flowruns.sdk import calls
from flowruns.sdk.base_run_input import BaseRunInput, save_steps
from flowruns.sdk.errors import AnswerBelongsElsewhere, ObjectNotFound
from flowruns.sdk.input_schemas import DECIMAL, NAMES, schema_of
from flowruns.sdk.steps import Steps

_BETWEEN = ("flowruns.sdk.", "asyncio.", "concurrent.")
# What may differ from one run of the same step to the next: texts, and the initial data.
_TEXTS_AND_DATA = frozenset({"title", "description", "default", "examples", "required", NAMES})
_NAMED_SCHEMAS = frozenset({"properties", "$defs", "definitions"})


def calling_step() -> str:
    """Say where the flow's author calls from, in words that outlive edits of other functions."""
    frame = sys._getframe(1)  # noqa: SLF001 - the standard library has no other cheap way
    while frame.f_back and str(frame.f_globals.get("__name__")).startswith(_BETWEEN):
        frame = frame.f_back
    code = frame.f_code
    line = frame.f_lineno - code.co_firstlineno
    return f"line {line} of {code.co_qualname} in {PurePath(code.co_filename).name}"


def step_key(state_name: str, pause_key: str) -> str:
    return f"{state_name.lower()}-{pause_key}-step"


def bind_steps(
    flow_run_id: UUID, model: type[BaseRunInput] | None, *, names: tuple[str, str], step: str
) -> Steps[None]:
    """Store the step and its questions; `names` are those of the state and of the pause.

    Raises ObjectAlreadyExists where an earlier pause had these names.
    """
    yield from calls.create_flow_run_input(flow_run_id, step_key(*names), json.dumps(step))
    if model is not None:
        yield from save_steps(model, keyset_from_pause(*names), flow_run_id)


def rebind_steps(
    flow_run_id: UUID, model: type[BaseRunInput] | None, *, names: tuple[str, str], step: str
) -> Steps[None]:
    """Delete what an earlier attempt of the run left behind, its answer too, and ask anew."""
    keyset = keyset_from_pause(*names)
    for key in (keyset.response, keyset.description, keyset.schema, step_key(*names)):
        with suppress(ObjectNotFound):
            yield from calls.delete_flow_run_input(flow_run_id, key)
    yield from bind_steps(flow_run_id, model, names=names, step=step)


def check_steps(
    flow_run_id: UUID, model: type[BaseRunInput] | None, *, names: tuple[str, str], step: str
) -> Steps[None]:
    """Raise AnswerBelongsElsewhere unless the stored answer was given to this very step."""
    asked_at = yield from _read(flow_run_id, step_key(*names))
    if asked_at not in {None, step}:
        raise AnswerBelongsElsewhere(_refusal(names[1], f"given at {asked_at}", step))
    stored = yield from _read(flow_run_id, keyset_from_pause(*names).schema)
    if _shape(stored) != _shape(schema_of(model) if model is not None else None):
        asked_for = (stored or {}).get("title") or "nothing"
        raise AnswerBelongsElsewhere(_refusal(names[1], f"for {asked_for}", step))


def _refusal(pause_key: str, whose: str, step: str) -> str:
    return (
        f"The stored answer of pause {pause_key!r} was {whose}, and the flow now asks at {step}."
        " Give each pause a key of its own where a flow may take different ways."
    )


def _read(flow_run_id: UUID, key: str) -> Steps[Any]:
    try:
        text = yield from calls.read_flow_run_input(flow_run_id, key)
    except ObjectNotFound:
        return None
    return json.loads(text)


def _shape(schema: Any) -> Any:
    """Reduce a schema to what answers it accepts, under the name of its class."""
    if schema is None:
        return None
    return schema.get("title"), _without_texts(schema)


def _without_texts(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_texts(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        word: (
            {name: _without_texts(item) for name, item in value.items()}
            if word in _NAMED_SCHEMAS and isinstance(value, Mapping)
            else _without_texts(value)
        )
        for word, value in schema.items()
        if word not in _TEXTS_AND_DATA and (word, value) != ("format", DECIMAL)
    }

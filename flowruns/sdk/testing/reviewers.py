"""Who answers the pauses of a flow under test: a function, or answers by the key of the pause."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pydantic
from pydantic_core import to_json

from flowruns import wire
from flowruns.sdk.inputs.messages import content_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One pause as a reviewer meets it; `schema` is None where only a resume is asked.

    `policy` is who may answer, as the flow says it, "" where it leaves that to the operator.
    """

    flow_run: wire.FlowRun
    key: str
    description: str | None
    schema: dict[str, Any] | None
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A reviewer's "no"."""

    reason: str
    reviewer: str = "alice"


class UnexpectedPause(AssertionError):
    """A flow under test paused with a key that its reviewer has no answer for."""


# The answer as a model, as JSON, or where no model is asked for as the value; a Rejected; or None,
# which lets the pause time out.
type Answer = Any
type Reviewer = Callable[[Asked], Answer] | Mapping[str, Answer]


def ask_reviewer(reviewer: Reviewer, asked: Asked) -> Mapping[str, Any] | Rejected | None:
    """Return what a reviewer says, as the JSON that a form would send.

    Raises UnexpectedPause where answers are given by key and there is none for this pause.
    """
    if not isinstance(reviewer, Mapping):
        return _as_json(reviewer(asked), asked)
    if asked.key not in reviewer:
        known = ", ".join(map(repr, reviewer)) or "none at all"
        raise UnexpectedPause(
            f"The flow paused with the key {asked.key!r}; there are answers for {known}."
        )
    answer = reviewer[asked.key]
    return _as_json(answer(asked) if callable(answer) else answer, asked)


def _as_json(answer: Answer, asked: Asked) -> Mapping[str, Any] | Rejected | None:
    if answer is None or isinstance(answer, Rejected):
        return answer
    if isinstance(answer, pydantic.BaseModel):
        written = json.loads(content_of(answer))
    else:
        written = json.loads(to_json(answer))
    if isinstance(written, dict) and not _asks_for_a_value(asked):
        return written
    is_whole = isinstance(written, dict) and written.keys() == {"value"}
    return written if is_whole else {"value": written}


def _asks_for_a_value(asked: Asked) -> bool:
    """Whether the flow asks for a type that is not a model, which travels in a wrapper."""
    title = str((asked.schema or {}).get("title", ""))
    return title.endswith("AutomaticRunInput")

"""What a person answers: typed input for a paused flow run; semantics of Prefect 3.8."""

from collections.abc import Iterable, Sequence
from inspect import isclass
from types import UnionType
from typing import Any, Literal, Self, TypeAliasType, Union, cast, get_args, get_origin
from uuid import UUID

import pydantic

from flowruns import wire
from flowruns.domain.keysets import Keyset, keyset_from_pause
from flowruns.sdk import messages
from flowruns.sdk.base_run_input import BaseRunInput, ensure_id
from flowruns.sdk.messages import InputReader
from flowruns.sdk.states import State


class RunInput(BaseRunInput):
    """Base of what a flow asks a person for, or of what flow runs send each other.

    Example:
        class Approval(RunInput):
            approve: bool
            reason: str = ""

        answer = pause_flow_run(wait_for_input=Approval)
    """

    @classmethod
    def receive(
        cls,
        timeout: float | None = 3600,
        poll_interval: float = 10,
        raise_timeout_error: bool = False,
        exclude_keys: Iterable[str] | None = None,
        key_prefix: str | None = None,
        flow_run_id: UUID | None = None,
    ) -> InputReader[Self]:
        """Read the inputs of this type that are sent to the current flow run, or to another.

        What is read and acknowledged how is written at InputReader. `key_prefix` is what
        `send_to` was given. Inputs with one of the keys `exclude_keys` are not read.

        Example:
            for question in Question.receive(timeout=60):
                question.respond(Answer(text="Yes"))
        """
        return InputReader(
            flow_run_id=ensure_id(flow_run_id),
            prefixes=_given_prefix(key_prefix) or [messages.prefix_of(cls.__name__)],
            read=cls.load_from_flow_run_input,
            timeout=timeout,
            poll_interval=poll_interval,
            raise_timeout_error=raise_timeout_error,
            exclude_keys=set(exclude_keys or ()),
        )

    @classmethod
    def subclass_from_base_model_type(cls, model: type[pydantic.BaseModel]) -> "type[RunInput]":
        """Make a RunInput of any pydantic model."""
        made: type[RunInput] = type(f"{model.__name__}RunInput", (RunInput, model), {})
        made._authors = model  # noqa: SLF001 - our own
        return made


class AutomaticRunInput[T](BaseRunInput):
    """Wraps a type that is no model: the answer is `{"value": …}`, the flow gets the value."""

    value: T

    @classmethod
    def unwrap(cls, answer: Self) -> T:
        return answer.value

    @classmethod
    def load_from_flow_run_input(cls, flow_run_input: wire.RunInput) -> Self:
        """Read a message, strictly: `list[int]` and `list[str]` come under one name."""
        message = cls.model_validate_json(flow_run_input.value, strict=True)
        return message._with_metadata_of(flow_run_input)  # noqa: SLF001 - our own

    @classmethod
    def receive(
        cls,
        timeout: float | None = 3600,
        poll_interval: float = 10,
        raise_timeout_error: bool = False,
        exclude_keys: Iterable[str] | None = None,
        key_prefix: str | None = None,
        flow_run_id: UUID | None = None,
        with_metadata: bool = False,
    ) -> InputReader[Any]:
        """Read the values of this type that are sent to a flow run, as `RunInput.receive` does.

        With `with_metadata` each comes in its wrapper, whose `metadata` names the sender.
        """

        def read(found: wire.RunInput) -> Any:
            message = cls.load_from_flow_run_input(found)
            return message if with_metadata else message.value

        names = [cls.__name__, *_names_at_senders(cls.model_fields["value"].annotation)]
        return InputReader(
            flow_run_id=ensure_id(flow_run_id),
            prefixes=_given_prefix(key_prefix) or [*dict.fromkeys(map(messages.prefix_of, names))],
            read=read,
            timeout=timeout,
            poll_interval=poll_interval,
            raise_timeout_error=raise_timeout_error,
            exclude_keys=set(exclude_keys or ()),
        )

    @classmethod
    def subclass_from_type(cls, value_type: Any) -> "type[AutomaticRunInput[T]]":
        made = pydantic.create_model(
            _wrapper_name(value_type),
            __base__=AutomaticRunInput,
            value=(value_type, ...),
        )
        made._authors = AutomaticRunInput  # noqa: SLF001 - our own
        return made


def run_input_subclass_from_type(value_type: Any) -> type[BaseRunInput]:
    """Make the RunInput that asks for `value_type`, which may be any type that pydantic knows."""
    if isclass(value_type) and issubclass(value_type, BaseRunInput):
        return value_type
    is_model = isclass(value_type) and issubclass(value_type, pydantic.BaseModel)
    # A root model may be a list or a text, so that it travels as a value does. Prefect refuses it.
    if is_model and not issubclass(value_type, pydantic.RootModel):
        return RunInput.subclass_from_base_model_type(value_type)
    return AutomaticRunInput.subclass_from_type(value_type)


def as_run_input(value: Any) -> BaseRunInput:
    """Wrap what is to be sent, unless it is an input already; a model's fields stay its own."""
    if isinstance(value, BaseRunInput):
        return value
    model: Any = run_input_subclass_from_type(type(value))
    if isinstance(value, pydantic.BaseModel):
        wrapped = model.model_construct(**dict(value))
    else:
        wrapped = model.model_construct(value=value)
    return cast("BaseRunInput", wrapped)


def _names_at_senders(annotation: Any) -> list[str]:
    """Name the wrappers in which values of a type come: a sender has the value only.

    Example: a `Literal["a", 1]` comes as `str` or `int`.
    """
    if isinstance(annotation, TypeAliasType):
        return _names_at_senders(annotation.__value__)
    if get_origin(annotation) is Literal:
        return [_wrapper_name(type(value)) for value in get_args(annotation)]
    if get_origin(annotation) in {Union, UnionType}:
        return [name for one in get_args(annotation) for name in _names_at_senders(one)]
    return [_wrapper_name(annotation)]


def _wrapper_name(value_type: Any) -> str:
    prefix = getattr(value_type, "__name__", getattr(value_type, "_name", "")) or ""
    return f"{prefix.lower()}AutomaticRunInput"


def _given_prefix(key_prefix: str | None) -> Sequence[str]:
    if key_prefix is None:
        return ()
    messages.check_prefix(key_prefix)
    return (key_prefix,)


def keyset_from_paused_state(state: State[Any]) -> Keyset:
    """Name the inputs of the pause that `state` is; raises ValueError for any other state."""
    if not state.is_paused():
        raise ValueError(f"{state.type.value!r} is no paused state.")
    return keyset_from_pause(state.name or "", str(state.state_details.pause_key))

"""What a person answers, or a run sends: typed input for a flow run; semantics of Prefect 3.9."""

import json
from collections.abc import Iterable, Mapping, Sequence
from inspect import isclass
from types import UnionType
from typing import Any, ClassVar, Literal, Self, TypeAliasType, Union, cast, get_args, get_origin
from uuid import UUID

import pydantic
from pydantic import ConfigDict, PrivateAttr
from pydantic_core import to_json

from flowruns import wire
from flowruns.domain.keysets import Keyset, key_from_name, keyset_from_base, keyset_from_pause
from flowruns.sdk.calls import flow_runs
from flowruns.sdk.context import require_flow_run
from flowruns.sdk.dispatch import dispatch, on_loop
from flowruns.sdk.errors import ObjectNotFound
from flowruns.sdk.inputs import messages
from flowruns.sdk.inputs.messages import InputReader
from flowruns.sdk.inputs.metadata import DecidedBy, RunInputMetadata
from flowruns.sdk.inputs.schemas import field_with_default, schema_of
from flowruns.sdk.results import name_values
from flowruns.sdk.states import State, storable
from flowruns.sdk.steps.steps import Steps


class BaseRunInput(pydantic.BaseModel, defer_build=True):
    """What RunInput and the wrapper of other types share."""

    # An answer may hold secrets, and what is raised about it ends in the run's states and logs.
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", hide_input_in_errors=True)

    # Who may answer, as one line such as "1 of @finance"; None leaves it to the operator.
    approval_policy: ClassVar[str | None] = None

    _description: str | None = PrivateAttr(default=None)
    _initial: ClassVar[Mapping[str, Any]] = {}
    # What the author wrote, of a class that was made to ask for it.
    _authors: ClassVar[type[pydantic.BaseModel] | None] = None
    _metadata: RunInputMetadata = PrivateAttr()

    def __reduce__(self) -> Any:
        """Be pickled as one of the author's class: classes made for one question are not found."""
        kind = authors_class(type(self))
        more = {name: value for name, value in self if name not in kind.model_fields}
        return _restore, (kind, more, self.__getstate__())

    def __eq__(self, other: object) -> bool:
        """Equal what was made of the same class of the author's with the same values."""
        if not isinstance(other, pydantic.BaseModel):
            return NotImplemented
        is_alike = authors_class(type(self)) is authors_class(type(other))
        return is_alike and dict(self) == dict(other)

    __hash__ = None  # type: ignore[assignment] # as of every pydantic model that may change

    @property
    def metadata(self) -> RunInputMetadata:
        return self._metadata

    @classmethod
    def keyset_from_type(cls) -> Keyset:
        return keyset_from_base(key_from_name(cls.__name__))

    @classmethod
    def with_initial_data(cls, description: str | None = None, **initial: Any) -> type[Self]:
        """Make a subclass whose fields begin with the values `initial`.

        `description` is Markdown and is shown above the form. Unlike in Prefect a field keeps
        its constraints, title and description.

        Example: `Approval.with_initial_data(description="Refund **7 EUR**?", approve=True)`
        """
        fields: dict[str, Any] = {
            name: field_with_default(cls.model_fields.get(name), value)
            for name, value in initial.items()
        }
        model = pydantic.create_model(cls.__name__, __base__=cls, **fields)
        model._initial = {**cls._initial, **initial}  # noqa: SLF001 -- our own
        model._authors = authors_class(cls)  # noqa: SLF001 -- our own
        if description is not None:
            # A class attribute over a private one: read through the class, before any instance.
            model._description = description  # noqa: SLF001 -- our own
        return model

    @classmethod
    def save(cls, keyset: Keyset, flow_run_id: UUID | None = None) -> None:
        """Store the schema and the description under `keyset`; awaitable in async code."""
        return cast("None", dispatch(save_steps(cls, keyset, ensure_id(flow_run_id))))

    @classmethod
    async def asave(cls, keyset: Keyset, flow_run_id: UUID | None = None) -> None:
        await on_loop(save_steps(cls, keyset, ensure_id(flow_run_id)))

    @classmethod
    def load(cls, keyset: Keyset, flow_run_id: UUID | None = None) -> Self:
        """Read the answer under `keyset`, or the defaults; awaitable in async code.

        Raises pydantic.ValidationError where the answer is none that this type accepts.
        """
        return cast("Self", dispatch(load_steps(cls, keyset, ensure_id(flow_run_id))))

    @classmethod
    async def aload(cls, keyset: Keyset, flow_run_id: UUID | None = None) -> Self:
        return cast("Self", await on_loop(load_steps(cls, keyset, ensure_id(flow_run_id))))

    @classmethod
    def load_from_flow_run_input(cls, flow_run_input: wire.RunInput) -> Self:
        """Read a message; raises pydantic.ValidationError."""
        message = cls(**json.loads(flow_run_input.value))
        return message._with_metadata_of(flow_run_input)

    def _with_metadata_of(self, found: wire.RunInput) -> Self:
        self._metadata = RunInputMetadata(
            key=found.key, sender=found.sender, receiver=found.flow_run_id
        )
        return self

    def send_to(
        self, flow_run_id: UUID, sender: str | None = None, key_prefix: str | None = None
    ) -> None:
        """Send this input to a flow run, which gets it by `receive`; awaitable in async code.

        `sender` defaults to the current flow run. `key_prefix` names a channel of one's own.
        Secrets are sent, and stored, in plain text. Raises ValueError and ObjectNotFound.
        """
        return cast("None", dispatch(self._send_steps(flow_run_id, sender, key_prefix)))

    async def asend_to(
        self, flow_run_id: UUID, sender: str | None = None, key_prefix: str | None = None
    ) -> None:
        """Send this input to a flow run: `send_to` for async code."""
        await on_loop(self._send_steps(flow_run_id, sender, key_prefix))

    def _send_steps(
        self, flow_run_id: UUID, sender: str | None, key_prefix: str | None
    ) -> Steps[None]:
        prefix = key_prefix if key_prefix is not None else messages.prefix_of(type(self).__name__)
        messages.check_prefix(prefix)
        return messages.send_steps(flow_run_id, prefix, messages.content_of(self), sender)

    def respond(
        self, run_input: Any, sender: str | None = None, key_prefix: str | None = None
    ) -> None:
        """Send `run_input`, of any type, to the flow run that this one came from.

        Awaitable in async code. Raises SenderIsNoFlowRun where no flow run sent it.
        """
        return cast("None", dispatch(self._respond_steps(run_input, sender, key_prefix)))

    async def arespond(
        self, run_input: Any, sender: str | None = None, key_prefix: str | None = None
    ) -> None:
        """Send an input to the flow run that this one came from: `respond` for async code."""
        await on_loop(self._respond_steps(run_input, sender, key_prefix))

    def _respond_steps(
        self, run_input: Any, sender: str | None, key_prefix: str | None
    ) -> Steps[None]:
        receiver = messages.sending_run(self.metadata.sender)
        return as_run_input(run_input)._send_steps(receiver, sender, key_prefix)  # noqa: SLF001 -- our own

    @classmethod
    def unwrap(cls, answer: Self) -> Any:
        """Return what the flow asked for, given the whole answer."""
        return answer


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
        made._authors = model  # noqa: SLF001 -- our own
        return made


class AutomaticRunInput[T](BaseRunInput):
    """Wraps a type that is not a model: the answer is `{"value": …}`, the flow gets the value."""

    value: T

    @classmethod
    def unwrap(cls, answer: Self) -> T:
        return answer.value

    @classmethod
    def load_from_flow_run_input(cls, flow_run_input: wire.RunInput) -> Self:
        """Read a message, strictly: `list[int]` and `list[str]` come under one name."""
        message = cls.model_validate_json(flow_run_input.value, strict=True)
        return message._with_metadata_of(flow_run_input)  # noqa: SLF001 -- our own

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
        made._authors = AutomaticRunInput  # noqa: SLF001 -- our own
        return made


for _own in (BaseRunInput, RunInput, AutomaticRunInput):
    # An author's own class is built where it stands, so that what is wrong with it is said there.
    _own.model_config.pop("defer_build")


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


def authors_class(kind: type[pydantic.BaseModel]) -> type[pydantic.BaseModel]:
    """Return the class that the author of a flow wrote, of one made to ask for it."""
    authors: type[pydantic.BaseModel] | None = vars(kind).get("_authors")
    return authors or kind


def _restore(
    kind: type[pydantic.BaseModel], more: Mapping[str, Any], state: dict[Any, Any]
) -> pydantic.BaseModel:
    if more and issubclass(kind, BaseRunInput):
        kind = kind.with_initial_data(**more)
    restored = kind.__new__(kind)
    if not kind.__private_attributes__:
        state = state | {"__pydantic_private__": None}
    restored.__setstate__(state)
    return restored


def ensure_id(flow_run_id: UUID | None) -> UUID:
    """Return `flow_run_id`, or the current flow run's."""
    if flow_run_id is not None:
        return flow_run_id
    message = "Must either provide a flow run ID or be within a flow run."
    return require_flow_run(message).flow_run.id


def save_steps(model: type[BaseRunInput], keyset: Keyset, flow_run_id: UUID) -> Steps[None]:
    """Store what a person needs to answer: the description if there is one, and the schema.

    The schema comes last: where the run is paused already, who finds it finds all.
    """
    if description := description_of(model):
        text = to_json(description).decode()
        yield from flow_runs.create_flow_run_input(flow_run_id, keyset.description, text)
    yield from flow_runs.create_flow_run_input(flow_run_id, keyset.schema, schema_text_of(model))


def schema_text_of(model: type[BaseRunInput]) -> str:
    """Write the schema as a pause stores it."""
    return to_json(schema_of(model), inf_nan_mode="null").decode()


def description_of(model: type[BaseRunInput]) -> str:
    """Return the Markdown that stands above the form, or ""."""
    description = model._description  # noqa: SLF001 -- ours, read through the class
    return storable(description) if isinstance(description, str) else ""


def given_to(model: type[BaseRunInput]) -> str:
    """Name the initial data alike in every process, or return "" where there is none."""
    return name_values(model._initial) if model._initial else ""  # noqa: SLF001 -- ours


def load_steps(
    model: type[BaseRunInput],
    keyset: Keyset,
    flow_run_id: UUID,
    known: Mapping[str, str] | None = None,
) -> Steps[Any]:
    """Read the answer; where none was stored the defaults are it.

    `known` holds the run's inputs where they have been read already.
    """
    text = yield from _read(flow_run_id, keyset.response, known)
    answer = model(**(json.loads(text or "{}") or {}))
    answer._metadata = RunInputMetadata(  # noqa: SLF001 -- our own
        key=keyset.response,
        receiver=flow_run_id,
        # Nobody is named where no policy asked for votes.
        decided_by=_read_votes((yield from _read(flow_run_id, votes_beside(keyset), known))),
    )
    return answer.unwrap(answer)


def votes_beside(keyset: Keyset) -> str:
    """Name the input that says who gave an answer."""
    return f"{keyset.response.removesuffix('response')}votes"


def _read(flow_run_id: UUID, key: str, known: Mapping[str, str] | None) -> Steps[str | None]:
    if known is not None:
        return known.get(key)
    try:
        return (yield from flow_runs.read_flow_run_input(flow_run_id, key))
    except ObjectNotFound:
        return None


def _read_votes(text: str | None) -> tuple[DecidedBy, ...]:
    return tuple(DecidedBy.model_validate(vote) for vote in json.loads(text or "[]"))

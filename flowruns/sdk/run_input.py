"""What a person answers: typed input for a paused flow run; semantics of Prefect 3.8."""

import json
from inspect import isclass
from typing import Annotated, Any, ClassVar, Self, cast
from uuid import UUID

import pydantic
from pydantic import ConfigDict, Field, PrivateAttr, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema, to_json

from flowruns.domain.keysets import Keyset, keyset_from_base, keyset_from_pause
from flowruns.sdk import calls
from flowruns.sdk.context import require_flow_run
from flowruns.sdk.dispatch import dispatch, on_loop
from flowruns.sdk.errors import ObjectNotFound
from flowruns.sdk.states import State
from flowruns.sdk.steps import Steps

_KEPT_OF_A_FIELD = (
    "title",
    "description",
    "examples",
    "json_schema_extra",
    "discriminator",
    "alias",
    "alias_priority",
    "validation_alias",
    "serialization_alias",
    "deprecated",
)


class RunInputMetadata(pydantic.BaseModel):
    """Where an input came from; `sender` is unknown for the answer to a pause."""

    key: str
    sender: str | None = None
    receiver: UUID


class _SchemaGenerator(GenerateJsonSchema):
    def is_instance_schema(self, schema: core_schema.IsInstanceSchema) -> JsonSchemaValue:
        """Let a class that has no JSON form be anything, as Prefect does, instead of failing."""
        del schema
        return {}


class BaseRunInput(pydantic.BaseModel):
    """What RunInput and the wrapper of other types share."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    _description: str | None = PrivateAttr(default=None)
    _metadata: RunInputMetadata = PrivateAttr()

    @property
    def metadata(self) -> RunInputMetadata:
        return self._metadata

    @classmethod
    def keyset_from_type(cls) -> Keyset:
        return keyset_from_base(cls.__name__.lower())

    @classmethod
    def with_initial_data(cls, description: str | None = None, **initial: Any) -> type[Self]:
        """Make a subclass whose fields begin with the values `initial`.

        `description` is Markdown and is shown above the form. Unlike in Prefect a field keeps
        its constraints, title and description.

        Example: `Approval.with_initial_data(description="Refund **7 EUR**?", approve=True)`
        """
        fields: dict[str, Any] = {
            name: _field_with_default(cls.model_fields.get(name), value)
            for name, value in initial.items()
        }
        model = pydantic.create_model(cls.__name__, __base__=cls, **fields)
        if description is not None:
            # A class attribute over a private one: read through the class, before any instance.
            model._description = description  # noqa: SLF001
        return model

    @classmethod
    def save(cls, keyset: Keyset, flow_run_id: UUID | None = None) -> None:
        """Store the schema and the description under `keyset`; awaitable in async code."""
        return cast("None", dispatch(save_steps(cls, keyset, _ensure_id(flow_run_id))))

    @classmethod
    async def asave(cls, keyset: Keyset, flow_run_id: UUID | None = None) -> None:
        await on_loop(save_steps(cls, keyset, _ensure_id(flow_run_id)))

    @classmethod
    def load(cls, keyset: Keyset, flow_run_id: UUID | None = None) -> Self:
        """Read the answer under `keyset`, or the defaults; awaitable in async code.

        Raises pydantic.ValidationError where the answer is none that this type accepts.
        """
        return cast("Self", dispatch(load_steps(cls, keyset, _ensure_id(flow_run_id))))

    @classmethod
    async def aload(cls, keyset: Keyset, flow_run_id: UUID | None = None) -> Self:
        return cast("Self", await on_loop(load_steps(cls, keyset, _ensure_id(flow_run_id))))

    @classmethod
    def unwrap(cls, answer: Self) -> Any:
        """Return what the flow asked for, given the whole answer."""
        return answer


class RunInput(BaseRunInput):
    """Base of what a flow asks a person for.

    Example:
        class Approval(RunInput):
            approve: bool
            reason: str = ""

        answer = pause_flow_run(wait_for_input=Approval)
    """

    @classmethod
    def subclass_from_base_model_type(cls, model: type[pydantic.BaseModel]) -> "type[RunInput]":
        """Make a RunInput of any pydantic model."""
        return type(f"{model.__name__}RunInput", (RunInput, model), {})


class AutomaticRunInput[T](BaseRunInput):
    """Wraps a type that is no model: the answer is `{"value": …}`, the flow gets the value."""

    value: T

    @classmethod
    def unwrap(cls, answer: Self) -> T:
        return answer.value

    @classmethod
    def subclass_from_type(cls, value_type: Any) -> "type[AutomaticRunInput[T]]":
        prefix = getattr(value_type, "__name__", getattr(value_type, "_name", "")) or ""
        return pydantic.create_model(
            f"{prefix.lower()}AutomaticRunInput",
            __base__=AutomaticRunInput,
            value=(value_type, ...),
        )


def run_input_subclass_from_type(value_type: Any) -> type[BaseRunInput]:
    """Make the RunInput that asks for `value_type`, which may be any type that pydantic knows."""
    if isclass(value_type) and issubclass(value_type, BaseRunInput):
        return value_type
    if isclass(value_type) and issubclass(value_type, pydantic.BaseModel):
        return RunInput.subclass_from_base_model_type(value_type)
    return AutomaticRunInput.subclass_from_type(value_type)


def keyset_from_paused_state(state: State[Any]) -> Keyset:
    """Name the inputs of the pause that `state` is; raises ValueError for any other state."""
    if not state.is_paused():
        raise ValueError(f"{state.type.value!r} is no paused state.")
    return keyset_from_pause(state.name or "", str(state.state_details.pause_key))


def _field_with_default(field: FieldInfo | None, value: Any) -> tuple[Any, Any]:
    if field is None:
        return type(value), value
    kept = {name: getattr(field, name) for name in _KEPT_OF_A_FIELD}
    kept = {name: setting for name, setting in kept.items() if setting is not None}
    annotation: Any = field.annotation
    if field.metadata:
        annotation = Annotated[annotation, *field.metadata]
    return annotation, Field(default=value, **kept)


def schema_of(model: type[BaseRunInput]) -> dict[str, Any]:
    """Make the JSON Schema that a form is built from, in the shape of Prefect 3.8.

    References point into "definitions", which repeats "$defs", and the root is never one.
    """
    # A recursive model refers to itself, its subclass does not: the root gets its properties.
    subclass = pydantic.create_model(model.__name__, __base__=model)
    schema = TypeAdapter(subclass).json_schema(
        by_alias=True,
        ref_template="#/definitions/{model}",
        schema_generator=_SchemaGenerator,
    )
    if "$defs" in schema:
        schema["definitions"] = schema["$defs"]
    return schema


def _ensure_id(flow_run_id: UUID | None) -> UUID:
    if flow_run_id is not None:
        return flow_run_id
    message = "Must either provide a flow run ID or be within a flow run."
    return require_flow_run(message).flow_run.id


def save_steps(model: type[BaseRunInput], keyset: Keyset, flow_run_id: UUID) -> Steps[None]:
    """Store what a person needs to answer: the schema, and the description if there is one."""
    schema = to_json(schema_of(model), inf_nan_mode="null").decode()
    yield from calls.create_flow_run_input(flow_run_id, keyset.schema, schema)
    description = model._description  # noqa: SLF001 - ours, read through the class
    if isinstance(description, str) and description:
        text = to_json(description).decode()
        yield from calls.create_flow_run_input(flow_run_id, keyset.description, text)


def load_steps(model: type[BaseRunInput], keyset: Keyset, flow_run_id: UUID) -> Steps[Any]:
    """Read the answer; where none was stored the defaults are it."""
    try:
        text = yield from calls.read_flow_run_input(flow_run_id, keyset.response)
    except ObjectNotFound:
        text = "{}"
    answer = model(**(json.loads(text) or {}))
    answer._metadata = RunInputMetadata(key=keyset.response, receiver=flow_run_id)  # noqa: SLF001
    return answer.unwrap(answer)

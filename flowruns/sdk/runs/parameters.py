"""Arguments of flows and tasks: bound to their names, validated, made fit for the wire."""

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

from flowruns.sdk.errors import ParameterBindError, ParameterTypeError
from flowruns.sdk.states import printable

type Arguments = tuple[tuple[Any, ...], dict[str, Any]]

# To read one takes longer than a small task. A function that is gone leaves nothing behind
_signatures: WeakKeyDictionary[FunctionType, inspect.Signature] = WeakKeyDictionary()


def _signature_of(function: Callable[..., Any]) -> inspect.Signature:
    if not isinstance(function, FunctionType):
        return inspect.signature(function)
    if (known := _signatures.get(function)) is None:
        known = _signatures[function] = inspect.signature(function)
    return known


def bind(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Name the arguments, defaults included; raise ParameterBindError where they do not fit."""
    try:
        bound = _signature_of(function).bind(*args, **kwargs)
    except TypeError as error:
        raise ParameterBindError(f"{_name(function)}() cannot be called so: {error}") from None
    bound.apply_defaults()
    return dict(bound.arguments)


def unbind(function: Callable[..., Any], parameters: Mapping[str, Any]) -> Arguments:
    """Turn named arguments back into a call, by name as far as the signature allows."""
    signature = _signature_of(function)
    kinds = {name: parameter.kind for name, parameter in signature.parameters.items()}
    by_position = inspect.Parameter.VAR_POSITIONAL in kinds.values()
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for name, value in parameters.items():
        match kinds[name]:
            case inspect.Parameter.VAR_POSITIONAL:
                args.extend(value)
            case inspect.Parameter.VAR_KEYWORD:
                kwargs.update(value)
            case inspect.Parameter.POSITIONAL_ONLY:
                args.append(value)
            case inspect.Parameter.POSITIONAL_OR_KEYWORD if by_position:
                args.append(value)
            case _:
                kwargs[name] = value
    return tuple(args), kwargs


def validate(function: Callable[..., Any], arguments: Arguments) -> Arguments:
    """Let pydantic convert the arguments to their annotated types, or raise ParameterTypeError."""
    from pydantic import ValidationError

    args, kwargs = arguments
    try:
        validated: Arguments = _validator(function)(*args, **kwargs)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        text = "\n - ".join(["Flow run received invalid parameters:", *problems])
        raise ParameterTypeError(text) from None
    return validated


@functools.lru_cache(maxsize=1024)
def _validator(function: Callable[..., Any]) -> Callable[..., Arguments]:
    """Make a function of the same signature that returns its validated arguments."""
    from pydantic import ConfigDict, validate_call

    @functools.wraps(function)
    def capture(*args: Any, **kwargs: Any) -> Arguments:
        return args, kwargs

    return validate_call(config=ConfigDict(arbitrary_types_allowed=True))(capture)


def to_json_object(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Make parameters fit for the wire; what has no JSON form is shown by its type."""
    return {name: _to_json(value) for name, value in parameters.items()}


def _to_json(value: Any) -> Any:
    from pydantic_core import PydanticSerializationError, to_jsonable_python

    try:
        plain = to_jsonable_python(value, fallback=_type_name)
    except (PydanticSerializationError, ValueError, RecursionError):
        return _type_name(value)
    return _printable_leaves(plain)


def _printable_leaves(value: Any) -> Any:
    """Clean what no server stores: a NUL in a string, a number that JSON does not have."""
    match value:
        case str():
            return printable(value)
        case float() if not math.isfinite(value):
            return str(value)
        case dict():
            return {printable(key): _printable_leaves(item) for key, item in value.items()}
        case list():
            return [_printable_leaves(item) for item in value]
        case _:
            return value


def _type_name(value: Any) -> str:
    return f"<{type(value).__name__}>"


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)

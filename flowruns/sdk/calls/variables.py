"""The calls of the JSON API about variables."""

from typing import Any

from flowruns.sdk.calls.asking import ask
from flowruns.sdk.errors import ObjectAlreadyExists, ObjectNotFound
from flowruns.sdk.steps.steps import Send, Steps
from flowruns.wire.variables import Variable, VariableCreate


def create_variable(variable: VariableCreate) -> Steps[Variable]:
    """Store a variable; raises ObjectAlreadyExists."""
    body: Any = variable.model_dump(mode="json")
    reply = yield from ask(Send(method="POST", path="/variables/", body=body))
    return Variable.model_validate(reply.json())


def set_variable(variable: VariableCreate, *, overwrite: bool) -> Steps[Variable]:
    """Store a variable, in the place of the one of that name where it may be overwritten.

    Raises ValueError for a name that is taken.
    """
    try:
        return (yield from create_variable(variable))
    except ObjectAlreadyExists:
        if not overwrite:
            raise ValueError(
                f"There is a variable {variable.name!r} already; overwrite=True changes it"
            ) from None
    try:
        yield from _update(variable)
        found = yield from read_variable(variable.name)
    except ObjectNotFound:
        found = None
    # Somebody may have deleted it meanwhile.
    return found or (yield from create_variable(variable))


def _update(variable: VariableCreate) -> Steps[None]:
    body: Any = variable.model_dump(mode="json")
    yield from ask(Send(method="PATCH", path=f"/variables/name/{variable.name}", body=body))


def read_variable(name: str) -> Steps[Variable | None]:
    """Read a variable, or nothing where there is none."""
    try:
        reply = yield from ask(Send(method="GET", path=f"/variables/name/{name}"))
    except ObjectNotFound:
        return None
    return Variable.model_validate(reply.json())


def delete_variable(name: str) -> Steps[bool]:
    """Delete a variable; say whether there was one."""
    try:
        yield from ask(Send(method="DELETE", path=f"/variables/name/{name}"))
    except ObjectNotFound:
        return False
    return True

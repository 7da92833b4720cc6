"""Small JSON values that are kept on the server: `from flowruns.variables import Variable`.

Names and semantics of `prefect.variables` in Prefect 3.9.
"""

from collections.abc import Iterable
from typing import Any, Self
from urllib.parse import quote

from pydantic import BaseModel, JsonValue

from flowruns.sdk.calls.variables import delete_variable, read_variable, set_variable
from flowruns.sdk.dispatch import dispatch, on_loop
from flowruns.sdk.steps.steps import Steps
from flowruns.wire.variables import VariableCreate

__all__ = ["Variable"]


class Variable(BaseModel):
    """A value under a name of lower-case letters, digits, dashes and underscores; 5,000 bytes.

    The functions are awaitable in async code, where those with an `a` are the same with types to
    match.

    Example:
        Variable.set("last-order", 1042, overwrite=True)
        Variable.get("last-order", default=0)
    """

    name: str
    value: JsonValue = None
    tags: list[str] = []

    @classmethod
    def get(cls, name: str, default: Any = None) -> Any:
        """Return the value of a variable, or `default` where there is none."""
        return dispatch(_read_value(name, default))

    @classmethod
    async def aget(cls, name: str, default: Any = None) -> Any:
        """Return the value of a variable: `get` for async code."""
        return await on_loop(_read_value(name, default))

    @classmethod
    def set(
        cls, name: str, value: Any, tags: Iterable[str] | None = None, overwrite: bool = False
    ) -> Any:
        """Store a value under a name, and return the variable.

        Raises ValueError for a name or a value that cannot be kept, and for a name that is taken
        unless the value there may be overwritten.
        """
        return dispatch(cls._set(name, value, tags, overwrite=overwrite))

    @classmethod
    async def aset(
        cls, name: str, value: Any, tags: Iterable[str] | None = None, overwrite: bool = False
    ) -> Self:
        """Store a value under a name: `set` for async code."""
        return await on_loop(cls._set(name, value, tags, overwrite=overwrite))

    @classmethod
    def unset(cls, name: str) -> Any:
        """Delete a variable; return whether there was one."""
        return dispatch(delete_variable(quote(name, safe="")))

    @classmethod
    async def aunset(cls, name: str) -> bool:
        """Delete a variable: `unset` for async code."""
        return await on_loop(delete_variable(quote(name, safe="")))

    @classmethod
    def _set(
        cls, name: str, value: Any, tags: Iterable[str] | None, *, overwrite: bool
    ) -> Steps[Self]:
        wanted = VariableCreate(name=name, value=value, tags=list(tags or ()))
        kept = yield from set_variable(wanted, overwrite=overwrite)
        return cls(name=kept.name, value=kept.value, tags=kept.tags)


def _read_value(name: str, default: Any) -> Steps[Any]:
    found = yield from read_variable(quote(name, safe=""))
    return found.value if found else default

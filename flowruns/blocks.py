"""Values that are kept on the server under a name: `from flowruns.blocks import JSON, Secret`.

Semantics of `prefect.blocks.system` in Prefect 3.4; 3.9 has no JSON block any more, and its server
still keeps them.
"""

from typing import Any, ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, JsonValue
from pydantic import Secret as Hidden

from flowruns.sdk.calls.blocks import load_block, save_block
from flowruns.sdk.dispatch import dispatch, on_loop
from flowruns.sdk.steps.steps import Steps

__all__ = ["JSON", "Secret"]


class _Block(BaseModel):
    """What a block can do; `load` and `save` are awaitable in async code."""

    fields: ClassVar[dict[str, Any]]

    @classmethod
    def load(cls, name: str) -> Any:
        """Read the block of this type and name; raises ValueError where there is none."""
        return dispatch(cls._load(name))

    @classmethod
    async def aload(cls, name: str) -> Self:
        """Read a block: `load` for async code."""
        return await on_loop(cls._load(name))

    def save(self, name: str, overwrite: bool = False) -> Any:
        """Store the block under `name`, of lower-case letters, digits and dashes; return its id.

        Raises ValueError for a name that is taken, unless the value there may be overwritten.
        """
        return dispatch(self._save(name, overwrite=overwrite))

    async def asave(self, name: str, overwrite: bool = False) -> UUID:
        """Store the block: `save` for async code."""
        return await on_loop(self._save(name, overwrite=overwrite))

    @classmethod
    def _load(cls, name: str) -> Steps[Self]:
        data = yield from load_block(name, slug=cls.fields["block_type_slug"])
        return cls.model_validate(data)

    def _save(self, name: str, *, overwrite: bool) -> Steps[UUID]:
        kind = type(self)
        block_id: UUID = yield from save_block(
            name, self._data(), type_name=kind.__name__, fields=kind.fields, overwrite=overwrite
        )
        return block_id

    def _data(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


def _fields(title: str, **value: Any) -> dict[str, Any]:
    """Describe a block of one value as Prefect's client does, which then knows it again."""
    return {
        "title": title,
        "type": "object",
        "properties": {"value": {"title": "Value", **value}},
        "required": ["value"],
        "block_type_slug": title.lower(),
        "block_schema_references": {},
        "secret_fields": ["value"] if value.get("writeOnly") else [],
    }


class JSON(_Block):
    """A JSON value.

    Example:
        seen = JSON(value=[])
        seen.save("seen-orders", overwrite=True)
        JSON.load("seen-orders").value
    """

    fields = _fields("JSON", description="A JSON-compatible value.")

    value: Any


class Secret(_Block):
    """A value that logs and pages do not show.

    Example: `Secret.load("payments").get()`
    """

    fields = _fields(
        "Secret",
        description="A value that should be kept secret.",
        type="string",
        format="password",
        writeOnly=True,
    )

    value: Hidden[JsonValue]

    def get(self) -> JsonValue:
        return self.value.get_secret_value()

    def _data(self) -> dict[str, Any]:
        return {"value": self.get()}

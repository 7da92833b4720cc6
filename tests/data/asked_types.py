"""Types that a flow may ask a person for; imported here and in Prefect's environment."""

import datetime as dt
import decimal
import enum
import uuid
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import pydantic
from pydantic import Field


class Colour(enum.Enum):
    RED = "red"
    NONE = None
    ZERO = 0


@dataclass
class Point:
    x: int
    y: float = 0.5


class Named(NamedTuple):
    first: str
    second: int = 2


class Typed(TypedDict, total=False):
    name: str


class Address(pydantic.BaseModel):
    """Where it goes."""

    street: str
    zip: Annotated[str, Field(pattern=r"^\d{5}$")] = "00000"


class Cat(pydantic.BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(pydantic.BaseModel):
    kind: Literal["dog"]
    owner: "Address | None" = None


class Tree(pydantic.BaseModel):
    name: str
    children: "list[Tree]" = []


class Odd: ...


def asked_types(run_input: Any) -> dict[str, Any]:
    """Make them with the RunInput of one library or the other."""

    class Approval(run_input):  # type: ignore[misc]
        """Shall we?"""

        approve: bool
        reason: str = ""
        address: Address | None = None
        tags: list[Colour] = Field(default_factory=list, max_length=3)
        pet: Cat | Dog = Field(discriminator="kind")
        amount: decimal.Decimal = decimal.Decimal("1.50")
        secret: pydantic.SecretStr | None = None
        renamed: int = Field(3, alias="re-named", title="Renamed!", ge=0)

    class Recursive(run_input):  # type: ignore[misc]
        child: "Recursive | None" = None

    class Asks(run_input):  # type: ignore[misc]
        model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
        odd: Odd

    Recursive.model_rebuild(_types_namespace={"Recursive": Recursive})
    return {
        "approval": Approval,
        "recursive": Recursive,
        "arbitrary": Asks,
        "initial": Approval.with_initial_data(description="# Hi", approve=True, reason="so"),
        "new field": Approval.with_initial_data(days=3, when=dt.date(2026, 1, 2)),
        "model": Address,
        "tree": Tree,
        "int": int,
        "str": str,
        "bool": bool,
        "float": float,
        "date": dt.date,
        "datetime": dt.datetime,
        "timedelta": dt.timedelta,
        "uuid": uuid.UUID,
        "decimal": decimal.Decimal,
        "enum": Colour,
        "literal": Literal["a", 1, None],  # noqa: PYI061 -- as authors write it
        "optional": int | None,
        "union": int | str | Address,
        "list": list[Address],
        "set": set[int],
        "tuple": tuple[int, str],
        "dict": dict[str, Point],
        "dataclass": Point,
        "named tuple": Named,
        "typed dict": Typed,
        "any": Any,
        "annotated": Annotated[int, Field(ge=3)],
        "discriminated": Annotated[Cat | Dog, Field(discriminator="kind")],
    }

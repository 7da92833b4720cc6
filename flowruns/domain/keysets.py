"""The names of the three inputs that belong to one pause, as Prefect 3.9 makes them."""

import re
from dataclasses import dataclass

# How an answer is refused while the schema of its question is not stored
UNASKED = "Run input schema not found."
_KEY = re.compile(r"[a-z0-9-]*")


def is_valid_key(key: str) -> bool:
    """Whether `key` may name a run input: lower-case letters, digits and dashes only."""
    return _KEY.fullmatch(key) is not None


def key_from_name(name: str) -> str:
    """Write the name of a class as part of a key: as Prefect does where that makes a valid one.

    Example: "Legal_Review" becomes "legal-review", "Größe" becomes "gr-f6--df-e".
    """
    return "".join(_key_character(character) for character in name.lower())


def _key_character(character: str) -> str:
    if is_valid_key(character):
        return character
    return "-" if character == "_" else f"-{ord(character):x}-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyset:
    """Where a pause keeps its schema, its description and the answer."""

    schema: str
    description: str
    response: str

    def as_dict(self) -> dict[str, str]:
        return {
            "description": self.description,
            "response": self.response,
            "schema": self.schema,
        }


def step_key(state_name: str, pause_key: str) -> str:
    """Name the input in which this SDK, and no other, says which of its steps asks."""
    return f"{state_name.lower()}-{pause_key}-step"


def policy_key(state_name: str, pause_key: str) -> str:
    """Name the input in which an author says who may answer a pause."""
    return f"{state_name.lower()}-{pause_key}-policy"


def votes_key(state_name: str, pause_key: str) -> str:
    """Name the input in which a flow reads who answered a pause."""
    return f"{state_name.lower()}-{pause_key}-votes"


def keyset_from_base(base: str) -> Keyset:
    """Name the inputs of the pause whose base is `base`, e.g. "paused-1"."""
    return Keyset(
        schema=f"{base}-schema", description=f"{base}-description", response=f"{base}-response"
    )


def keyset_from_pause(state_name: str, pause_key: str) -> Keyset:
    """Name the inputs of the pause `pause_key` in the state "Paused" or "Suspended"."""
    return keyset_from_base(f"{state_name.lower()}-{pause_key}")

"""Record the schemas of some blocks, and their checksums, as Prefect's client makes them:

.venv-prefect/bin/python tests/recorders/prefect_blocks.py > tests/data/prefect-3.9.1-blocks.json
"""

import json
from enum import StrEnum
from typing import Any

from prefect.blocks.core import Block
from prefect.types import SecretDict
from pydantic import BaseModel, Field, SecretStr


class Colour(StrEnum):
    RED = "red"


class Account(BaseModel):
    owner: str
    colour: Colour = Colour.RED


class Plain(Block):
    size: int = 1
    ratio: float = 0.5
    text: str = "\N{SNOWMAN}"
    anything: Any = None


class Vault(Block):
    _block_type_name = "Strong vault"
    _block_schema_capabilities = ["write-path"]

    token: SecretStr
    account: Account


class Desk(Block):
    """Where people sit."""

    name: str = Field(title="Name", pattern="^[a-z]+$")
    vault: Vault
    either: Vault | Plain | None = None
    several: list[Plain] = []
    headers: SecretDict | None = None


class Office(Block):
    desk: Desk
    accounts: dict[str, Account] = {}


def record(kind: type[Block]) -> dict[str, Any]:
    schema = kind._to_block_schema()
    return {"checksum": schema.checksum, "fields": schema.fields}


if __name__ == "__main__":
    recorded = {kind.__name__: record(kind) for kind in (Plain, Vault, Desk, Office)}
    print(json.dumps(recorded, indent=1))

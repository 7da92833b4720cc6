"""Blocks in use: saved, loaded, changed, nested and deleted. Prints what it finds as JSON.

`keeping.py FOLDER` does all of it; `keeping.py` alone leaves the blocks `vault/main` and
`desk/front`.
"""

import asyncio
import json
import sys
import warnings
from pathlib import Path

from prefect.blocks import system
from prefect.blocks.core import Block
from prefect.blocks.system import Secret
from prefect.filesystems import LocalFileSystem
from prefect.types import SecretDict
from pydantic import BaseModel, SecretStr


class Account(BaseModel):
    owner: str


class Vault(Block):
    """Keeps a token. Not to be shown."""

    token: SecretStr
    account: Account


class Desk(Block):
    """Where refunds are paid."""

    name: str
    vault: Vault
    spare: Vault | None = None
    headers: SecretDict | None = None


ADA = Account(owner="ada")


def show(*values: object) -> None:
    print(json.dumps(values))


def use_secrets() -> None:
    Secret(value="sesame").save("door")
    show(Secret.load("door").get())
    Secret(value={"user": "ada"}).save("door", overwrite=True)
    show(Secret.load("door").get(), Block.load("secret/door").get())
    try:
        Secret(value="again").save("door")
    except ValueError as error:
        show("already in use" in str(error))
    Secret.delete("door")
    try:
        Secret.load("door")
    except ValueError as error:
        show("Unable to find block document named door" in str(error))


def use_json() -> None:
    """Keep a JSON value, where the release has a block for it."""
    warnings.simplefilter("ignore")  # it is deprecated there
    kind = getattr(system, "JSON", Secret)
    kind(value={"z": [1, None], "a": 2.5}).save("settings")
    show(dict(kind.load("settings").model_dump())["value"] if kind is not Secret else None)
    kind.delete("settings")


def use_folders(folder: str) -> None:
    LocalFileSystem(basepath=folder).save("notes")
    folders = LocalFileSystem.load("notes")
    folders.write_path("note", b"hello")
    show((Path(folder) / "note").read_text(), folders.read_path("note").decode())
    LocalFileSystem.delete("notes")


def save_nested() -> Vault:
    vault = Vault(token="sesame-open", account=ADA)
    vault.save("main")
    inline = Vault(token="t2", account=ADA)
    Desk(name="a", vault=vault, spare=inline, headers={"x": {"y": "z"}}).save("front")
    return vault


def use_nested() -> None:
    save_nested()
    front = Desk.load("front")
    show(
        front.vault.token.get_secret_value(),
        front.vault._block_document_name,
        front.spare.token.get_secret_value(),
        front.spare._block_document_name,
        front.headers.get_secret_value(),
    )
    Vault(token="t3", account=Account(owner="eve")).save("main", overwrite=True)
    front = Desk.load("front")
    front.spare = None
    front.save("front", overwrite=True)
    front = Desk.load("front")
    show(front.vault.token.get_secret_value(), front.vault.account.owner, front.spare)
    Vault.delete("main")
    Desk.delete("front")


async def use_anonymous() -> None:
    block_id = await Vault(token="t", account=ADA)._save(is_anonymous=True)
    found, name = await Vault._get_block_document_by_id(block_id)
    show(name.startswith("anonymous-"), found.data["token"])


if __name__ == "__main__":
    if len(sys.argv) == 1:
        save_nested()
    else:
        use_secrets()
        use_json()
        use_folders(sys.argv[1])
        use_nested()
        asyncio.run(use_anonymous())

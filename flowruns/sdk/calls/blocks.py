"""The calls of the JSON API that keep a value under a name: block types, schemas, documents."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from flowruns.sdk.calls.asking import ask
from flowruns.sdk.errors import ObjectAlreadyExists, ObjectNotFound
from flowruns.sdk.steps.steps import Send, Steps

# A block is stored under its type and the schema of its fields; both are made by the first save.
_VERSION = "non-versioned"  # Prefect's word for a schema that belongs to no release of a package


def save_block(
    name: str, data: dict[str, Any], *, type_name: str, fields: dict[str, Any], overwrite: bool
) -> Steps[UUID]:
    """Store `data` as the block `name` of a type, and return its id.

    `fields` is the JSON schema of such blocks. Raises ValueError for a name that is taken, unless
    its values may be overwritten.
    """
    slug = fields["block_type_slug"]
    type_id = yield from _register_type(type_name, slug)
    schema = {"fields": fields, "block_type_id": type_id, "version": _VERSION}
    schema_id = (yield from _post("/block_schemas/", schema))["id"]
    stored = {"data": data, "block_schema_id": schema_id}
    try:
        document = {"name": name, "block_type_id": type_id, **stored}
        return UUID((yield from _post("/block_documents/", document))["id"])
    except ObjectAlreadyExists:
        if not overwrite:
            raise ValueError(
                f"There is a {type_name} block {name!r} already; overwrite=True changes it"
            ) from None
    block_id = (yield from _read_document(slug, name))["id"]
    changes = stored | {"merge_existing_data": False}
    yield from ask(Send(method="PATCH", path=f"/block_documents/{block_id}", body=changes))
    return UUID(block_id)


def load_block(name: str, *, slug: str) -> Steps[dict[str, Any]]:
    """Return the data of a block, secrets included; raises ValueError where there is none."""
    try:
        document = yield from _read_document(slug, name)
    except ObjectNotFound:
        raise ValueError(f"There is no block {slug}/{name}") from None
    return dict(document["data"])


def _register_type(name: str, slug: str) -> Steps[str]:
    """Return the id of the block type, which is made where the server does not have it."""
    try:
        return str((yield from _get(f"/block_types/slug/{slug}"))["id"])
    except ObjectNotFound:
        pass
    try:
        return str((yield from _post("/block_types/", {"name": name, "slug": slug}))["id"])
    except ObjectAlreadyExists:  # somebody was faster
        return str((yield from _get(f"/block_types/slug/{slug}"))["id"])


def _read_document(slug: str, name: str) -> Steps[Any]:
    path = f"/block_types/slug/{slug}/block_documents/name/{quote(name, safe='')}"
    return (yield from _get(f"{path}?include_secrets=true"))


def _get(path: str) -> Steps[Any]:
    return (yield from ask(Send(method="GET", path=path))).json()


def _post(path: str, body: dict[str, Any]) -> Steps[Any]:
    return (yield from ask(Send(method="POST", path=path, body=body))).json()

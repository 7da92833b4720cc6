"""Block types, schemas and blocks that tests make through the API."""

import json
from typing import Any

from tests.integration.conftest import Api, read

FIELDS = {"title": "Vault", "secret_fields": ["token"], "block_type_slug": "vault"}


def create(api: Api, path: str, body: Any) -> dict[str, Any]:
    response = api.post(path, body)
    assert response.status_code == 201, response.content
    return dict(json.loads(response.content))


def detail(api: Api, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Return the status of a request that fails, and what it says."""
    response = api.request(method, path, body)
    return response.status_code, json.loads(response.content)["detail"]


class Vaults:
    """A block type with one schema, and its blocks."""

    def __init__(self, api: Api, slug: str = "vault", **schema: Any) -> None:
        self.api = api
        self.type = create(api, "/block_types/", {"name": slug.title(), "slug": slug})
        body = {"fields": FIELDS | {"block_type_slug": slug}, **schema}
        self.schema = create(api, "/block_schemas/", body | {"block_type_id": self.type["id"]})

    @property
    def ids(self) -> dict[str, str]:
        return {"block_type_id": self.type["id"], "block_schema_id": self.schema["id"]}

    def save(self, name: str, **data: Any) -> dict[str, Any]:
        return create(self.api, "/block_documents/", {"name": name, "data": data, **self.ids})

    def load(self, document: dict[str, Any]) -> Any:
        return read(self.api, f"/block_documents/{document['id']}?include_secrets=true")

    def change(self, document: dict[str, Any], **changes: Any) -> None:
        response = self.api.request("PATCH", f"/block_documents/{document['id']}", changes)
        assert response.status_code == 204, response.content


def ref(document: dict[str, Any]) -> dict[str, Any]:
    return {"$ref": {"block_document_id": document["id"]}}

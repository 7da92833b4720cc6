"""Block types and their schemas through the API."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.blocks import FIELDS, Vaults, create, detail
from tests.integration.conftest import Api, read
from tests.unit.test_block_schemas import RECORDED

NOBODY = str(uuid4())


@pytest.fixture
def vaults(api: Api) -> Vaults:
    return Vaults(api, capabilities=["write-path", "get"], version="1")


def test_a_type_is_read_as_it_was_made(api: Api) -> None:
    body = {"name": "My vault", "slug": "my-vault", "logo_url": "https://a.example/x.png"}
    made = create(api, "/block_types/", body | {"description": "<b> & more"})
    assert made["description"] == "&lt;b&gt; &amp; more"
    assert made["is_protected"] is False
    assert read(api, f"/block_types/{made['id']}") == made
    assert read(api, "/block_types/slug/my-vault") == made


def test_a_slug_is_taken_once_and_names_of_prefect_are_reserved(api: Api) -> None:
    create(api, "/block_types/", {"name": "A", "slug": "a"})
    taken = detail(api, "POST", "/block_types/", {"name": "B", "slug": "a"})
    assert taken == (409, 'Block type with name "B" already exists')
    status, _ = detail(api, "POST", "/block_types/", {"name": "Prefect X", "slug": "x"})
    assert status == 403


@pytest.mark.parametrize(
    "body", [{"name": "a/b", "slug": "x"}, {"name": "a", "slug": "A_b"}, {"name": "a", "slug": ""}]
)
def test_a_name_and_a_slug_have_letters_that_stand_in_paths(api: Api, body: Any) -> None:
    assert api.post("/block_types/", body).status_code == 422


def test_texts_of_a_type_change(api: Api, vaults: Vaults) -> None:
    path = f"/block_types/{vaults.type['id']}"
    assert api.request("PATCH", path, {"description": "New"}).status_code == 204
    assert read(api, path)["description"] == "New"
    assert api.request("PATCH", f"/block_types/{NOBODY}", {}).status_code == 404


def test_types_are_filtered_by_themselves_and_by_what_their_blocks_can_do(
    api: Api, vaults: Vaults
) -> None:
    Vaults(api, "box")

    def found(**criteria: Any) -> list[str]:
        return [each["slug"] for each in read(api, "/block_types/filter", criteria)]

    assert found() == ["box", "vault"]
    assert found(offset=1, limit=1) == ["vault"]
    assert found(block_types={"name": {"like_": "VAU"}}) == ["vault"]
    assert found(block_types={"slug": {"any_": ["box"]}}) == ["box"]
    assert found(block_schemas={"block_capabilities": {"all_": ["get", "write-path"]}}) == ["vault"]
    assert found(block_schemas={"block_capabilities": {"all_": ["get", "fly"]}}) == []


def test_a_deleted_type_takes_its_schemas_and_blocks_with_it(api: Api, vaults: Vaults) -> None:
    saved = vaults.save("main", token="t")
    assert api.request("DELETE", f"/block_types/{vaults.type['id']}").status_code == 204
    for path in (
        f"/block_types/{vaults.type['id']}",
        f"/block_schemas/{vaults.schema['id']}",
        f"/block_documents/{saved['id']}",
    ):
        assert api.get(path).status_code == 404
    assert api.request("DELETE", f"/block_types/{vaults.type['id']}").status_code == 404


@pytest.mark.parametrize("slug", ["secret", "local-file-system", "webhook"])
def test_types_that_every_prefect_server_has_are_deleted_for_nobody(api: Api, slug: str) -> None:
    made = Vaults(api, slug)
    assert made.type["is_protected"] is True
    refused = detail(api, "DELETE", f"/block_types/{made.type['id']}")
    assert refused == (403, "protected block types cannot be deleted.")
    assert detail(api, "DELETE", f"/block_schemas/{made.schema['id']}")[0] == 403


def test_a_schema_is_found_by_its_checksum_and_made_once(api: Api, vaults: Vaults) -> None:
    schema = vaults.schema
    assert schema["block_type"] == vaults.type
    assert schema["fields"] == FIELDS | {"block_schema_references": {}}
    checksum = schema["checksum"]
    assert read(api, f"/block_schemas/checksum/{checksum}") == schema
    assert read(api, f"/block_schemas/checksum/{checksum}?version=1") == schema
    assert api.get(f"/block_schemas/checksum/{checksum}?version=2").status_code == 404
    body = {"fields": FIELDS, "block_type_id": vaults.type["id"], "version": "1"}
    assert read(api, "/block_schemas/", body) == schema  # 200, not 201
    newer = create(api, "/block_schemas/", body | {"version": "2"})
    assert newer["checksum"] == checksum
    assert read(api, f"/block_schemas/checksum/{checksum}") == newer


def test_the_newest_schema_of_a_type_comes_first(api: Api, vaults: Vaults) -> None:
    body = {"fields": FIELDS | {"title": "New"}, "block_type_id": vaults.type["id"]}
    newer = create(api, "/block_schemas/", body)
    of_type = {"block_schemas": {"block_type_id": {"any_": [vaults.type["id"]]}}, "limit": 1}
    assert read(api, "/block_schemas/filter", of_type) == [newer]
    assert read(api, "/block_schemas/filter", {}) == [newer, vaults.schema]
    either = {"operator": "or_", "version": {"any_": ["1"]}, "id": {"any_": [newer["id"]]}}
    assert len(read(api, "/block_schemas/filter", {"block_schemas": either})) == 2
    either["operator"] = "and_"
    assert read(api, "/block_schemas/filter", {"block_schemas": either}) == []


def test_what_blocks_can_do_is_listed(api: Api, vaults: Vaults) -> None:
    Vaults(api, "box", capabilities=["get"])
    assert read(api, "/block_capabilities/") == ["get", "write-path"]


def test_a_schema_of_an_unknown_type_is_refused(api: Api) -> None:
    body = {"fields": {}, "block_type_id": NOBODY}
    assert detail(api, "POST", "/block_schemas/", body) == (404, f"Block type {NOBODY} not found.")


def recorded(api: Api, kind: str) -> dict[str, Any]:
    return {"fields": RECORDED[kind]["fields"], "block_type_id": type_of(api, kind)["id"]}


def type_of(api: Api, kind: str) -> dict[str, Any]:
    slug = RECORDED[kind]["fields"]["block_type_slug"]
    return create(api, "/block_types/", {"name": kind, "slug": slug})


def test_schemas_nested_in_a_schema_are_kept_with_it(api: Api) -> None:
    for kind in ("Plain", "Vault", "Desk"):
        type_of(api, kind)
    office = create(api, "/block_schemas/", recorded(api, "Office"))
    assert office["fields"] == RECORDED["Office"]["fields"]
    for recording in RECORDED.values():
        found = read(api, f"/block_schemas/checksum/{recording['checksum']}")
        assert found["fields"] == recording["fields"]


def test_a_schema_that_nests_an_unknown_type_is_refused(api: Api) -> None:
    status, said = detail(api, "POST", "/block_schemas/", recorded(api, "Office"))
    assert status == 409
    assert "'desk', which is not known here" in said
    assert read(api, "/block_schemas/filter", {}) == []


def nesting(depth: int) -> dict[str, Any]:
    """Return fields with a chain of nested schemas, each of the type "a"."""
    inner = {"block_type_slug": "a", "block_schema_checksum": "unknown"}
    properties = {"a": {"$ref": "#/definitions/A"}}
    again = {"block_type_slug": "a", "properties": properties}
    return {
        "properties": properties,
        "block_schema_references": {"a": [inner] * depth},
        "definitions": {"A": again | {"block_schema_references": {"a": inner}}},
    }


def test_a_schema_that_nests_itself_ends(api: Api) -> None:
    made = create(api, "/block_types/", {"name": "a", "slug": "a"})
    create(api, "/block_schemas/", {"fields": nesting(1), "block_type_id": made["id"]})
    body = {"fields": nesting(200), "block_type_id": made["id"]}
    assert detail(api, "POST", "/block_schemas/", body)[0] == 422


def test_a_key_that_only_answers_reads_no_blocks(db: None) -> None:
    from flowruns.services.api_keys import create_api_key

    resumer = Api(create_api_key("resumer", scopes=["resume"]))
    for path in ("types", "schemas", "documents"):
        assert detail(resumer, "POST", f"/block_{path}/filter", {})[0] == 403
    assert json.loads(resumer.get("/block_capabilities/").content)["detail"]

"""Blocks through the API: saved, loaded, changed, and within each other."""

import io
import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from flowruns.models import BlockDocument
from tests.integration.blocks import FIELDS, Vaults, create, detail, ref
from tests.integration.conftest import Api, read

NOBODY = str(uuid4())
MASK = "*" * 8


@pytest.fixture
def vaults(api: Api) -> Vaults:
    return Vaults(api)


def test_a_block_is_read_as_it_was_saved(vaults: Vaults) -> None:
    data = {"z": [1, 2.5, None], "a": "\N{SNOWMAN}", "big": 10**30, "token": "sesame"}
    saved = vaults.save("main", **data)
    assert saved["data"] == data | {"token": MASK}
    assert saved["block_type"] == vaults.type
    assert saved["block_type_name"] == "Vault"
    assert saved["block_schema"] == vaults.schema
    assert (saved["block_document_references"], saved["is_anonymous"]) == ({}, False)
    assert list(vaults.load(saved)["data"].items()) == list(data.items())


def test_secrets_are_shown_only_to_those_who_ask_for_them(api: Api, vaults: Vaults) -> None:
    saved = vaults.save("main", token="sesame")
    by_name = "/block_types/slug/vault/block_documents"
    for path in (f"/block_documents/{saved['id']}", f"{by_name}/name/main"):
        assert read(api, path)["data"] == {"token": MASK}
        assert read(api, f"{path}?include_secrets=true")["data"] == {"token": "sesame"}
    assert read(api, by_name)[0]["data"] == {"token": MASK}
    assert read(api, f"{by_name}?include_secrets=true")[0]["data"] == {"token": "sesame"}
    assert read(api, "/block_documents/filter", {})[0]["data"] == {"token": MASK}
    [shown] = read(api, "/block_documents/filter", {"include_secrets": True})
    assert shown["data"] == {"token": "sesame"}


def test_values_do_not_stand_in_the_database(vaults: Vaults) -> None:
    vaults.save("main", token="sesame-open", other="also-hidden")
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM flowruns_blockdocument")
        rows = json.dumps(cursor.fetchall())
    assert "sesame" not in rows
    assert "also-hidden" not in rows


def test_a_name_is_taken_once_within_a_type(api: Api, vaults: Vaults) -> None:
    vaults.save("main", token="t")
    body = {"name": "main", **vaults.ids}
    assert detail(api, "POST", "/block_documents/", body) == (409, "Block already exists")
    Vaults(api, "box").save("main")


@pytest.mark.parametrize("name", [None, "", "Main", "a_b", "a b"])
def test_a_block_has_a_name_of_lowercase_letters_numbers_and_dashes(
    api: Api, vaults: Vaults, name: str | None
) -> None:
    assert api.post("/block_documents/", {"name": name, **vaults.ids}).status_code == 422


def test_a_block_of_an_unknown_type_or_schema_is_refused(api: Api, vaults: Vaults) -> None:
    for part in ("type", "schema"):
        body = {"name": "x", **vaults.ids, f"block_{part}_id": NOBODY}
        refused = detail(api, "POST", "/block_documents/", body)
        assert refused == (404, f"Block {part} not found")


def test_anonymous_blocks_need_no_name_and_are_listed_only_when_asked_for(
    api: Api, vaults: Vaults
) -> None:
    named = vaults.save("main")
    body = {"is_anonymous": True, "data": {"token": "t"}, **vaults.ids}
    first, second = (create(api, "/block_documents/", body) for _ in range(2))
    assert first["name"].startswith("anonymous-")
    assert first["name"] != second["name"]

    def found(**criteria: Any) -> set[str]:
        listed = read(api, "/block_documents/filter", criteria)
        assert read(api, "/block_documents/count", criteria) == len(listed)
        return {each["id"] for each in listed}

    assert found() == found(block_documents={}) == {named["id"]}
    assert found(block_documents={"is_anonymous": {"eq_": True}}) == {first["id"], second["id"]}
    assert len(found(block_documents={"is_anonymous": None})) == 3
    assert len(read(api, "/block_types/slug/vault/block_documents")) == 1


def test_blocks_are_filtered_and_sorted(api: Api, vaults: Vaults) -> None:
    box = Vaults(api, "box", version="2")
    for name in ("one", "two"):
        vaults.save(name)
    three = box.save("three")

    def found(**criteria: Any) -> list[str]:
        return [each["name"] for each in read(api, "/block_documents/filter", criteria)]

    assert found() == ["one", "three", "two"]
    assert found(sort="NAME_DESC", limit=2) == ["two", "three"]
    assert found(sort="BLOCK_TYPE_AND_NAME_ASC", offset=1) == ["one", "two"]
    assert found(block_documents={"name": {"any_": ["one"]}}) == ["one"]
    assert found(block_documents={"name": {"like_": "T"}}) == ["three", "two"]
    assert found(block_documents={"id": {"any_": [three["id"]]}}) == ["three"]
    assert found(block_documents={"block_type_id": {"any_": [box.type["id"]]}}) == ["three"]
    assert found(block_types={"slug": {"any_": ["box"]}}) == ["three"]
    assert found(block_schemas={"version": {"any_": ["2"]}}) == ["three"]
    # What Prefect's client sends
    assert len(found(block_schema_type=None, offset=None, limit=None, include_secrets=True)) == 3
    assert api.post("/block_documents/filter", {"block_documents": {"x": 1}}).status_code == 422


def test_values_that_are_not_sent_stay_unless_they_are_to_be_replaced(vaults: Vaults) -> None:
    saved = vaults.save("main", token="old", a=1, b=2)
    vaults.change(saved, data={"a": 3})
    assert vaults.load(saved)["data"] == {"token": "old", "a": 3, "b": 2}
    vaults.change(saved, data={"a": 4}, merge_existing_data=False)
    assert vaults.load(saved)["data"] == {"a": 4}
    assert vaults.load(saved)["updated"] > saved["updated"]


def test_a_masked_secret_that_is_sent_back_stays_as_it_was(vaults: Vaults) -> None:
    saved = vaults.save("main", token="old", a=1)
    vaults.change(saved, data=saved["data"] | {"a": 2})
    assert vaults.load(saved)["data"] == {"token": "old", "a": 2}
    vaults.change(saved, data={"token": "new"})
    assert vaults.load(saved)["data"] == {"token": "new", "a": 2}


def test_a_block_moves_to_another_schema_of_its_type_only(api: Api, vaults: Vaults) -> None:
    saved = vaults.save("main")
    newer = {"fields": FIELDS | {"title": "New"}, "block_type_id": vaults.type["id"]}
    schema = create(api, "/block_schemas/", newer)
    vaults.change(saved, block_schema_id=schema["id"])
    assert vaults.load(saved)["block_schema_id"] == schema["id"]
    path = f"/block_documents/{saved['id']}"
    other = Vaults(api, "box").schema
    assert detail(api, "PATCH", path, {"block_schema_id": other["id"]})[0] == 400
    assert detail(api, "PATCH", path, {"block_schema_id": NOBODY})[0] == 404
    assert detail(api, "PATCH", f"/block_documents/{NOBODY}", {})[0] == 404


def test_a_block_within_a_block_is_shown_in_its_place(api: Api, vaults: Vaults) -> None:
    inner = vaults.save("inner", token="t1")
    middle = vaults.save("middle", token="t2", inner=ref(inner))
    outer = vaults.save("outer", token="t3", middle=ref(middle), again=ref(inner))
    assert outer["data"] == {
        "token": MASK,
        "middle": {"token": MASK, "inner": {"token": MASK}},
        "again": {"token": MASK},
    }
    reference = outer["block_document_references"]["middle"]["block_document"]
    assert reference["id"] == middle["id"]
    assert (reference["name"], reference["is_anonymous"]) == ("middle", False)
    assert reference["block_type"] == vaults.type
    [(name, deeper)] = reference["block_document_references"].items()
    assert (name, deeper["block_document"]["id"]) == ("inner", inner["id"])
    vaults.change(inner, data={"token": "new"})
    assert vaults.load(outer)["data"]["middle"]["inner"] == {"token": "new"}
    assert len(read(api, "/block_documents/filter", {})) == 3


def test_a_reference_goes_when_its_field_or_its_block_does(api: Api, vaults: Vaults) -> None:
    inner, other = vaults.save("inner", token="t1"), vaults.save("other", token="t2")
    outer = vaults.save("outer", a=ref(inner), b=ref(inner), c=1)
    vaults.change(outer, data={"c": 2})
    assert vaults.load(outer)["data"] == {"c": 2, "a": {"token": "t1"}, "b": {"token": "t1"}}
    vaults.change(outer, data={"a": ref(other), "b": None})
    assert vaults.load(outer)["data"] == {"c": 2, "b": None, "a": {"token": "t2"}}
    vaults.change(outer, data={"c": ref(other)})
    assert vaults.load(outer)["data"] == {"b": None, "a": {"token": "t2"}, "c": {"token": "t2"}}
    vaults.change(outer, data={"c": ref(other)}, merge_existing_data=False)
    assert vaults.load(outer)["data"] == {"c": {"token": "t2"}}
    assert api.request("DELETE", f"/block_documents/{other['id']}").status_code == 204
    assert vaults.load(outer)["data"] == {}
    assert api.request("DELETE", f"/block_documents/{other['id']}").status_code == 404


def test_a_block_does_not_lead_to_itself(api: Api, vaults: Vaults) -> None:
    inner = vaults.save("inner")
    middle = vaults.save("middle", inner=ref(inner))
    outer = vaults.save("outer", middle=ref(middle))
    for target in (inner, middle, outer):
        path = f"/block_documents/{inner['id']}"
        assert detail(api, "PATCH", path, {"data": {"x": ref(target)}})[0] == 400
    assert vaults.load(inner)["data"] == {}


@pytest.mark.parametrize(
    ("reference", "status"),
    [
        (None, 400),
        ("x", 400),
        ({}, 400),
        ({"block_document_id": None}, 400),
        ({"block_document_id": "x"}, 400),
        ({"block_document_id": 7}, 400),
        ({"block_document_id": NOBODY}, 404),
    ],
)
def test_a_reference_to_nothing_is_refused_and_named(
    api: Api, vaults: Vaults, reference: Any, status: int
) -> None:
    body = {"name": "x", "data": {"inner": {"$ref": reference}}, **vaults.ids}
    refused = detail(api, "POST", "/block_documents/", body)
    assert refused[0] == status
    assert "inner" in refused[1]
    assert read(api, "/block_documents/count", {}) == 0


def test_blocks_that_lead_to_too_many_others_are_refused(api: Api, vaults: Vaults) -> None:
    """Each names the one before twice, so that ten of them are 1,023."""
    last = vaults.save("b-0")
    for number in range(1, 9):
        last = vaults.save(f"b-{number}", x=ref(last), y=ref(last))
    body = {"name": "more", "data": {"x": ref(last), "y": ref(last)}, **vaults.ids}
    status, said = detail(api, "POST", "/block_documents/", body)
    assert status == 422
    assert "'more' leads to more than" in said
    assert read(api, "/block_documents/count", {}) == 9


def test_a_changed_key_is_said_by_its_name(api: Api, vaults: Vaults, settings: Any) -> None:
    saved = vaults.save("main", token="t")
    old = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = ["n" * 50]
    path = f"/block_documents/{saved['id']}"
    for refused in (
        detail(api, "GET", path),
        detail(api, "POST", "/block_documents/filter", {}),
        detail(api, "PATCH", path, {"data": {"token": "u"}}),
    ):
        assert refused[0] == 409
        assert "'main'" in refused[1]
        assert "ENCRYPTION_KEY" in refused[1]
    settings.ENCRYPTION_KEYS = ["n" * 50, *old]
    assert vaults.load(saved)["data"] == {"token": "t"}
    settings.ENCRYPTION_KEYS = ["n" * 50]
    assert api.request("DELETE", path).status_code == 204


def test_the_command_encrypts_all_blocks_with_the_new_key(vaults: Vaults, settings: Any) -> None:
    saved, said = vaults.save("main", token="t"), io.StringIO()
    new, [old] = "n" * 50, settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = [new]
    with pytest.raises(CommandError, match=r"'main' was encrypted with .* ENCRYPTION_KEY"):
        call_command("encryptblocks", stdout=said)
    settings.ENCRYPTION_KEYS = [new, old]
    call_command("encryptblocks", stdout=said)
    assert said.getvalue() == "Encrypted 1 block.\n"
    settings.ENCRYPTION_KEYS = [new]
    assert vaults.load(saved)["data"] == {"token": "t"}


def test_the_same_values_are_never_the_same_text(vaults: Vaults) -> None:
    vaults.save("one", token="t")
    vaults.save("two", token="t")
    assert len(set(BlockDocument.objects.values_list("data", flat=True))) == 2

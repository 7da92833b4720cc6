"""Checksums of block schemas, which clients compute for themselves and ask for."""

import json
from typing import Any

import pytest

from flowruns.domain.block_schemas import checksum_of, fields_of_nested, list_nested
from flowruns.domain.errors import InvalidBlockSchema
from tests.servers import ROOT

RECORDED: dict[str, Any] = json.loads((ROOT / "tests/data/prefect-3.9.1-blocks.json").read_text())


@pytest.mark.parametrize("kind", RECORDED)
def test_a_checksum_is_the_one_that_prefects_client_computes(kind: str) -> None:
    recorded = RECORDED[kind]
    assert checksum_of(recorded["fields"]) == recorded["checksum"]


@pytest.mark.parametrize("kind", RECORDED)
def test_a_nested_schema_is_found_with_its_own_checksum(kind: str) -> None:
    fields = RECORDED[kind]["fields"]
    for nested in list_nested(fields):
        assert checksum_of(fields_of_nested(fields, nested)) == nested.checksum


def test_which_fields_are_secret_changes_no_checksum() -> None:
    fields = RECORDED["Vault"]["fields"]
    assert checksum_of(fields | {"secret_fields": []}) == RECORDED["Vault"]["checksum"]
    assert checksum_of(fields | {"title": "Other"}) != RECORDED["Vault"]["checksum"]


def test_definitions_that_lead_to_each_other_end() -> None:
    loop = {"$ref": "#/definitions/B"}
    fields = {
        "properties": {"a": {"$ref": "#/definitions/A"}},
        "block_schema_references": {"a": {"block_type_slug": "a", "block_schema_checksum": "x"}},
        "definitions": {"A": {"block_type_slug": "a", "next": loop}, "B": {"next": loop}},
    }
    [nested] = list_nested(fields)
    inner = fields_of_nested(fields, nested)
    assert inner["definitions"] == {"B": {"next": loop}}
    assert checksum_of(fields) != checksum_of(inner)


@pytest.mark.parametrize(
    "references",
    [[], "x", {"a": None}, {"a": {}}, {"a": [{"block_type_slug": 1, "block_schema_checksum": ""}]}],
)
def test_references_that_cannot_be_read_are_named(references: Any) -> None:
    with pytest.raises(InvalidBlockSchema, match=r"^fields\.block_schema_references"):
        list(list_nested({"block_schema_references": references}))


@pytest.mark.parametrize("definitions", [None, [], {}, {"A": None}, {"A": {"title": "A"}}])
def test_a_nested_schema_without_a_definition_is_named(definitions: Any) -> None:
    reference = {"block_type_slug": "a", "block_schema_checksum": "x"}
    fields = {"block_schema_references": {"a": reference}, "definitions": definitions}
    [nested] = list_nested(fields)
    with pytest.raises(InvalidBlockSchema, match=r"^fields\.definitions lacks .* 'a'"):
        fields_of_nested(fields, nested)
    assert checksum_of(fields)

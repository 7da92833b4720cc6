"""Variables through the API."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from flowruns.models import Variable
from flowruns.services.api_keys import create_api_key
from tests.integration.conftest import Api, read


def create(api: Api, name: str, value: Any = "v", **fields: Any) -> dict[str, Any]:
    response = api.post("/variables/", {"name": name, "value": value, **fields})
    assert response.status_code == 201, response.content
    return dict(json.loads(response.content))


def refusal(api: Api, name: str, value: Any = "v") -> str:
    response = api.post("/variables/", {"name": name, "value": value})
    assert response.status_code == 422, response.content
    return str(json.loads(response.content)["exception_detail"][0]["msg"])


@pytest.mark.parametrize(
    "value",
    [
        "text",
        '"text"',
        "",
        7,
        2**64 - 1,
        -(2**63),
        1.5,
        True,
        None,
        [1, [None]],
        {"z": 1, "a": {"é": "\N{SNOWMAN}"}},
        json.loads("[" * 199 + "]" * 199),
    ],
)
def test_any_json_value_is_read_as_it_was_kept(api: Api, value: Any) -> None:
    made = create(api, "limits", value, tags=["money"])
    assert (made["name"], made["value"], made["tags"]) == ("limits", value, ["money"])
    for path in (f"/variables/{made['id']}", "/variables/name/limits"):
        found = read(api, path)
        assert found == made
        assert json.dumps(found["value"]) == json.dumps(value)  # the order of keys, too


def test_a_name_is_taken_once(api: Api) -> None:
    create(api, "limits")
    response = api.post("/variables/", {"name": "limits", "value": 2})
    assert response.status_code == 409
    detail = json.loads(response.content)["detail"]
    assert detail == "A variable with the name 'limits' already exists."
    other = create(api, "others")
    renamed = api.request("PATCH", f"/variables/{other['id']}", {"name": "limits"})
    assert (renamed.status_code, json.loads(renamed.content)) == (409, {"detail": detail})


@pytest.mark.parametrize("name", ["LIMITS", "a b", "a\n", "é", "a/b", "%"])
def test_a_name_is_lowercase_letters_numbers_dashes_and_underscores(api: Api, name: str) -> None:
    assert "Variable name must only contain lowercase letters" in refusal(api, name)
    create(api, "my-limits_2")


def test_a_name_has_at_most_255_characters(api: Api) -> None:
    create(api, "v" * 255)
    assert "at most 255" in refusal(api, "v" * 256)


def test_a_value_has_at_most_5000_bytes_of_json(api: Api) -> None:
    create(api, "letters", "v" * 4998)
    create(api, "snow", "\N{SNOWMAN}" * 1666)
    create(api, "numbers", [1] * 2499)
    for value in ("v" * 4999, "\N{SNOWMAN}" * 1667, [1] * 2500):
        assert "Variable value must be less than 5000" in refusal(api, "long", value)


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1, {"a": [2**70]}])
def test_a_number_that_clients_could_not_read_again_is_refused(api: Api, value: Any) -> None:
    assert "serializable" in refusal(api, "big", value)


def test_a_value_that_is_nested_too_deeply_is_refused(api: Api) -> None:
    for depth in (201, 255, 600):
        value = json.loads("[" * depth + "]" * depth)
        assert api.post("/variables/", {"name": "deep", "value": value}).status_code == 422


def test_a_variable_changes_in_what_is_sent(api: Api) -> None:
    made = create(api, "limits", {"z": 1, "a": 2}, tags=["money"])
    assert api.request("PATCH", "/variables/name/limits", {"value": None}).status_code == 204
    changed = read(api, "/variables/name/limits")
    assert (changed["value"], changed["tags"]) == (None, ["money"])
    assert changed["updated"] > made["updated"]
    path = f"/variables/{made['id']}"
    assert api.request("PATCH", path, {"name": "caps", "tags": []}).status_code == 204
    assert read(api, "/variables/name/caps") == changed | {
        "name": "caps",
        "tags": [],
        "updated": read(api, path)["updated"],
    }
    assert api.request("PATCH", path, {"name": "a b"}).status_code == 422
    assert api.request("PATCH", path, {"value": "v" * 5000}).status_code == 422


@pytest.mark.parametrize("field", ["name", "tags"])
def test_a_variable_is_never_without_a_name_or_tags(api: Api, field: str) -> None:
    create(api, "limits")
    assert api.request("PATCH", "/variables/name/limits", {field: None}).status_code == 409


def test_what_is_not_there_is_not_found(api: Api) -> None:
    create(api, "limits")
    for path in ("/variables/name/limits", "/variables/name/nothing", f"/variables/{uuid4()}"):
        codes = [
            api.request("DELETE", path).status_code,
            api.get(path).status_code,
            api.request("PATCH", path, {"value": 1}).status_code,
        ]
        assert codes == [204 if path.endswith("limits") else 404, 404, 404]
    assert json.loads(api.get(path).content) == {"detail": "Variable not found."}


def test_variables_are_filtered_ordered_and_counted(api: Api) -> None:
    made = {
        name: create(api, name, tags=tags)
        for name, tags in {"b_1": ["x", "y"], "a-12": ["x"], "c12": []}.items()
    }

    def found(**query: Any) -> list[str]:
        return [variable["name"] for variable in read(api, "/variables/filter", query)]

    def matching(**criteria: Any) -> list[str]:
        names = found(variables=criteria)
        assert read(api, "/variables/count", {"variables": criteria}) == len(names)
        return names

    assert found() == ["a-12", "b_1", "c12"]
    assert found(sort="NAME_DESC") == ["c12", "b_1", "a-12"]
    for sort in ("CREATED_DESC", "UPDATED_DESC"):
        assert found(sort=sort) == ["c12", "a-12", "b_1"]
    assert found(limit=1, offset=1) == ["b_1"]
    assert found(limit=None) == found(limit=200)
    assert matching(id={"any_": [made["c12"]["id"]]}) == ["c12"]
    assert matching(name={"any_": ["c12", "zz"]}) == ["c12"]
    assert matching(name={"like_": "12"}) == ["a-12", "c12"]
    assert matching(name={"like_": "A_1"}) == ["a-12"]
    assert matching(name={"like_": "b%1"}) == ["b_1"]
    assert matching(name={"like_": "\\"}) == []
    assert matching(tags={"all_": ["x"]}) == ["a-12", "b_1"]
    assert matching(tags={"all_": ["x", "y"]}) == ["b_1"]
    assert matching(tags={"is_null_": True}) == ["c12"]
    assert matching(tags={"is_null_": False}) == ["a-12", "b_1"]
    either = {"operator": "or_", "name": {"any_": ["c12"]}, "tags": {"all_": ["y"]}}
    assert matching(**either) == ["b_1", "c12"]
    assert matching(name={}, tags={}) == ["a-12", "b_1", "c12"]
    assert api.post("/variables/filter", {"variables": {"nonsense": 1}}).status_code == 422
    assert api.post("/variables/filter", {"limit": 201}).status_code == 422


def test_a_key_that_may_only_answer_reads_no_variable(api: Api) -> None:
    made = create(api, "limits")
    resumer = Api(create_api_key("approver", scopes=["resume"]))
    for path in ("/variables/name/limits", f"/variables/{made['id']}"):
        assert resumer.get(path).status_code == 403
    for path in ("/variables/filter", "/variables/count"):
        assert resumer.post(path, {}).status_code == 403


def test_the_admin_pages_show_no_value(api: Api, admin_client: Client) -> None:
    made = create(api, "limits", "hunter2", tags=["money"])
    assert b"limits" in admin_client.get("/admin/flowruns/variable/").content
    page = admin_client.get(f"/admin/flowruns/variable/{made['id']}/change/").content
    assert b"money" in page
    assert b"hunter2" not in page
    assert Variable.objects.get().value == '"hunter2"'

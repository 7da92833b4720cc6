"""Limits of tags through the API of older clients."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.conftest import Api


def call(api: Api, path: str, body: Any = None, *, method: str = "POST", status: int = 200) -> Any:
    response = api.request(method, f"/concurrency_limits{path}", body)
    assert response.status_code == status, response.content
    return json.loads(response.content)


def create(api: Api, tag: str, limit: int) -> dict[str, Any]:
    made: dict[str, Any] = call(api, "/", {"tag": tag, "concurrency_limit": limit}, status=201)
    return made


def holders(api: Api, tag: str) -> list[str]:
    return list(call(api, f"/tag/{tag}", method="GET")["active_slots"])


def test_a_limit_of_a_tag_is_a_limit_named_by_it(api: Api) -> None:
    made = create(api, "money", 2)
    assert (made["tag"], made["concurrency_limit"], made["active_slots"]) == ("money", 2, [])
    found = json.loads(api.get("/v2/concurrency_limits/tag:money").content)
    assert (found["id"], found["limit"]) == (made["id"], 2)
    for path in (f"/{made['id']}", "/tag/money"):
        assert call(api, path, method="GET") == made


def test_setting_a_limit_again_changes_it(api: Api) -> None:
    made = create(api, "money", 2)
    changed = call(api, "/", {"tag": "money", "concurrency_limit": 3})
    assert (changed["id"], changed["concurrency_limit"]) == (made["id"], 3)


def test_limits_of_tags_alone_are_listed(api: Api) -> None:
    api.post("/v2/concurrency_limits/", {"name": "desk", "limit": 1})
    for tag in ("b", "a"):
        create(api, tag, 1)
    assert [limit["tag"] for limit in call(api, "/filter", {})] == ["a", "b"]
    assert [limit["tag"] for limit in call(api, "/filter", {"limit": 1, "offset": 1})] == ["b"]
    desk = json.loads(api.get("/v2/concurrency_limits/desk").content)["id"]
    call(api, f"/{desk}", method="GET", status=404)


def test_a_slot_is_held_until_it_is_given_back(api: Api) -> None:
    create(api, "money", 1)
    first, second = ({"names": ["money", "free"], "task_run_id": str(uuid4())} for _ in "12")
    [taken] = call(api, "/increment", first)
    assert (taken["name"], taken["limit"]) == ("money", 1)
    assert holders(api, "money") == [first["task_run_id"]]
    refused = api.post("/concurrency_limits/increment", second)
    assert (refused.status_code, refused["Retry-After"]) == (423, "2")
    call(api, "/decrement", second)  # which holds none
    assert holders(api, "money") == [first["task_run_id"]]
    call(api, "/decrement", first)
    call(api, "/increment", second)
    assert holders(api, "money") == [second["task_run_id"]]


def test_a_limit_of_none_lets_nobody_wait(api: Api) -> None:
    create(api, "never", 0)
    slots = {"names": ["never"], "task_run_id": str(uuid4())}
    refused = api.post("/concurrency_limits/increment", slots)
    assert (refused.status_code, refused.has_header("Retry-After")) == (423, False)


def test_a_reset_takes_all_slots_back_but_those_it_names(api: Api) -> None:
    create(api, "money", 3)
    for _ in range(3):
        call(api, "/increment", {"names": ["money"], "task_run_id": str(uuid4())})
    kept = str(uuid4())
    call(api, "/tag/money/reset", {"slot_override": [kept]})
    assert holders(api, "money") == [kept]
    call(api, "/tag/money/reset", {"slot_override": None})
    call(api, "/tag/money/reset")
    assert holders(api, "money") == []
    found = json.loads(api.get("/v2/concurrency_limits/tag:money").content)
    assert found["active_slots"] == 0


@pytest.mark.parametrize("path", ["/tag/money", "/{id}"])
def test_a_limit_is_deleted_once(api: Api, path: str) -> None:
    path = path.format(id=create(api, "money", 1)["id"])
    call(api, path, method="DELETE")
    call(api, path, method="DELETE", status=404)
    call(api, path, method="GET", status=404)
    call(api, "/tag/money/reset", status=404)

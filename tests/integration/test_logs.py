import json
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.conftest import Api

RUN = str(uuid4())


def line(message: str, second: int, **fields: Any) -> dict[str, Any]:
    timestamp = f"2026-11-23T00:00:{second:02}Z"
    basic = {"name": "flow", "level": 20, "timestamp": timestamp, "flow_run_id": RUN}
    return {**basic, "message": message, **fields}


def find(api: Api, **query: Any) -> list[str]:
    response = api.post("/logs/filter", query)
    assert response.status_code == 200, response.content
    return [found["message"] for found in json.loads(response.content)]


@pytest.fixture
def lines(api: Api) -> None:
    sent = [
        line("second", 2, level=40),
        line("first", 1, task_run_id=str(uuid4())),
        line("elsewhere", 3, flow_run_id=str(uuid4()), name="other"),
    ]
    response = api.post("/logs/", sent)
    assert (response.status_code, response.content) == (201, b"null")


def test_lines_come_in_the_order_in_which_they_were_logged(api: Api, lines: None) -> None:
    assert find(api) == ["first", "second", "elsewhere"]
    assert find(api, sort="TIMESTAMP_DESC", limit=1) == ["elsewhere"]
    assert find(api, offset=2) == ["elsewhere"]


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"flow_run_id": {"any_": [RUN]}}, ["first", "second"]),
        ({"level": {"ge_": 30}}, ["second"]),
        ({"level": {"le_": 30}}, ["first", "elsewhere"]),
        ({"level": {"ge_": 2**70}}, []),
        ({"name": {"any_": ["other"]}}, ["elsewhere"]),
        ({"task_run_id": {"is_null_": False}}, ["first"]),
        ({"timestamp": {"after_": "2026-11-23T00:00:02Z"}}, ["second", "elsewhere"]),
        ({"timestamp": {"before_": "2026-11-23T00:00:01Z"}}, ["first"]),
    ],
)
def test_lines_are_selected(
    api: Api, lines: None, criteria: dict[str, Any], expected: list[str]
) -> None:
    assert find(api, logs=criteria) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("first", ["first"]),
        ("FIRST second", ["first", "second"]),
        ("flow -first", ["second"]),
        ("flow !second", ["first"]),
        ("+e +flow", ["second"]),
        ('"second flow"', ["second"]),  # the logger's name follows the message
        ('-"second flow"', ["first", "elsewhere"]),
        ('"first', ["first"]),
        ("%", []),
        ("- +", ["first", "second", "elsewhere"]),
        ("", ["first", "second", "elsewhere"]),
    ],
)
def test_lines_are_searched(api: Api, lines: None, query: str, expected: list[str]) -> None:
    assert find(api, logs={"text": {"query": query}}) == expected


def test_a_nul_does_not_lose_the_line_that_has_it(api: Api) -> None:
    assert api.post("/logs/", [line("a\x00b", 1), line("next", 2)]).status_code == 201
    assert find(api) == ["a\N{REPLACEMENT CHARACTER}b", "next"]


@pytest.mark.parametrize("fields", [{"level": 2**40}, {"timestamp": "x"}, {"flow_run_id": "x"}])
def test_a_malformed_line_is_refused(api: Api, fields: dict[str, Any]) -> None:
    assert api.post("/logs/", [line("m", 1, **fields)]).status_code == 422


def test_lines_that_come_again_under_their_key_are_stored_once(api: Api) -> None:
    sent, key = [line("a", 1), line("b", 2)], str(uuid4())
    for headers in ({"Idempotency-Key": key}, {"Idempotency-Key": key}, None):
        response = api.request("POST", "/logs/", sent, headers)
        assert response.status_code == 201
    assert find(api) == ["a", "a", "b", "b"]
    assert api.request("POST", "/logs/", sent, {"Idempotency-Key": "soup"}).status_code == 201

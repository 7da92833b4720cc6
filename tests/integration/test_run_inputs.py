import json
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from flowruns.models import RunInput
from tests.integration.conftest import Api, Run


def filter_inputs(run: Run, **query: object) -> list[str]:
    response = run.api.post(f"/flow_runs/{run.id}/input/filter", {"prefix": "", **query})
    assert response.status_code == 200, response.content
    return [found["key"] for found in json.loads(response.content)]


def test_an_input_is_created_read_and_deleted(run: Run) -> None:
    response = run.put("note-1", '{"a": 1}')
    assert (response.status_code, response.content) == (201, b"null")
    read = run.read_input("note-1")
    assert (read.content, read["Content-Type"]) == (b'{"a": 1}', "text/plain; charset=utf-8")
    assert run.api.request("DELETE", f"/flow_runs/{run.id}/input/note-1").status_code == 204
    assert run.read_input("note-1").status_code == 404
    assert run.api.request("DELETE", f"/flow_runs/{run.id}/input/note-1").status_code == 404


def test_a_key_is_given_once(run: Run) -> None:
    run.put("note-1", "first")
    response = run.put("note-1", "second")
    assert response.status_code == 409
    assert json.loads(response.content) == {
        "detail": "A flow run input with this key already exists."
    }
    assert run.read_input("note-1").content == b"first"


@pytest.mark.parametrize("key", ["Approval", "approval_1", "a b", "é", "a/b", "a\n", "a\x00"])
def test_a_malformed_key_is_refused_before_anything_is_stored(run: Run, key: str) -> None:
    response = run.put(key, "x")
    assert response.status_code == 422
    assert not RunInput.objects.exists()


@pytest.mark.parametrize("value", [1, None, {"a": 1}, "a\x00b"])
def test_a_value_that_is_no_text_is_refused(run: Run, value: object) -> None:
    assert run.put("note", value).status_code == 422


def test_an_unknown_run_takes_no_input_and_has_none(api: Api) -> None:
    stranger = Run(api, str(uuid4()))
    assert stranger.put("note", "x").status_code == 404
    assert stranger.read_input("note").status_code == 404
    assert filter_inputs(stranger) == []


def test_inputs_are_found_by_prefix_oldest_first(run: Run) -> None:
    for key in ("grp-2", "grp-1", "grp2-1", "other"):
        run.put(key, "x")
    assert filter_inputs(run, prefix="grp-", limit=10) == ["grp-2", "grp-1"]
    assert filter_inputs(run, prefix="grp-") == ["grp-2"]
    assert filter_inputs(run, prefix="grp-", limit=10, exclude_keys=["grp-2"]) == ["grp-1"]


@pytest.mark.parametrize("wildcard", ["%", "_", "g_p", "G"])
def test_a_prefix_is_taken_literally(run: Run, wildcard: str) -> None:
    run.put("grp-1", "x")
    assert filter_inputs(run, prefix=wildcard, limit=10) == []


@pytest.mark.parametrize("limit", [-1, 201, "many"])
def test_a_limit_out_of_range_is_refused(run: Run, limit: object) -> None:
    response = run.api.post(f"/flow_runs/{run.id}/input/filter", {"prefix": "", "limit": limit})
    assert response.status_code == 422


def test_the_sender_and_the_actor_are_kept_apart(run: Run) -> None:
    run.api.post(
        f"/flow_runs/{run.id}/input", {"key": "hello", "value": "x", "sender": "prefect.flow-run.1"}
    )
    stored = RunInput.objects.get()
    assert (stored.sender, stored.actor_name) == ("prefect.flow-run.1", "tests")


def test_two_megabytes_of_description_are_kept(run: Run) -> None:
    text = "é" * 1_000_000
    assert run.put("paused-1-description", text).status_code == 201
    assert run.read_input("paused-1-description").content.decode() == text


def test_an_answer_is_known_by_its_key_however_often_the_run_was_paused(run: Run) -> None:
    explains = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with CaptureQueriesContext(connection) as asked:
        run.put("greeting", '"Hello"')
    (asks,) = [query["sql"] for query in asked if "run_input_keyset" in query["sql"]]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # which takes a small table as it is by choice
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"{explains} {asks}")
        plan = str(cursor.fetchall())
    assert "pause_by_response" in plan

"""The API's own description: open to everybody, and so made once for all who ask."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.test import Client
from ninja import NinjaAPI

from flowruns.api.document import DocumentedOnce
from flowruns.api.urls import api


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Note each time that a document is built."""
    build = NinjaAPI.get_openapi_schema
    noted: list[object] = []

    def note(self: NinjaAPI, **options: Any) -> Any:
        noted.append(self)
        return build(self, **options)

    monkeypatch.setattr(NinjaAPI, "get_openapi_schema", note)
    return noted


@pytest.mark.parametrize("path", ["/api/openapi.json", "/api/docs"])
def test_whoever_asks_again_costs_no_second_document(
    path: str, db: None, builds: list[object]
) -> None:
    stranger = Client()
    first, second, third = (stranger.get(path).content for _ in range(3))
    assert first
    assert b"set_state" in third
    if path.endswith(".json"):
        assert first == second == third
    assert len(builds) <= 1


def test_who_asks_while_it_is_built_waits_for_that_one(builds: list[object]) -> None:
    once, together = DocumentedOnce(), threading.Barrier(4)

    def ask() -> Any:
        together.wait()
        return once.get_openapi_schema(path_prefix="")

    with ThreadPoolExecutor(4) as pool:
        documents = [future.result() for future in [pool.submit(ask) for _ in range(4)]]
    assert builds == [once]
    assert all(document is documents[0] for document in documents)


def test_the_document_is_read_and_not_written(db: None) -> None:
    assert api.get_openapi_schema()["paths"]
    for method in ("post", "put", "patch", "delete"):
        response = getattr(Client(), method)("/api/openapi.json")
        assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")

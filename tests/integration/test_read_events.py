"""Reading stored events by Prefect's filters, and forgetting old ones."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from flowruns.models import Event
from flowruns.services.events import events as services
from tests.integration.conftest import Api

NOW = datetime.now(UTC)


def at(minute: float) -> str:
    return (NOW - timedelta(minutes=60 - minute)).isoformat()


def event(name: str, minute: int, *, resource: str = "thing.1", **extra: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "occurred": at(minute),
        "event": name,
        "resource": {"prefect.resource.id": resource, "colour": "red", **extra.pop("labels", {})},
        "related": extra.pop("related", []),
        "payload": {"x": 1},
    }


def related(resource: str, role: str, **labels: str) -> dict[str, str]:
    return {"prefect.resource.id": resource, "prefect.resource.role": role, **labels}


@pytest.fixture
def stored(api: Api) -> Api:
    events = [
        event("a.one", 1, labels={"colour": "blue"}),
        event("a.two", 2, resource="thing.2", related=[related("flow.1", "flow", size="big")]),
        event("A.three", 3, resource="Thing.3", related=[related("tag.x", "tag")]),
        event("b.four", 4, resource="other_4", related=[related("flow.1", "tag")]),
    ]
    assert api.post("/events", events).status_code == 204
    return api


def ask(api: Api, limit: int = 50, **f: Any) -> dict[str, Any]:
    response = api.post("/events/filter", {"filter": f, "limit": limit})
    assert response.status_code == 200, response.content
    page: dict[str, Any] = json.loads(response.content)
    return page


def names(page: dict[str, Any]) -> list[str]:
    return [found["event"].partition(".")[2] for found in page["events"]]


def test_without_a_filter_the_newest_come_first(stored: Api) -> None:
    page = json.loads(stored.post("/events/filter").content)
    assert names(page) == ["four", "three", "two", "one"]
    assert (page["total"], page["next_page"]) == (4, None)
    assert page["events"][0]["payload"] == {"x": 1}
    assert page["events"][0]["received"]


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"event": {"prefix": ["a."]}}, ["one", "two"]),
    ({"event": {"prefix": ["a.", "b"]}}, ["one", "two", "four"]),
    ({"event": {"exclude_prefix": ["a."]}}, ["three", "four"]),
    ({"event": {"name": ["a.two", "b.four"]}}, ["two", "four"]),
    ({"event": {"exclude_name": ["a.two"]}}, ["one", "three", "four"]),
    ({"event": {"prefix": []}}, ["one", "two", "three", "four"]),
    ({"resource": {"id": ["thing.2"]}}, ["two"]),
    ({"resource": {"id_prefix": ["thing."]}}, ["one", "two"]),
    ({"resource": {"id_prefix": ["other_"]}}, ["four"]),
    ({"resource": {"id_prefix": ["o%"]}}, []),
    ({"resource": {"labels": {"colour": "blue"}}}, ["one"]),
    ({"resource": {"labels": {"colour": ["b*", "green"]}}}, ["one"]),
    ({"resource": {"labels": {"colour": "!red"}}}, ["one"]),
    ({"resource": {"labels": {"shape": "!red"}}}, []),
    ({"related": {"id": ["flow.1"]}}, ["two", "four"]),
    ({"related": {"role": ["tag"]}}, ["three", "four"]),
    ({"related": {"resources_in_roles": [["flow.1", "flow"]]}}, ["two"]),
    ({"related": {"labels": {"size": "b?g"}}}, ["two"]),
    ({"related": [{"id": ["flow.1"]}, {"role": ["flow"]}]}, ["two"]),
    ({"related": {}}, ["one", "two", "three", "four"]),
    ({"any_resource": {"id": ["flow.1", "thing.1"]}}, ["one", "two", "four"]),
    ({"any_resource": {"id_prefix": ["tag."]}}, ["three"]),
    ({"any_resource": [{"labels": {"colour": "red"}}, {"id": ["flow.1"]}]}, ["two", "four"]),
    (
        {"occurred": {"since": (NOW - timedelta(minutes=57, seconds=30)).isoformat()}},
        ["three", "four"],
    ),
    ({"occurred": {"until": (NOW - timedelta(minutes=58, seconds=30)).isoformat()}}, ["one"]),
    ({"id": {"id": [str(uuid4())]}}, []),
    ({"text": {"query": "BLUE"}}, ["one"]),
    ({"text": {"query": '"thing.1" -blue'}}, []),
    ({"text": {"query": "+flow.1 four two"}}, ["two", "four"]),
    ({"text": {"query": ""}}, ["one", "two", "three", "four"]),
    ({"id": {"id": None}, "text": None}, ["one", "two", "three", "four"]),
]


@pytest.mark.parametrize(("criteria", "expected"), FILTERS, ids=range(len(FILTERS)))
def test_filters_select(stored: Api, criteria: dict[str, Any], expected: list[str]) -> None:
    page = ask(stored, order="ASC", **criteria)
    assert names(page) == expected
    assert page["total"] == len(expected)


@pytest.mark.parametrize("criteria", [{}, {"any_resource": {"id_prefix": [""]}}])
def test_pages_follow_one_another(stored: Api, criteria: dict[str, Any]) -> None:
    page = ask(stored, limit=2, order="ASC", **criteria)
    assert names(page) == ["one", "two"]
    assert page["total"] == 4
    path = page["next_page"].partition("/api")[2]
    following = json.loads(stored.get(path).content)
    assert names(following) == ["three", "four"]
    assert following["next_page"] is None


def test_an_invented_page_is_refused(stored: Api) -> None:
    for token in ("", "x", "e30=", "%FF"):
        assert stored.get(f"/events/filter/next?page-token={token}").status_code == 403


@pytest.mark.parametrize(
    "criteria",
    [
        {"text": {"query": "x" * 201}},
        {"resource": {"distinct": True}},
        {"colour": "red"},
        {"event": {"prefix": "a"}},
    ],
)
def test_what_is_not_supported_is_named(stored: Api, criteria: dict[str, Any]) -> None:
    response = stored.post("/events/filter", {"filter": criteria})
    assert response.status_code == 422
    assert next(iter(criteria)) in json.dumps(json.loads(response.content))


def test_old_events_are_forgotten_in_batches(
    stored: Api, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EVENT_RETENTION_DAYS = 3
    monkeypatch.setattr(services, "_DELETED_AT_ONCE", 2)
    old = Event.objects.filter(event__in=["a.one", "a.two", "A.three"])
    old.update(received=NOW - timedelta(days=3, minutes=1))

    assert [services.delete_old_events() for _ in range(3)] == [2, 1, 0]
    assert [left.event for left in Event.objects.all()] == ["b.four"]

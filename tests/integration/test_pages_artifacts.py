"""What flows show beside a decision, hostile things included."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.services.artifacts import MAX_ARTIFACTS
from tests.integration.conftest import Run
from tests.integration.pages import FROM_HTMX, YES, ask, log_in, page_of, text_of

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def show(run: Run, kind: str | None, data: Any, **fields: Any) -> str:
    body = {"type": kind, "data": data, "flow_run_id": run.id, **fields}
    response = run.api.post("/artifacts/", body)
    assert response.status_code == 201
    return str(json.loads(response.content)["id"])


def page(run: Run) -> Any:
    return log_in().get(page_of(ask(run)))


def test_a_reviewer_sees_the_latest_version_of_each_key(run: Run) -> None:
    show(run, "markdown", "Old **numbers**", key="sales-report")
    show(run, "markdown", "New **numbers**", key="sales-report")
    show(run, "table", json.dumps([{"item": "Lamp", "price": 99.9}]), key="items")
    text = text_of(page(run))
    assert "Sales report" in text
    assert "New numbers" in text
    assert "Old numbers" not in text
    assert "Lamp 99.9" in text


def test_a_decided_approval_shows_what_its_reviewer_saw(run: Run) -> None:
    show(run, "markdown", "Before", key="report")
    approval = ask(run)
    log_in().post(page_of(approval), YES)
    show(run, "markdown", "After", key="report")
    text = text_of(log_in().get(page_of(approval)))
    assert "Before" in text
    assert "After" not in text
    assert "After" in text_of(log_in().get(f"/runs/flow-run/{run.id}"))


def test_a_long_table_is_shown_in_part_with_a_way_to_all_of_it(run: Run) -> None:
    table = show(run, "table", json.dumps([{"n": n} for n in range(250)]), key="orders")
    response = page(run)
    assert "Rows 1 to 10 of 250" in text_of(response)
    assert f'href="/artifacts/{table}/?back=' in response.content.decode()
    assert "Rows 201 to 250 of 250" in text_of(log_in().get(f"/artifacts/{table}/?page=3"))


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 5000, "٣", "99999"])
def test_a_page_that_is_not_there_is_no_fault(run: Run, number: str) -> None:
    table = show(run, "table", [[1]])
    assert log_in().get(f"/artifacts/{table}/", {"page": number}).status_code == 200


HOSTILE: list[tuple[str | None, Any]] = [
    ("markdown", SCRIPT),
    ("markdown", "[x](javascript:alert(1)) ![x](javascript:alert(1)) <a href='data:text/html,x'>"),
    ("markdown", 7),
    ("markdown", None),
    ("table", json.dumps([{SCRIPT: SCRIPT}])),
    ("table", SCRIPT),
    ("table", {"a": SCRIPT}),
    ("table", "[" * 100_000),
    ("table", [{"a": {"b": [SCRIPT]}}]),
    ("table", []),
    ("progress", SCRIPT),
    ("progress", -5),
    ("progress", 1e300),
    ("progress", True),
    ("image", "javascript:alert(1)"),
    ("image", f'https://x.example/"{SCRIPT}'),
    ("image", f"data:image/png;base64,\"'{SCRIPT}"),
    ("image", "data:text/html,<script>alert(1)</script>"),
    ("image", "https://[half"),
    ("image", {"a": 1}),
    ("result", SCRIPT),
    (SCRIPT, {"a": SCRIPT}),
    (None, None),
    (None, SCRIPT),
]


@pytest.mark.parametrize(("kind", "data"), HOSTILE)
def test_nothing_that_a_flow_shows_acts_on_the_page(run: Run, kind: str | None, data: Any) -> None:
    artifact = show(run, kind, data, description=SCRIPT)
    for response in (page(run), log_in().get(f"/artifacts/{artifact}/")):
        html = response.content.decode()
        assert response.status_code == 200
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert 'href="javascript:' not in html
        assert 'src="javascript:' not in html
        assert 'src="http' not in html
        assert 'href="data:' not in html


def test_a_picture_of_another_place_is_a_link_that_says_where_it_goes(run: Run) -> None:
    show(run, "image", "https://charts.example/1.png?a=1&b=2", key="chart")
    response = page(run)
    assert 'href="https://charts.example/1.png?a=1&amp;b=2"' in response.content.decode()
    assert "It lies at charts.example" in text_of(response)


def test_a_picture_that_is_too_large_is_not_shown(run: Run) -> None:
    show(run, "image", "data:image/png;base64," + "A" * 2_000_000)
    response = page(run)
    assert "too large" in text_of(response)
    assert len(response.content) < 100_000


def test_a_table_of_ten_megabytes_makes_a_small_page_and_is_read_once(run: Run) -> None:
    show(run, "table", json.dumps([{"a": "x" * 90, "b": n} for n in range(90_000)]), key="big")
    approval = ask(run)
    browser = log_in()
    assert len(browser.get(page_of(approval)).content) < 50_000
    with CaptureQueriesContext(
        connection,
    ) as queries:
        browser.get(page_of(approval))
    assert not any('"data"' in query["sql"] and "artifact" in query["sql"] for query in queries)


def test_only_the_newest_of_many_are_shown(run: Run) -> None:
    for number in range(MAX_ARTIFACTS + 2):
        show(run, "markdown", f"Number {number}.")
    text = text_of(page(run))
    assert "Only the newest are shown." in text
    assert "Number 1." not in text
    assert "Number 2." in text


def test_an_open_page_is_told_of_news_only(run: Run) -> None:
    browser = log_in()
    path = f"/runs/flow-run/{run.id}/artifacts/"
    show(run, "markdown", "First", key="report")
    mark = browser.get(page_of(ask(run))).context["artifacts"].mark
    assert browser.get(path, {"seen": mark}, headers=FROM_HTMX).status_code == 204
    show(run, "markdown", "Second", key="report")
    response = browser.get(path, {"seen": mark}, headers=FROM_HTMX)
    assert "Second" in text_of(response)


def test_progress_is_told_by_itself(run: Run) -> None:
    progress = show(run, "progress", 40, key="backfill")
    browser = log_in()
    path = f"/artifacts/{progress}/progress/"
    assert browser.get(path, {"seen": "40.0"}, headers=FROM_HTMX).status_code == 204
    run.api.request("PATCH", f"/artifacts/{progress}", {"data": 100})
    response = browser.get(path, {"seen": "40.0"}, headers=FROM_HTMX)
    assert 'value="100.0"' in response.content.decode()
    assert "hx-get" not in response.content.decode()


def test_all_of_an_artifact_is_there_as_plain_text(run: Run) -> None:
    text = show(run, "markdown", SCRIPT + "x" * 100_000)
    value = show(run, "odd", {"a": 1})
    response = log_in().get(f"/artifacts/{text}/data/")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert len(response.content) > 100_000
    assert json.loads(log_in().get(f"/artifacts/{value}/data/").content) == {"a": 1}


@pytest.mark.parametrize("part", ["", "data/", "progress/"])
def test_artifacts_are_for_reviewers(run: Run, part: str) -> None:
    artifact = show(run, "markdown", "secret words")
    response = Client().get(f"/artifacts/{artifact}/{part}")
    assert "secret words" not in response.content.decode()
    assert log_in().get(f"/artifacts/{uuid4()}/{part}").status_code == 404

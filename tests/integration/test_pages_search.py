"""The options of a search field, served to a page that is open."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from tests.integration.conftest import Make
from tests.integration.pages import FROM_HTMX, ask, log_in, page_of, text_of

CITIES: Any = {
    "type": "object",
    "properties": {"city": {"enum": [f"city {number}" for number in range(10_000)]}},
    "required": ["city"],
}
TYPED = {"field": "f.0", "f.0.q": "city 432"}


def test_options_come_from_the_schema_that_the_flow_stored(make_run: Make) -> None:
    approval = ask(make_run(), schema=CITIES)
    client = log_in()
    page = client.get(page_of(approval)).content.decode()
    assert len(page) < 30_000
    assert 'hx-get="options/?field=f.0"' in page
    response = client.get(f"{page_of(approval)}options/", TYPED, headers=FROM_HTMX)
    assert response.status_code == 200
    assert "city 432 city 4320" in text_of(response)
    assert "city 50" not in text_of(response)
    assert len(response.content) < 10_000


def test_what_was_picked_is_the_answer(make_run: Make) -> None:
    run = make_run()
    approval = ask(run, schema=CITIES)
    log_in().post(page_of(approval), {"f.0": "4321", "f.0.q": "city 432"})
    stored = run.read_input("paused-1-response").content
    assert json.loads(stored) == {"city": "city 4321"}


@pytest.mark.parametrize("field", ["", "f", "f.1", "f.0.1", "csrfmiddlewaretoken", "\x00"])
def test_what_is_no_search_field_is_not_found(make_run: Make, field: str) -> None:
    approval = ask(make_run(), schema=CITIES)
    response = log_in().get(f"{page_of(approval)}options/", {"field": field})
    assert response.status_code == 404


@pytest.mark.django_db
def test_options_of_an_unknown_approval_are_not_found() -> None:
    assert log_in().get(f"/approvals/{uuid4()}/options/", TYPED).status_code == 404


def test_whoever_has_not_logged_in_is_served_no_options(make_run: Make) -> None:
    approval = ask(make_run(), schema=CITIES)
    response = Client().get(f"{page_of(approval)}options/", TYPED, headers=FROM_HTMX)
    assert "city" not in text_of(response)
    assert response["HX-Retarget"] == "#session-notice"

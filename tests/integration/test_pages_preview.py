"""Authors see the form of a schema before any flow asks with it."""

import base64
import json
import zlib
from typing import Any

import pytest
from django.test import Client
from pydantic import BaseModel

from approvals.models import Approval
from flowruns.preview import address_of
from tests.integration.pages import log_in, text_of

pytestmark = pytest.mark.django_db
PAGE = "/preview/"


class Expense(BaseModel):
    approve: bool
    amount: int
    extra: Any = None


SCHEMA = json.dumps(Expense.model_json_schema())


def test_a_pasted_schema_is_shown_as_reviewers_will_see_it() -> None:
    client = log_in()
    assert "JSON schema" in text_of(client.get(PAGE))
    response = client.post(PAGE, {"schema": SCHEMA, "show": "1"})
    text = text_of(response)
    assert "Approve Yes No" in text
    assert "Extra Entered as JSON, since any value is allowed." in text
    assert "It sends" not in text


def test_the_preview_command_opens_the_same_page() -> None:
    response = log_in().get(address_of(PAGE, SCHEMA, "Pay **3 EUR**?"))
    assert "Approve Yes No" in text_of(response)
    assert "Pay <strong>3 EUR</strong>?" in response.content.decode()


def test_an_author_fills_it_in_and_sees_what_it_sends_and_nothing_is_stored() -> None:
    client = log_in()
    answer = {"schema": SCHEMA, "f.0": "1", "f.1": "12", "f.2": "[1.0]"}
    text = text_of(client.post(PAGE, answer))
    sent = text.partition("It sends ")[2].partition(" Your flow")[0]
    assert json.loads(sent) == {"approve": True, "amount": 12, "extra": [1.0]}
    assert not Approval.objects.exists()


def test_what_is_wrong_with_an_answer_is_told_as_a_reviewer_is_told() -> None:
    response = log_in().post(PAGE, {"schema": SCHEMA, "f.1": "many"})
    assert response.status_code == 422
    assert "2 answers need another look" in text_of(response)
    assert 'value="many"' in response.content.decode()


def test_rows_are_added_without_losing_the_schema() -> None:
    rows = json.dumps({"properties": {"tags": {"type": "array", "items": {"type": "string"}}}})
    answer = {"schema": rows, "f.0.!": "value", "f.op": "add f.0"}
    response = log_in().post(PAGE, answer)
    assert response.status_code == 200
    assert 'name="f.0.n0"' in response.content.decode()
    assert rows.replace('"', "&quot;") in response.content.decode()


def test_a_search_field_searches_by_its_button_for_no_schema_is_stored() -> None:
    schema = json.dumps({"properties": {"city": {"enum": [f"city {n}" for n in range(99)]}}})
    client = log_in()
    assert "options/?" not in client.post(PAGE, {"schema": schema, "show": "1"}).content.decode()
    answer = {"schema": schema, "f.0.q": "city 77", "f.op": "search f.0"}
    assert "city 77" in text_of(client.post(PAGE, answer))


@pytest.mark.parametrize(
    "schema", ["{", "[" * 100_000, "\x00", "9" * 5_000, "nul", '{"a": 1} x', "x" * 1_000_001]
)
def test_what_is_no_schema_is_refused_in_words(schema: str) -> None:
    response = log_in().post(PAGE, {"schema": schema, "show": "1"})
    assert response.status_code == 422
    assert 'role="alert"' in response.content.decode()


@pytest.mark.parametrize("schema", ["null", "7", "[]", "true", '"text"', "{}", "NaN"])
def test_any_json_at_all_is_answered(schema: str) -> None:
    assert log_in().post(PAGE, {"schema": schema, "show": "1"}).status_code == 200


def test_a_broken_or_swollen_address_is_refused_in_words() -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(b" " * 50_000_000)).decode()
    for packed in ("x", "AAAA", "%00", bomb[:-8], bomb, "é"):
        response = log_in().get(PAGE, {"schema": packed})
        assert response.status_code == 422, packed[:9]


def test_only_somebody_who_has_logged_in_previews() -> None:
    response = Client().get(address_of(PAGE, SCHEMA, ""))
    assert response.status_code == 302
    assert "/accounts/login/" in response["Location"]

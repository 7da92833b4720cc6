"""Thousands of options are searched on the server; the page carries a few of them."""

from enum import Enum
from typing import Annotated, Any, Literal
from unittest.mock import Mock

import pytest
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from pydantic import BaseModel, Field

from approvals.schemaforms import JSONValue, find_options, open_form, read_form
from approvals.schemaforms.controls.searching import search_labels
from approvals.schemaforms.limits import MAX_FOUND_OPTIONS
from approvals.schemaforms.schema.options import Member, label_options
from approvals.schemaforms.values import as_dict, same_json
from tests.schemaforms.browser import Page, Reviewer, ask

CITIES: JSONValue = {"enum": [f"city {number}" for number in range(10_000)]}
MIXED: JSONValue = {"enum": [*range(100), "1", 1.0, True, "true", None, "null", [1], {"a": 1}]}
NULL: JSONValue = {"type": "null"}


def test_ten_thousand_options_do_not_fill_the_page() -> None:
    assert len(ask(a=CITIES).html) < 5_000
    assert len(ask(a=CITIES).fill(Search_A="city").press("Search A").html) < 12_000


def test_the_search_button_brings_options_to_choose_from_and_keeps_all_that_was_typed() -> None:
    reviewer = ask(a=CITIES, b={"type": "string"}, c={"type": "integer"})
    reviewer.fill(Search_A="city 99", B="typed", C="not a number").press("Search A")
    assert "The first 20 of 280 matches." in reviewer.form.announcement
    assert (reviewer.page.find("B").value, reviewer.page.find("C").value) == (
        "typed",
        "not a number",
    )
    reviewer.tick("city 9901").fill(C="7")
    assert reviewer.answer() == {"a": "city 9901", "b": "typed", "c": 7}


def test_nothing_is_chosen_for_the_reviewer_and_the_closest_match_comes_first() -> None:
    reviewer = ask(a=CITIES).fill(Search_A="CITY 7").press("Search A")
    radios = [item for item in reviewer.page.inputs if item.type == "radio"]
    assert len(radios) == MAX_FOUND_OPTIONS
    assert not any(radio.checked for radio in radios)
    assert radios[0].value == "7"
    assert reviewer.form.focus_id == radios[0].id


def test_a_search_for_nothing_shows_the_first_options() -> None:
    reviewer = ask(a=CITIES).press("Search A").tick("city 3")
    assert reviewer.answer() == {"a": "city 3"}


def test_a_search_without_a_match_says_so_and_stays_at_the_search() -> None:
    reviewer = ask(a=CITIES).fill(Search_A="village").press("Search A")
    assert "Nothing contains “village”." in reviewer.html
    assert reviewer.form.focus_id == "f-0-q"


@pytest.mark.parametrize("query", ["sao", "SÃO", "são p", "paulo são"])
def test_accents_and_the_order_of_words_do_not_matter(query: str) -> None:
    labels = ["Lisboa", "São Paulo", "Porto"]
    assert search_labels(labels, query).places == [1]


@pytest.mark.parametrize("index", [1, 50, *range(100, 108)])
def test_every_option_is_found_and_keeps_its_type(index: int) -> None:
    values = as_dict(MIXED)["enum"]
    assert isinstance(values, list)
    label = label_options([Member(value=value) for value in values])[index]
    reviewer = ask(a=MIXED)
    reviewer.fill(Search_A=label).press("Search A").tick(label)
    answer = reviewer.answer()
    assert isinstance(answer, dict)
    assert same_json(answer["a"], values[index])


@pytest.mark.parametrize("token", ["10000", "-1", "007", "1.0", "٣", "city 7", "9" * 400])
def test_only_a_member_of_the_stored_schema_counts(token: str) -> None:
    schema: JSONValue = {"properties": {"a": CITIES}, "required": ["a"]}
    posted = MultiValueDict({"f.0": [token]})
    form = read_form(schema, posted)
    assert [problem.message for problem in form.problems] == ["Choose an option."]


def test_a_whole_label_that_is_typed_needs_no_search() -> None:
    assert ask(a=CITIES).fill(Search_A="city 9999").answer() == {"a": "city 9999"}


def test_a_part_of_a_label_is_no_answer_but_brings_the_matches() -> None:
    reviewer = ask(a=CITIES).fill(Search_A="ity 999")
    assert reviewer.messages() == [(("a",), "Choose one of the options.")]
    assert reviewer.tick("city 9990").answer() == {"a": "city 9990"}


def test_what_is_chosen_is_never_sent_while_something_else_is_searched_for() -> None:
    reviewer = ask("a", a={**as_dict(CITIES), "default": "city 5"})
    assert reviewer.answer() == {"a": "city 5"}
    [(_, message)] = reviewer.fill(Search_A="city 77").messages()
    assert message == "“city 5” is chosen. Choose what you searched for, or clear the search."
    assert reviewer.tick("city 77").answer() == {"a": "city 77"}
    assert reviewer.fill(Search_A="").tick("city 77").answer() == {"a": "city 77"}


def test_a_value_that_is_no_longer_offered_is_shown_and_must_be_chosen_anew() -> None:
    reviewer = ask(a={**as_dict(CITIES), "default": "atlantis"})
    assert "“<bdi>atlantis</bdi>” is no longer available." in reviewer.html
    assert len(reviewer.messages()) == 1


def test_none_and_not_set_stay_choices_beside_a_search() -> None:
    nullable: JSONValue = {"anyOf": [CITIES, NULL]}
    reviewer = ask("b", a=nullable, b=nullable)
    assert {"None", "Not set"} <= reviewer.page.labels.keys()
    assert len(reviewer.messages()) == 1
    assert reviewer.tick("None").answer() == {"a": None}
    reviewer.fill(Search_B="city 8").press("Search B").tick("city 8")
    assert reviewer.answer() == {"a": None, "b": "city 8"}


TICKED: dict[str, JSONValue] = {"type": "array", "uniqueItems": True, "items": CITIES}


def test_any_number_of_very_many_options_is_ticked_search_by_search() -> None:
    reviewer = ask(a=TICKED)
    for number in (7, 4321):
        reviewer.fill(Search_A=f"city {number}").press("Search A").tick(f"city {number}")
    assert reviewer.answer() == {"a": ["city 7", "city 4321"]}
    reviewer.page.find("city 7").checked = False
    assert reviewer.answer() == {"a": ["city 4321"]}


def test_ticks_for_what_was_searched_last_are_asked_for() -> None:
    reviewer = ask(a={**TICKED, "default": ["city 9", "city 2"]})
    assert reviewer.answer() == {"a": ["city 9", "city 2"]}
    [(_, message)] = reviewer.fill(Search_A="city 3333").messages()
    assert message == "Tick what you searched for, or clear the search."
    assert reviewer.fill(Search_A="").answer() == {"a": ["city 9", "city 2"]}


SERVICES: Any = {f"S{number}": f"service-{number}" for number in range(300)}
Service: Any = Enum("Service", SERVICES)  # type: ignore[misc]  # too many to write down


class Move(BaseModel):
    kind: Literal["move"] = "move"
    to: Service


class Keep(BaseModel):
    kind: Literal["keep"] = "keep"
    note: str


class Handover(BaseModel):
    owner: Service | None = None
    steps: list[Annotated[Move | Keep, Field(discriminator="kind")]]
    limits: dict[Service, int]
    pair: tuple[Service, int]


def test_options_are_searched_in_rows_branches_keys_and_tuples() -> None:
    reviewer = Reviewer(Handover.model_json_schema())
    for button in ("Add Steps", "Move", "Add entry Limits"):
        reviewer.press(button)
    for label, service in (("To", 12), ("Key 1", 34), ("Part 1", 56)):
        reviewer.fill(**{f"Search {label}": f"service-{service}"}).press(f"Search {label}")
        reviewer.tick(f"service-{service}")
    answer = reviewer.fill(Value_1="3", Part_2="4").answer()
    assert answer == {
        "owner": None,
        "steps": [{"kind": "move", "to": "service-12"}],
        "limits": {"service-34": 3},
        "pair": ["service-56", 4],
    }
    Handover.model_validate(answer)


def found(schema: JSONValue, name: str, query: str, *chosen: str) -> Page | None:
    """Ask for options as a search field does while somebody types."""
    posted = QueryDict(mutable=True)
    posted["field"], posted[f"{name}.q"] = name, query
    posted.setlist(name, list(chosen))
    html = find_options(schema, posted)
    return None if html is None else Page(html)


@pytest.mark.parametrize("name", ["f.0", "f.1.n0.0.1", "f.1.n7.0.1", "f.2.n0.k", "f.3.0"])
def test_a_search_field_is_served_wherever_it_stands(name: str) -> None:
    page = found(Handover.model_json_schema(), name, "SERVICE-29")
    assert page is not None
    assert "service-299" in page.labels
    assert {item.name for item in page.inputs} == {name}


def test_what_is_chosen_stays_chosen_while_somebody_searches_on() -> None:
    schema: JSONValue = {"properties": {"a": CITIES, "b": TICKED}}
    for name in ("f.0", "f.1"):
        page = found(schema, name, "city 99", "5")
        assert page is not None
        assert page.find("city 5").checked
        assert "city 9999" not in page.labels
        assert "city 99" in page.labels


@pytest.mark.parametrize(
    "name",
    ["", "f", "f.1", "f.1.n0", "f.1.n0.1.1", "f.9", "f.0.0", "g.0", "f.1.x.0.1", "f" + ".0" * 900],
)
def test_what_is_no_search_field_serves_nothing(name: str) -> None:
    assert found(Handover.model_json_schema(), name, "service") is None


def test_a_search_field_that_a_condition_brings_in_is_served() -> None:
    schema: JSONValue = {
        "properties": {"how": {"enum": ["card", "cash"]}},
        "if": {"properties": {"how": {"const": "card"}}, "required": ["how"]},
        "then": {"properties": {"city": CITIES}},
    }
    reviewer = Reviewer(schema).tick("card").press("Update questions")
    [search] = [item for item in reviewer.page.inputs if item.type == "search"]
    page = found(schema, search.name.removesuffix(".q"), "city 4444")
    assert page is not None
    assert "city 4444" in page.labels


def test_a_very_large_search_ends_in_time_and_in_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("approvals.schemaforms.controls.searching.MAX_SEARCH_SECONDS", 0.0)
    schema: JSONValue = {"properties": {"a": {"enum": [f"{n:x}" for n in range(200_000)]}}}
    html = find_options(schema, MultiValueDict({"field": ["f.0"], "f.0.q": ["a" * 10_000]}))
    assert html is not None
    assert "Type the whole name" in html
    form = read_form(schema, MultiValueDict({"f.0.q": ["1869f"]}))
    assert form.value == {"a": "1869f"}


def test_labels_from_outside_are_escaped() -> None:
    options: list[Any] = [f"<script>{n}</script>" for n in range(60)]
    html = find_options(
        {"properties": {"a": {"enum": options}}},
        MultiValueDict({"field": ["f.0"], "f.0.q": ["<script>7"]}),
    )
    assert html is not None
    assert "<script>" not in html
    assert "&lt;script&gt;7" in html


def test_a_large_form_writes_the_labels_of_its_options_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = Mock(wraps=label_options)
    monkeypatch.setattr("approvals.schemaforms.controls.context.label_options", written)
    schema: JSONValue = {
        "$defs": {"City": CITIES},
        "properties": {
            "a": {
                "type": "array",
                "items": {"$ref": "#/$defs/City"},
                "default": [f"city {number * 7}" for number in range(200)],
            }
        },
    }
    html = str(open_form(schema).render())
    assert "city 1393" in html
    assert written.call_count == 1

"""A form opened with a value and submitted untouched yields that value, type for type."""

import json
import uuid
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Annotated, Any, Literal, Optional, Union

import pytest
from django.utils.datastructures import MultiValueDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, Json, create_model

from approvals.schemaforms import JSONValue, read_form
from approvals.schemaforms.values import same_json
from tests.schemaforms.browser import Reviewer

type Typed = tuple[Any, st.SearchStrategy[Any]]
"""A Python type and the JSON values that a flow could have given for it."""

type Letters = Literal["a", "b", "c"]
CITIES: tuple[Any, ...] = (*(f"city {number}" for number in range(60)), 1, "1", True, "Straße")
type City = Literal[CITIES]  # type: ignore[valid-type]  # more than a list box shows
_numbers = count()

texts = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12
) | st.sampled_from(
    ["", " ", "\n", "\n\n x", "a\r\nb", "\r", '"', "<b>&amp;", "0", "null", "e\u0301\u200f"]
)
whole_numbers = st.integers() | st.sampled_from([0, 2**53 + 1, 2**70, -(2**64)])
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str)
floats = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([-0.0, 1e-300, 1.0])
dates = st.dates().map(lambda value: value.isoformat())
moments = st.datetimes().map(lambda value: value.isoformat()) | st.sampled_from(
    [
        "2024-01-01T10:00:00Z",
        "2024-01-01T10:00:00.123456+02:00",
        "2024-01-01T10:00Z",
        "2024-01-01T10:00:00.120+00:00",
        "2024-01-01 10:00:00",
        "0001-01-01T00:00:00",
    ]
)
times = st.times().map(lambda value: value.isoformat()) | st.sampled_from(["10:00Z", "10:00+02:00"])
durations = st.sampled_from(["PT0S", "P1DT2H", "-PT1.5S", "P3W", "PT0.000001S"])
anything = st.recursive(
    st.none() | st.booleans() | whole_numbers | floats | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)

scalars: list[Typed] = [
    (str, texts),
    (int, whole_numbers),
    (float, floats | whole_numbers),
    (bool, st.booleans()),
    (Decimal, decimals),
    (date, dates),
    (datetime, moments),
    (time, times),
    (timedelta, durations),
    (uuid.UUID, st.uuids().map(str)),
    (bytes, texts),
    (Literal["a", 1, "1", True] | None, st.sampled_from(["a", 1, "1", True, None])),
    (City, st.sampled_from(CITIES)),
    (set[City], st.lists(st.sampled_from(CITIES), max_size=3, unique_by=repr)),
    (dict[City, int], st.dictionaries(st.sampled_from(CITIES[:60]), whole_numbers, max_size=3)),
    (Literal["only"], st.just("only")),
    (Any, anything),
    (Json, anything.map(json.dumps)),
    (None, st.none()),
    (list[Any], st.lists(anything, max_size=3)),
    (set[Letters], st.lists(st.sampled_from("abc"), unique=True)),
    (dict[Letters, int], st.dictionaries(st.sampled_from("abc"), whole_numbers)),
    (dict[str, Any], st.dictionaries(texts, anything, max_size=3)),
]


def _optional(typed: Typed) -> Typed:
    kind: Any = typed[0]
    return Optional[kind], st.none() | typed[1]  # noqa: UP045 -- None | None is no type


def _list(typed: Typed) -> Typed:
    kind: Any = typed[0]
    return list[kind], st.lists(typed[1], max_size=3)


def _tuple(typed: Typed) -> Typed:
    kind: Any = typed[0]
    return tuple[kind, int], st.tuples(typed[1], whole_numbers).map(list)


def _mapping(typed: Typed) -> Typed:
    kind: Any = typed[0]
    return dict[str, kind], st.dictionaries(texts, typed[1], max_size=3)


def _with_text(typed: Typed) -> Typed:
    kind: Any = typed[0]
    return Union[kind, str], typed[1] | texts  # noqa: UP007 -- None | str is no type


def _model(fields: list[tuple[Typed, bool]]) -> Typed:
    """A model of some required fields and some that a value may lack."""
    annotations: dict[str, Any] = {}
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for index, ((kind, values), is_required) in enumerate(fields):
        name = f"p{index}"
        annotations[name] = (kind, ... if is_required else Field(default_factory=lambda: None))
        (required if is_required else optional)[name] = values
    model = create_model(f"M{next(_numbers)}", **annotations)
    return model, st.fixed_dictionaries(required, optional=optional)


def _choice_of_models(members: list[tuple[Typed, bool]]) -> Typed:
    """A discriminated union: each member in a model of its own with its tag."""
    models: list[Any] = []
    values = []
    for index, ((kind, inner), _) in enumerate([*members, *members]):
        tag = f"t{index}"
        fields: dict[str, Any] = {"tag": (Literal[tag], ...), "inner": (kind, ...)}
        models.append(create_model(f"T{next(_numbers)}", **fields))
        values.append(st.fixed_dictionaries({"tag": st.just(tag), "inner": inner}))
    union: Any = Union[tuple(models)]  # noqa: UP007 -- a list of members
    return Annotated[union, Field(discriminator="tag")], st.one_of(values)


def _plain_union(members: list[tuple[Typed, bool]]) -> Typed:
    union: Any = Union[tuple(kind for (kind, _), _ in members)]  # noqa: UP007 -- a list of members
    return union, st.one_of([values for (_, values), _ in members])


def _compose(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    wrappers: list[Callable[[Typed], Typed]] = [_optional, _list, _tuple, _mapping, _with_text]
    wrapped = st.tuples(st.sampled_from(wrappers), inner).map(lambda pair: pair[0](pair[1]))
    fields = st.lists(st.tuples(inner, st.booleans()), min_size=1, max_size=3)
    return wrapped | fields.map(_model) | fields.map(_choice_of_models) | fields.map(_plain_union)


types = st.recursive(st.sampled_from(scalars), _compose, max_leaves=5)


def open_with(model: type[BaseModel], value: dict[str, JSONValue], *, as_prefect: bool) -> Any:
    """The schema a flow stores when it asks with `value` as its initial data."""
    template = "#/definitions/{model}" if as_prefect else "#/$defs/{model}"
    schema = json.loads(json.dumps(model.model_json_schema(ref_template=template)))
    if as_prefect and "$defs" in schema:
        schema["definitions"] = schema["$defs"]
        schema["additionalProperties"] = False
    for name, part in value.items():
        schema["properties"][name]["default"] = part
    return schema


@st.composite
def models_with_values(draw: st.DrawFn) -> tuple[type[BaseModel], dict[str, JSONValue]]:
    fields = draw(st.lists(st.tuples(types, st.booleans()), min_size=1, max_size=4))
    model, values = _model(fields)
    return model, draw(values)


@pytest.mark.slow
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(models_with_values(), st.booleans())
def test_any_value_survives_a_form_that_nobody_touches(
    pair: tuple[type[BaseModel], dict[str, JSONValue]], as_prefect: bool
) -> None:
    model, value = pair
    reviewer = Reviewer(open_with(model, value, as_prefect=as_prefect))
    assert len(reviewer.page.ids) == len(set(reviewer.page.ids))
    form = reviewer.submit()
    assert form.fallback_reason == ""
    assert form.problems == []
    assert form.is_valid
    assert isinstance(form.value, dict)
    assert sorted(form.value) == sorted(value)
    kept = MultiValueDict[str, str]()
    for name, text in form.inputs():
        kept.appendlist(name, text)
    assert same_json(read_form(reviewer.schema, kept).value, form.value)
    assert all(same_json(form.value[name], value[name]) for name in value), (form.value, value)


def test_an_email_address_is_kept_as_it_was_given() -> None:
    model = create_model("M", address=(str, ...))
    schema = open_with(model, {"address": "Müller@Example.ORG"}, as_prefect=False)
    assert Reviewer(schema).answer() == {"address": "Müller@Example.ORG"}

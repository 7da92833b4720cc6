"""What a form costs: built and shown, read and checked; beside Django's own forms, and as it grows.

`pytest tests/benchmarks/test_form_cost.py -s` prints the table. Machines differ, so nothing here
is held to milliseconds: only to the same work done by a hand-written form, and to growth.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django import forms
from django.http import QueryDict

from approvals.schemaforms import JSONValue, find_options, open_form, read_form

pytestmark = pytest.mark.slow

SIZES = (1, 10, 120, 1_000)
ROUNDS = {1: 150, 10: 100, 120: 10, 1_000: 3}


@dataclass(frozen=True)
class Kind:
    """One kind of field: its schema, the same in Django, and what is typed into each."""

    rule: dict[str, JSONValue]
    django: Callable[[], forms.Field]
    typed: str
    typed_in_django: str = ""


YES_NO: Any = forms.TypedChoiceField
KINDS = [
    Kind({"type": "string"}, lambda: forms.CharField(required=False), "Hello"),
    Kind({"type": "integer", "minimum": 0}, lambda: forms.IntegerField(min_value=0), "3"),
    Kind({"type": "number"}, forms.FloatField, "1.5"),
    Kind(
        {"type": "boolean"},
        lambda: YES_NO(choices=[("1", "Yes"), ("0", "No")], widget=forms.RadioSelect, coerce=int),
        "1",
    ),
    Kind(
        {"enum": ["S", "M", "L", "XL", "XXL"]},
        lambda: forms.ChoiceField(choices=[(size, size) for size in "S M L XL XXL".split()]),
        "1",
        "M",
    ),
    Kind({"type": "string", "format": "date"}, forms.DateField, "2024-01-01"),
    Kind(
        {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        lambda: forms.CharField(required=False),
        "x",
    ),
    Kind(
        {"type": "string", "maxLength": 100},
        lambda: forms.CharField(max_length=100, required=False),
        "abc",
    ),
    Kind(
        {"type": "string", "format": "date-time"},
        forms.DateTimeField,
        "2024-01-01T10:00",
    ),
    Kind({"type": "string", "pattern": "^[a-z]+$"}, lambda: forms.RegexField("^[a-z]+$"), "abc"),
]


def kinds(count: int) -> list[tuple[int, Kind]]:
    return [(index, KINDS[index % len(KINDS)]) for index in range(count)]


def schema_of(count: int) -> JSONValue:
    properties: dict[str, JSONValue] = {
        f"field_{index}": {**kind.rule, "title": f"Field {index}"} for index, kind in kinds(count)
    }
    required: list[JSONValue] = [name for name in properties if not name.endswith("6")]
    return {"type": "object", "properties": properties, "required": required}


def posted(count: int) -> QueryDict:
    data = QueryDict(mutable=True)
    for index, kind in kinds(count):
        data[f"f.{index}"] = kind.typed
        if kind.rule.get("format") == "date-time":
            data[f"f.{index}.z"] = "UTC"
    return data


def django_form(count: int) -> type[forms.Form]:
    fields = {f"field_{index}": kind.django() for index, kind in kinds(count)}
    return type("HandWritten", (forms.Form,), fields)


def posted_to_django(count: int) -> QueryDict:
    data = QueryDict(mutable=True)
    for index, kind in kinds(count):
        data[f"field_{index}"] = kind.typed_in_django or kind.typed
    return data


def median_ms(rounds: int, *works: Callable[[], object]) -> list[float]:
    """Return the median milliseconds (of this process) of each.

    They take turns, so that a machine that changes its pace changes it for all of them.
    """
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, took in zip(works, times, strict=True):
            started = time.process_time()
            work()
            took.append(time.process_time() - started)
    return [statistics.median(took) * 1000 for took in times]


@dataclass(frozen=True)
class Cost:
    """Milliseconds to build and render, and to read and check; ours and a hand-written form's."""

    fields: int
    shown: float
    checked: float
    django_shown: float
    django_checked: float

    def __str__(self) -> str:
        return (
            f"{self.fields:>6} fields   build+render {self.shown:8.2f} ms"
            f" ({self.shown / self.django_shown:4.1f}x of {self.django_shown:7.2f})"
            f"   decode+validate {self.checked:8.2f} ms"
            f" ({self.checked / self.django_checked:4.1f}x of {self.django_checked:6.2f})"
        )


def measure(count: int) -> Cost:
    schema, data, rounds = schema_of(count), posted(count), ROUNDS[count]
    form_class, django_data = django_form(count), posted_to_django(count)
    assert read_form(schema, data).is_valid
    assert form_class(django_data).is_valid()
    shown, django_shown = median_ms(
        rounds, lambda: open_form(schema).render(), lambda: form_class().as_div()
    )
    checked, django_checked = median_ms(
        rounds, lambda: read_form(schema, data).value, lambda: form_class(django_data).is_valid()
    )
    return Cost(
        fields=count,
        shown=shown,
        checked=checked,
        django_shown=django_shown,
        django_checked=django_checked,
    )


def test_a_form_costs_about_what_a_hand_written_one_does_and_grows_with_its_fields() -> None:
    costs = {count: measure(count) for count in SIZES}
    print("", *costs.values(), sep="\n")
    ten, thousand = costs[10], costs[1_000]
    assert ten.shown < 2 * ten.django_shown * GENEROUS
    assert ten.checked < 2 * ten.django_checked * GENEROUS
    # A hand-written form of a thousand fields costs more than a hundred times one of ten, too.
    django_grows = thousand.django_shown / ten.django_shown
    assert thousand.shown / ten.shown < max(100, django_grows) * GENEROUS
    django_grows = thousand.django_checked / ten.django_checked
    assert thousand.checked / ten.checked < max(100, django_grows) * GENEROUS


# Other work on the machine must not fail a test.
GENEROUS = 2


def test_ten_thousand_options_grow_no_page_and_cost_ten_times_what_a_thousand_do() -> None:
    thousand, all_of_them = measure_enum(1_000), measure_enum(10_000)
    print("", thousand, all_of_them, sep="\n")
    assert all_of_them.page < 1.1 * thousand.page
    for step in ("shown", "checked", "searched"):
        assert getattr(all_of_them, step) < 10 * GENEROUS * getattr(thousand, step)


@dataclass(frozen=True)
class EnumCost:
    options: int
    page: int
    shown: float
    checked: float
    searched: float
    select: float

    def __str__(self) -> str:
        return (
            f"{self.options:>6} options   build+render {self.shown:6.2f} ms"
            f" (a hand-written list of all: {self.select:6.2f})"
            f"   decode+validate {self.checked:6.2f} ms   one search {self.searched:6.2f} ms"
            f"   page {self.page:,} bytes"
        )


def measure_enum(count: int) -> EnumCost:
    names = [f"city {number}" for number in range(count)]
    schema: JSONValue = {"properties": {"city": {"enum": list(names)}}, "required": ["city"]}
    answer = QueryDict(f"f.0={count - 1}")
    search = QueryDict("field=f.0&f.0.q=city 77")
    fields = {"city": forms.ChoiceField(choices=[(name, name) for name in names])}
    form_class = type("HandWritten", (forms.Form,), fields)
    assert read_form(schema, answer).value == {"city": names[-1]}
    shown, checked, searched, select = median_ms(
        5,
        lambda: open_form(schema).render(),
        lambda: read_form(schema, answer).value,
        lambda: find_options(schema, search),
        lambda: form_class().as_div(),
    )
    return EnumCost(
        options=count,
        page=len(open_form(schema).render()),
        shown=shown,
        checked=checked,
        searched=searched,
        select=select,
    )

"""Dates, times and durations."""

import re
from collections.abc import Iterator
from datetime import timedelta

from approvals.schemaforms import formats
from approvals.schemaforms.controls.base import Answer, TextControl
from approvals.schemaforms.durations import describe_duration, read_duration, write_duration
from approvals.schemaforms.posted import Posted
from approvals.schemaforms.values import JSONValue, ValueUnreadable

# What a browser's time picker can show.
_PICKED_TIME = r"\d{2}:\d{2}(:\d{2}(\.\d{3})?)?"


def _shorten(text: str) -> str:
    """Write a local time as browsers send it back: without seconds or fractions that are zero."""
    if "." in text:
        text = text.rstrip("0").removesuffix(".")
    return text.removesuffix(":00") if text.count(":") == 2 else text


class Moment(TextControl):
    """What pydantic also reads from a number, as the default of a flow may be one."""

    def describe_default(self, default: JSONValue) -> str:
        if isinstance(default, str):
            return default
        if isinstance(default, bool) or not isinstance(default, (int, float)):
            return ""
        return self.describe_number(float(default))

    def describe_number(self, number: float) -> str:
        """Write what a number stands for, "" if it stands for nothing."""
        return formats.describe_timestamp(number)


class Date(Moment):
    template = "date"
    demand = "Enter a date."

    def parse(self, text: str) -> JSONValue:
        return formats.read_date(text)

    @property
    def input_type(self) -> str:
        """A date picker, unless it would drop the text it cannot show."""
        return "date" if not self.raw or self.fits_initial() else "text"

    def describe_number(self, number: float) -> str:
        return super().describe_number(number)[:10]


class Time(Moment):
    template = "date"
    demand = "Enter a time."

    def state(self) -> tuple[object, ...]:
        _, *others = super().state()
        return (_shorten(self.raw), *others)

    def parse(self, text: str) -> JSONValue:
        return formats.read_time(text)

    @property
    def input_type(self) -> str:
        shown = re.fullmatch(_PICKED_TIME, self.raw) and self.fits_initial()
        return "time" if not self.raw or shown else "text"

    @property
    def step(self) -> str:
        return "0.001" if "." in self.raw else "1"

    def describe_number(self, number: float) -> str:
        return super().describe_number(number)[11:] if 0 <= number < 86_400 else ""


class DateTime(Moment):
    """A local date and time beside its zone; `zone` is None until somebody chose one."""

    template = "datetime"
    demand = "Enter a date and time."

    def open(self) -> None:
        self.zone: str | None = None
        if isinstance(self.initial, str):
            self.zone = formats.split_datetime(self.initial)[1]
        super().open()

    def read(self, posted: Posted) -> None:
        super().read(posted)
        if posted.holds(f"{self.name}.z"):
            self.zone = posted.text(f"{self.name}.z")

    def state(self) -> tuple[object, ...]:
        _, *others = super().state()
        return (_shorten(self.raw), *others, self.zone or "" if self.raw else "")

    def show(self, value: JSONValue) -> str:
        return formats.split_datetime(str(value))[0] if value is not None else ""

    def parse(self, text: str) -> JSONValue:
        return formats.read_datetime(text, self.zone or "")

    def inputs(self) -> Iterator[tuple[str, str]]:
        yield from super().inputs()
        if self.zone is not None:
            yield f"{self.name}.z", self.zone

    def answers(self) -> Iterator[Answer]:
        if not self.is_blank():
            yield (self.label,), f"{self.raw.replace('T', ' ')} {self.zone or ''}".strip()

    @property
    def input_type(self) -> str:
        day, _, clock = self.raw.partition("T")
        shown = re.fullmatch(_PICKED_TIME, clock) and _is_moment(day, clock)
        return "datetime-local" if not self.raw or shown else "text"

    @property
    def step(self) -> str:
        return "0.001" if "." in self.raw else "1"


def _is_moment(day: str, clock: str) -> bool:
    try:
        formats.read_date(day)
        formats.read_time(clock)
    except ValueUnreadable:
        return False
    return True


class Duration(Moment):
    demand = "Enter a duration, such as 1h 30m."

    @property
    def hints(self) -> list[str]:
        return ["For example 1h 30m, 90 s, 2 days or PT1H30M.", *super().hints]

    def show(self, value: JSONValue) -> str:
        return describe_duration(value) if isinstance(value, str) else ""

    def parse(self, text: str) -> JSONValue:
        return read_duration(text)

    def describe_number(self, number: float) -> str:
        try:
            span = timedelta(seconds=number)
        except (OverflowError, ValueError):
            return ""
        return describe_duration(write_duration(span))

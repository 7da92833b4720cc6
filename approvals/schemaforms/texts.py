"""Text of every kind: plain, secret, numbers, dates, JSON, files."""

import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from approvals.schemaforms import formats
from approvals.schemaforms.checks import can_check_pattern
from approvals.schemaforms.controls import EMPTY, NULL, OMIT, Answer, TextControl
from approvals.schemaforms.limits import MAX_FILE_BYTES, MAX_NUMBER_LENGTH
from approvals.schemaforms.values import (
    MISSING,
    JSONValue,
    MaybeJSON,
    UnreadableError,
    as_text,
    read_json,
    show_json,
)

if TYPE_CHECKING:
    from approvals.schemaforms.decode import Posted

_LONG_WORDS = frozenset(
    "answer body comment comments description details explanation feedback instructions "
    "justification message note notes prompt reason remark remarks summary text".split()
)
_LONG_FORMATS = frozenset(["textarea", "multiline", "multi-line", "markdown"])


class PlainText(TextControl):
    """A string; empty text is an answer unless the schema refuses it."""

    @property
    def meanings(self) -> list[str]:
        return super().meanings + [EMPTY] * self._allows_empty()

    def _allows_empty(self) -> bool:
        if not hasattr(self, "_empty"):
            rules = self.node.rules
            self._empty = not formats.format_complaint(self.node.format, "") and all(
                self.desk.accepts(rule, "") for rule in rules
            )
        return self._empty

    @property
    def is_optional(self) -> bool:
        return self.meanings not in ([], [EMPTY])

    def is_blank(self) -> bool:
        return self.raw == ""

    def parse(self, text: str) -> JSONValue:
        if complaint := formats.format_complaint(self.node.format, text):
            raise UnreadableError(complaint)
        return text

    @property
    def is_long(self) -> bool:
        """Ask for several lines where the value has them or the question calls for them."""
        limit = self.node.keywords.get("maxLength")
        if isinstance(limit, int) and limit <= 100:
            return "\n" in self.raw
        words = re.findall(r"[a-z]+", self.label.lower())
        return (
            "\n" in self.raw
            or self.node.format in _LONG_FORMATS
            or (isinstance(limit, int) and limit > 200)
            or (not self.node.format and bool(words) and words[-1] in _LONG_WORDS)
        )

    @property
    def hints(self) -> list[str]:
        pattern = as_text(self.node.keywords.get("pattern"))
        if pattern and not can_check_pattern(pattern):
            return ["The expected form of this text cannot be checked here."]
        return []


class Secret(TextControl):
    """A secret: never shown again, so a form that comes back asks for it anew."""

    template = "secret"
    demand = "Enter the secret."

    @property
    def meanings(self) -> list[str]:
        # A default secret arrives as a row of asterisks: it can be kept, not shown or sent.
        if self.initial is None:
            return super().meanings
        return [OMIT] * (not self.slot.required) + [NULL] * self.node.nullable

    def open(self) -> None:
        self.raw = ""
        self.blank = self._opening_blank()

    def is_untouched(self) -> bool:
        return False

    def is_blank(self) -> bool:
        return self.raw == ""

    def inputs(self) -> Iterator[tuple[str, str]]:
        return iter(())

    def answers(self) -> Iterator[Answer]:
        if self.raw or isinstance(self.initial, str):
            yield (self.label,), "••••••"


class Integer(TextControl):
    demand = "Enter a whole number."
    input_mode = "numeric"

    def show(self, value: JSONValue) -> str:
        return "" if value is None else show_json(value)

    def parse(self, text: str) -> JSONValue:
        number = read_decimal(text, self.demand)
        if number != number.to_integral_value():
            raise UnreadableError("Enter a whole number, without decimals.")
        return int(number)


class Number(Integer):
    demand = "Enter a number."
    input_mode = "decimal"

    def parse(self, text: str) -> JSONValue:
        read_decimal(text, self.demand)
        if re.fullmatch(r"[+-]?\d+", text.strip(), re.ASCII):
            return int(text)
        value = float(text)
        if not math.isfinite(value):
            raise UnreadableError("This number is too large.")
        return value


class ReadOnly(TextControl):
    """A value that is shown and sent as it is."""

    template = "readonly"

    def show(self, value: JSONValue) -> str:
        return value if isinstance(value, str) else show_json(value)

    def read(self, posted: "Posted") -> None:
        """Nothing that is posted changes it."""


def read_decimal(text: str, demand: str) -> Decimal:
    """Read a decimal number in the one spelling that JSON, Python and people share."""
    text = text.strip()
    if len(text) > MAX_NUMBER_LENGTH:
        raise UnreadableError("This number is too long.")
    if re.fullmatch(r"[+-]?\d+(\.\d{3})*,\d+", text, re.ASCII):
        raise UnreadableError("Write the decimals after a point, not a comma: 1.5.")
    if not text.isascii() and text.isdecimal():
        raise UnreadableError("Use the digits 0 to 9.")
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,6})?", text, re.ASCII):
        raise UnreadableError(demand)
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise UnreadableError(demand) from None
    if number and abs(number.adjusted()) > MAX_NUMBER_LENGTH:
        raise UnreadableError("This number is too long.")
    return number


def is_decimal(text: str) -> bool:
    try:
        read_decimal(text, "")
    except UnreadableError:
        return False
    return text == text.strip()


class DecimalText(TextControl):
    """A Decimal: sent as the text that was typed, for a JSON number would lose its digits."""

    demand = "Enter a number."
    input_mode = "decimal"

    def show(self, value: JSONValue) -> str:
        return value if isinstance(value, str) else "" if value is None else show_json(value)

    def parse(self, text: str) -> JSONValue:
        number = read_decimal(text, self.demand)
        text = text.strip()
        return text if self._fits_text(text) else format(number, "f")

    def _fits_text(self, text: str) -> bool:
        return any(self.desk.accepts(rule, text) for rule in self._rules("string"))

    def _rules(self, kind: str) -> list[JSONValue]:
        rules = [branch.raw for branch in self.node.branches]
        return [rule for rule in rules if self.desk.resolve_quietly(rule).get("type") == kind]

    def check(self, value: JSONValue) -> None:
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            return super().check(value)
        for rule in self._rules("number"):
            self.note_complaints(self.desk.complain(self, rule, number))
            self._check_multiple(number, self.desk.resolve_quietly(rule).get("multipleOf"))
        if not self.problems:
            super().check(value)
        return None

    def _check_multiple(self, number: Decimal, step: JSONValue) -> None:
        if isinstance(step, (int, float)) and step and number % Decimal(str(step)):
            self.note_problem(f"Enter a multiple of {step}.")


class Date(TextControl):
    template = "date"
    demand = "Enter a date."

    def parse(self, text: str) -> JSONValue:
        return formats.read_date(text)

    @property
    def input_type(self) -> str:
        """A date picker, unless it would drop the text it cannot show."""
        shown = not self.raw or re.fullmatch(r"\d{4}-\d{2}-\d{2}", self.raw)
        return "date" if shown else "text"


class Time(TextControl):
    template = "date"
    demand = "Enter a time."

    def parse(self, text: str) -> JSONValue:
        return formats.read_time(text)

    @property
    def input_type(self) -> str:
        shown = not self.raw or re.fullmatch(r"\d{2}:\d{2}(:\d{2}(\.\d{3})?)?", self.raw)
        return "time" if shown else "text"

    @property
    def step(self) -> str:
        return "0.001" if "." in self.raw else "1"


class DateTime(TextControl):
    """A local date and time beside its zone; `zone` is None until somebody chose one."""

    template = "datetime"
    demand = "Enter a date and time."

    def open(self) -> None:
        self.zone: str | None = None
        if isinstance(self.initial, str):
            self.zone = formats.split_datetime(self.initial)[1]
        super().open()

    def read(self, posted: "Posted") -> None:
        super().read(posted)
        self.zone = posted.text(f"{self.name}.z")

    def state(self) -> tuple[object, ...]:
        return (*super().state(), self.zone or "" if self.raw else "")

    def show(self, value: JSONValue) -> str:
        return formats.split_datetime(str(value))[0] if value is not None else ""

    def parse(self, text: str) -> JSONValue:
        return formats.read_datetime(text, self.zone or "")

    def inputs(self) -> Iterator[tuple[str, str]]:
        yield from super().inputs()
        yield f"{self.name}.z", self.zone or ""

    def answers(self) -> Iterator[Answer]:
        if not self.is_blank():
            yield (self.label,), f"{self.raw.replace('T', ' ')} {self.zone or ''}".strip()

    @property
    def input_type(self) -> str:
        pattern = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{3})?)?"
        return "datetime-local" if not self.raw or re.fullmatch(pattern, self.raw) else "text"

    @property
    def step(self) -> str:
        return "0.001" if "." in self.raw else "1"


class Duration(TextControl):
    demand = "Enter a duration, such as 1h 30m."
    hints = ("For example 1h 30m, 90 s, 2 days or PT1H30M.",)

    def parse(self, text: str) -> JSONValue:
        return formats.read_duration(text)


class File(TextControl):
    """Bytes: chosen as a file or pasted, and kept as the text that JSON carries."""

    template = "file"
    demand = "Choose a file or paste its content."

    def read(self, posted: "Posted") -> None:
        super().read(posted)
        content = posted.file(f"{self.name}.file")
        if content is None:
            return
        if len(content) > MAX_FILE_BYTES:
            limit = MAX_FILE_BYTES // 1_000_000
            self.note = f"This file is larger than {limit} MB; choose another."
        elif self.is_base64:
            self.raw = formats.write_base64(content, url_safe=self.node.format == "base64url")
        else:
            self._take_text(content)

    def _take_text(self, content: bytes) -> None:
        try:
            self.raw = content.decode()
        except UnicodeDecodeError:
            self.note = "This file is not text in UTF-8; choose another."

    @property
    def is_base64(self) -> bool:
        return self.node.format != "binary"

    def decode(self) -> MaybeJSON:
        value = super().decode()
        if self.note:
            self.note_problem(self.note)
        return value

    def parse(self, text: str) -> JSONValue:
        return formats.read_base64(text) if self.is_base64 else text

    def is_blank(self) -> bool:
        return self.raw == ""


class JSONText(TextControl):
    """A string that holds JSON: checked as JSON, sent as the text."""

    template = "json"
    demand = "Enter JSON."

    @property
    def is_quotable(self) -> bool:
        """Tell whether what was typed could have been meant as text."""
        return False

    def parse(self, text: str) -> JSONValue:
        value = read_json(text)
        rule = self.node.keywords.get("contentSchema", MISSING)
        if rule is not MISSING:
            self.note_complaints(self.desk.complain(self, rule, value))
        return text

    @property
    def rows(self) -> int:
        return min(max(3, self.raw.count("\n") + 1), 20)


class AnyJSON(JSONText):
    """A JSON editor: for values of any shape and for what cannot be shown as fields."""

    demand = "Enter JSON: “text” in quotes, a number, true, false, a [list] or an {object}."

    @property
    def meanings(self) -> list[str]:
        return super().meanings or ([NULL] if self.initial is None else [])

    def show(self, value: JSONValue) -> str:
        return "" if value is None else show_json(value)

    def parse(self, text: str) -> JSONValue:
        return read_json(text)

    def quote(self) -> None:
        """Take what was typed as a text, not as JSON."""
        self.raw = json.dumps(self.raw, ensure_ascii=False)

    @property
    def is_quotable(self) -> bool:
        try:
            read_json(self.raw)
        except UnreadableError:
            return bool(self.problems)
        return False

"""Numbers: typed as text, read in the one spelling that JSON, Python and people share."""

import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from approvals.schemaforms.controls.base import TextControl
from approvals.schemaforms.limits import MAX_NUMBER_LENGTH
from approvals.schemaforms.values import JSONValue, Keywords, ValueUnreadable, as_number, show_json
from flowruns.evaluation.comparing import is_multiple


class Integer(TextControl):
    demand = "Enter a whole number."
    input_mode = "numeric"

    def show(self, value: JSONValue) -> str:
        return "" if value is None else show_json(value)

    def parse(self, text: str) -> JSONValue:
        if plain := plain_thousands(text):
            raise ValueUnreadable(f"Write {plain}, without {_name_marks(text)}.")
        if re.fullmatch(r"\s*[+-]?\d+([.,]\d{3})*[.,]\d+\s*", text, re.ASCII) and "," in text:
            raise ValueUnreadable(_NO_DECIMALS)
        number = read_decimal(text, self.demand)
        if number != number.to_integral_value():
            raise ValueUnreadable(_NO_DECIMALS)
        return int(number)

    def warn_about(self, text: str) -> str:
        return warn_about_number(self.parse(text))


class Number(Integer):
    demand = "Enter a number."
    input_mode = "decimal"

    def parse(self, text: str) -> JSONValue:
        read_decimal(text, self.demand)
        if re.fullmatch(r"[+-]?\d+", text.strip(), re.ASCII):
            return int(text)
        value = float(text)
        if not math.isfinite(value):
            raise ValueUnreadable("This number is too large.")
        return value

    def warn_about(self, text: str) -> str:
        return warn_about_thousands(text, self.node.keywords) or super().warn_about(text)

    def check(self, value: JSONValue) -> None:
        super().check(value)
        note_thousands(self)


_NO_DECIMALS = "Enter a whole number, without decimals."
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}([.,'\u2019 \u00a0\u202f_])\d{3}(?:\1\d{3})*", re.ASCII)
_LAKHS = re.compile(r"[+-]?[1-9]\d?,(?:\d{2},)+\d{3}", re.ASCII)
_MARKS = {"'": "apostrophe", "\u2019": "apostrophe", "_": "underscore"}


def plain_thousands(text: str) -> str:
    """Return a whole number without what seems to divide its thousands; "" where nothing does.

    A part of zeros behind the other mark, as in `1.000,00`, is left away.
    """
    whole = re.sub(r"(?<=\d)([.,])0{1,2}$", "", text.strip())
    found = _THOUSANDS.fullmatch(whole) or _LAKHS.fullmatch(whole)
    return re.sub(r"[^\d+-]", "", whole) if found else ""


def _name_marks(text: str) -> str:
    found = _THOUSANDS.match(text.strip())
    if found is None or found[1] in ".,":
        return "point or comma"
    return _MARKS.get(found[1], "blanks")


def warn_about_thousands(text: str, keywords: Keywords | None = None) -> str:
    """Say how a number is read whose point may be meant to divide thousands.

    Not where the number's keywords allow nothing near a thousand times as much.
    """
    text = text.strip()
    largest = [as_number((keywords or {}).get(key)) for key in ("maximum", "exclusiveMaximum")]
    plain = plain_thousands(text)
    if not plain or not re.fullmatch(r"[+-]?\d+\.\d{3}", text, re.ASCII):
        return ""
    if any(limit is not None and abs(limit) * 100 < abs(int(plain)) for limit in largest):
        return ""
    return (
        f"The point is read as the beginning of decimals: this is {Decimal(text).normalize():f}."
        f" If you mean {plain}, write it without the point."
    )


def note_thousands(control: TextControl) -> None:
    """Explain a refused number that was probably meant to be a thousand times as much."""
    if control.problems and not control.is_untouched():
        warning = warn_about_thousands(control.raw)
        control.problems += [warning] * bool(warning)


def warn_about_number(value: JSONValue) -> str:
    """Say that not every flow reads a whole number of more than 64 bits to its last digit."""
    if not isinstance(value, int) or -(2**63) <= value < 2**64:
        return ""
    return (
        "This number has more than 64 bits. All its digits are kept here, but a flow that uses"
        " Prefect's own library reads it rounded."
    )


def read_decimal(text: str, demand: str) -> Decimal:
    """Read a decimal number in the one spelling that JSON, Python and people share."""
    text = text.strip()
    if len(text) > MAX_NUMBER_LENGTH:
        raise ValueUnreadable("This number is too long.")
    if hint := _hint_at_spelling(text):
        raise ValueUnreadable(hint)
    if re.fullmatch(r"[+-]?\d+(\.\d{3})*,\d+", text, re.ASCII):
        raise ValueUnreadable("Write the decimals after a point, not a comma: 1.5.")
    if not text.isascii() and text.isdecimal():
        raise ValueUnreadable("Use the digits 0 to 9.")
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,6})?", text, re.ASCII):
        raise ValueUnreadable(demand)
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueUnreadable(demand) from None
    if number and abs(number.adjusted()) > MAX_NUMBER_LENGTH:
        raise ValueUnreadable("This number is too long.")
    return number


def _hint_at_spelling(text: str) -> str:
    """Say how to write a number whose thousands are divided, "" where one can be read."""
    decimals = re.search(r"[.,](?=\d+$)", text, re.ASCII)
    whole = text[: decimals.start()] if decimals else ""
    if decimals and plain_thousands(whole) and decimals[0] not in whole:
        number = f"{plain_thousands(whole)}.{text[decimals.end() :]}"
        return f"Write {number}: decimals after a point, and nothing between thousands."
    if re.fullmatch(r"[+-]?\d+[.]\d{3}", text) or not plain_thousands(text):
        return ""
    if re.fullmatch(r"[+-]?\d+,\d{3}", text):
        plain = plain_thousands(text)
        return f"Write {plain}, without the comma. Decimals are written after a point, as in 1.5."
    return f"Write {plain_thousands(text)}, without {_name_marks(text)}."


def is_decimal(text: str) -> bool:
    try:
        read_decimal(text, "")
    except ValueUnreadable:
        return False
    return text == text.strip()


_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def _bounds_of(keywords: Keywords) -> Any:
    """Return the bounds as they are written: 0.1 is less than the number that stands for it."""
    bounds = {key: keywords[key] for key in _BOUNDS if key in keywords}
    return {key: Decimal(repr(b)) if isinstance(b, float) else b for key, b in bounds.items()}


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

    def warn_about(self, text: str) -> str:
        rules = self._rules("number")
        keywords = self.context.resolve_quietly(rules[0]) if rules else None
        return warn_about_thousands(text, keywords)

    def _fits_text(self, text: str) -> bool:
        return any(self.context.accepts(rule, text) for rule in self._rules("string"))

    def _rules(self, kind: str) -> list[JSONValue]:
        rules = [branch.raw for branch in self.node.branches]
        return [rule for rule in rules if self.context.resolve_quietly(rule).get("type") == kind]

    def check(self, value: JSONValue) -> None:
        self._check_number(value)
        note_thousands(self)

    def _check_number(self, value: JSONValue) -> None:
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            return super().check(value)
        for rule in self._rules("number"):
            self._check_bounds(number, self.context.resolve_quietly(rule))
        if not self.problems:
            super().check(value)
        return None

    def _check_bounds(self, number: Decimal, keywords: Keywords) -> None:
        bounds = self.context.cache.inner_rules.find(keywords, lambda: _bounds_of(keywords))
        self.note_complaints(self.find_complaints(bounds, number))
        step = keywords.get("multipleOf")
        if isinstance(step, (int, float)) and step and not is_multiple(number, step):
            self.note_problem(f"Enter a multiple of {step}.")

"""Text of every kind: plain, secret, numbers, dates, JSON, files."""

import json
import re
from collections.abc import Iterator

from approvals.schemaforms import formats
from approvals.schemaforms.controls.base import EMPTY, NULL, OMIT, Answer, Control, TextControl
from approvals.schemaforms.controls.numbers import warn_about_number, warn_about_thousands
from approvals.schemaforms.posted import Posted
from approvals.schemaforms.schema.patterns import can_check_pattern
from approvals.schemaforms.values import (
    MISSING,
    JSONValue,
    ValueUnreadable,
    as_text,
    read_json,
    show_json,
    walk_json,
)
from flowruns.evaluation.budget import EvaluationTooSlow

_LONG_WORDS = frozenset(
    "body command comment comments content description details diff explanation feedback "
    "instructions justification message note notes patch prompt query reason remark remarks "
    "script sql summary text".split()
)
MASK = "••••••"
_LONG_FORMATS = frozenset(["textarea", "multiline", "multi-line", "markdown"])


class PlainText(TextControl):
    """A string; empty text is an answer unless the schema refuses it."""

    @property
    def meanings(self) -> list[str]:
        return super().meanings + [EMPTY] * self._allows_empty()

    def _allows_empty(self) -> bool:
        try:
            return self.context.cache.take_empty_text.find(self.node.rules, self._try_empty)
        except EvaluationTooSlow:
            return False

    def _try_empty(self) -> bool:
        complaints = (self.context.checker.complain(rule, "") for rule in self.node.rules)
        return not formats.format_complaint(self.node.format, "") and not any(complaints)

    @property
    def is_optional(self) -> bool:
        return self.meanings not in ([], [EMPTY])

    def is_blank(self) -> bool:
        return self.raw == ""

    def parse(self, text: str) -> JSONValue:
        if complaint := formats.format_complaint(self.node.format, text):
            raise ValueUnreadable(self._find_blank(text) or complaint)
        return text

    def check(self, value: JSONValue) -> None:
        super().check(value)
        if self.problems and (blank := self._find_blank(str(value))):
            self.problems = [blank]

    def _find_blank(self, text: str) -> str:
        """Tell of blanks around a text, where nothing else is wrong with it."""
        bare = text.strip()
        if bare in ("", text) or formats.format_complaint(self.node.format, bare):
            return ""
        if not all(self.context.accepts(rule, bare) for rule in self.node.rules):
            return ""
        is_before, is_after = text[:1].isspace(), text[-1:].isspace()
        end = "both ends" if is_before and is_after else "the beginning" if is_before else "the end"
        return f"Remove the blank at {end}: nothing else is wrong."

    def warn_about(self, text: str) -> str:
        # The schema does not say whether the flow strips a text before it looks at it.
        return "" if text.strip() else "This holds nothing but blanks. The flow may refuse it."

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
            return [*super().hints, "The expected form of this text cannot be checked here."]
        return super().hints


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
        self.was_typed = False
        self.blank = self._opening_blank()

    def read(self, posted: Posted) -> None:
        super().read(posted)
        self.was_typed = bool(self.raw or posted.text(f"{self.name}.typed"))

    def is_untouched(self) -> bool:
        return False

    def is_blank(self) -> bool:
        return self.raw == ""

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield that something was typed, and never what."""
        if self.was_typed:
            yield f"{self.name}.typed", "1"
        if self.blank:
            yield f"{self.name}.!", self.blank

    @property
    def hints(self) -> list[str]:
        # Not what the default is: that is a secret too.
        lost = ["For safety this was not kept: if it is empty, enter it again."]
        return lost * self.was_typed

    def answers(self) -> Iterator[Answer]:
        if self.raw or isinstance(self.initial, str):
            yield (self.label,), MASK


def list_secrets(control: Control) -> Iterator[str]:
    """Yield every secret that was typed into a form."""
    for part in control.walk():
        if isinstance(part, Secret) and part.raw:
            yield part.raw


class ReadOnly(TextControl):
    """A value that is shown and sent as it is."""

    template = "readonly"

    def show(self, value: JSONValue) -> str:
        return value if isinstance(value, str) else show_json(value)

    def read(self, posted: Posted) -> None:
        """Nothing that is posted changes it."""


class JSONText(TextControl):
    """A string that holds JSON: checked as JSON, sent as the text."""

    template = "json"
    demand = "Enter JSON."

    @property
    def is_quotable(self) -> bool:
        """Whether what was typed could have been meant as text."""
        return False

    def parse(self, text: str) -> JSONValue:
        value = read_json(text)
        rule = self.node.keywords.get("contentSchema", MISSING)
        if rule is not MISSING:
            self.note_complaints(self.find_complaints(rule, value))
        return text

    @property
    def rows(self) -> int:
        return min(max(3, self.raw.count("\n") + 1), 20)


class AnyJSON(JSONText):
    """A JSON editor: for values of any shape and for what cannot be shown as fields."""

    was_typed = False

    demand = "Enter JSON: “text” in quotes, a number, true, false, a [list] or an {object}."

    @property
    def meanings(self) -> list[str]:
        return super().meanings or ([NULL] if self.initial is None else [])

    def show(self, value: JSONValue) -> str:
        return "" if value is None else show_json(value)

    def parse(self, text: str) -> JSONValue:
        return read_json(text)

    def warn_about(self, text: str) -> str:
        parts = (part for _, part in walk_json(self.parse(text)))
        if warning := warn_about_thousands(text):
            return warning
        return next((warning for part in parts if (warning := warn_about_number(part))), "")

    @property
    def may_hold_secrets(self) -> bool:
        """Whether this stands for fields of which one would have been a secret."""
        return bool(self.node.unsupported) and self.context.schema.has_secrets

    def read(self, posted: Posted) -> None:
        super().read(posted)
        self.was_typed = bool(self.raw or posted.text(f"{self.name}.typed"))

    def inputs(self) -> Iterator[tuple[str, str]]:
        if not self.may_hold_secrets:
            yield from super().inputs()
        elif self.was_typed:
            yield f"{self.name}.typed", "1"

    @property
    def hints(self) -> list[str]:
        is_lost = self.may_hold_secrets and self.was_typed and not self.raw
        lost = ["This may hold a secret, so it was not kept: enter it again."]
        return super().hints + lost * is_lost

    def quote(self) -> None:
        """Take what was typed as a text, not as JSON."""
        self.raw = json.dumps(self.raw, ensure_ascii=False)

    @property
    def is_quotable(self) -> bool:
        try:
            read_json(self.raw)
        except ValueUnreadable:
            return bool(self.problems)
        return False

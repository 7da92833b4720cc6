"""What every part of a form can do, and the parts that hold one text."""

from collections.abc import Iterable, Iterator
from typing import ClassVar

from approvals.schemaforms.controls.context import FormContext, Slot
from approvals.schemaforms.posted import Posted
from approvals.schemaforms.schema.checks import Complaint
from approvals.schemaforms.schema.complaints import write_complaint
from approvals.schemaforms.schema.nodes import Node
from approvals.schemaforms.values import (
    MISSING,
    JSONValue,
    MaybeJSON,
    Missing,
    ValueUnreadable,
    as_browser_text,
    clip,
    plain_label,
    show_json,
    unstorable_reason,
)
from flowruns.evaluation.budget import EvaluationTooSlow

type Answer = tuple[tuple[str, ...], str]
type Key = str | int | Missing | None

# What a field left blank can mean: its key is left out, null, or the empty text.
OMIT, NULL, EMPTY = "omit", "null", "empty"


class Control:
    """One node of the schema as it stands in one form: shown, typed, decoded."""

    template: ClassVar[str]
    is_group: ClassVar[bool] = False

    @property
    def is_hidden(self) -> bool:
        """Whether there is nothing here for a person to see."""
        return False

    @property
    def is_present(self) -> bool:
        """Whether there is a value here, or only room for one."""
        return True

    def __init__(
        self,
        context: "FormContext[Control]",
        slot: Slot,
        node: Node,
        initial: MaybeJSON,
        posted: Posted | None = None,
    ) -> None:
        self.context = context
        self.slot = slot
        self.node = node
        self.initial = initial
        # The default is not among the possible answers, so it is left to the flow,
        # unsent.
        self.keeps_default = context.has_odd_default(slot, node, initial)
        self.name = slot.name
        self.label = slot.label
        self.problems: list[str] = []
        # What is allowed here and yet likely not meant, once it is to be pointed out.
        self.warning = ""
        # This was not in the form that was posted, so nobody has seen it yet.
        self.is_new = False
        # Some problem here is about something that the page has no field for.
        self.names_places = False
        # What is answered here decides what else is asked.
        self.asks_more = False
        self.is_posted = posted is not None
        self.open()
        self._opening = self.state()
        if posted is not None:
            self.read(posted)

    @property
    def id(self) -> str:
        return self.name.replace(".", "-")

    @property
    def focus_id(self) -> str:
        """The element that a link to this control should bring into focus."""
        return self.id

    @property
    def entry_id(self) -> str:
        """The element where a person who comes to this control begins."""
        return self.focus_id

    @property
    def is_optional(self) -> bool:
        return bool(self.meanings)

    @property
    def meanings(self) -> list[str]:
        """What leaving this control unanswered can stand for."""
        absent = not self.slot.required and (self.initial is MISSING or self.keeps_default)
        return [OMIT] * absent + [NULL] * self.node.nullable

    @property
    def words_of_default(self) -> str:
        """What is said of a default that is left to the flow."""
        is_private = isinstance(self.initial, (dict, list)) and self.context.schema.has_secrets
        shown = "" if is_private else f" ({clip(plain_label(self.initial), 80)})"
        return f"Left as it is{shown}"

    @property
    def hints(self) -> list[str]:
        """Short remarks that help to answer."""
        return []

    def open(self) -> None:
        """Show the initial value."""

    def read(self, posted: Posted) -> None:
        """Take over what was posted."""

    def state(self) -> tuple[object, ...]:
        """Everything that a person can change here."""
        return ()

    def is_pristine(self) -> bool:
        """Whether nobody has entered anything here."""
        return self.state() == self._opening and all(
            child.is_pristine() for _, child in self.children()
        )

    def is_empty(self) -> bool:
        """Whether nobody has entered anything here and that no default stands here either.

        What the schema settles inside a group was entered by nobody.
        """
        return self.is_pristine() and not any(True for _ in self.answers())

    def fits_initial(self) -> bool:
        """Whether the initial value could have been entered here."""
        return True

    def decode(self) -> MaybeJSON:
        """Return the JSON value, collecting everything that is wrong with it."""
        raise NotImplementedError

    def children(self) -> "Iterable[tuple[Key, Control]]":
        """The controls that make up the value, each with its key there.

        None is the key of a control for the same value, MISSING that of one that names a key.
        """
        return ()

    def inner_controls(self) -> "Iterable[Control]":
        """Every control inside, whether it makes up the value now or is set aside."""
        return ()

    def walk(self) -> "Iterator[Control]":
        """Yield this control and every one inside."""
        yield self
        for inner in self.inner_controls():
            yield from inner.walk()

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the names and texts that keep this control's state when it is not shown."""
        return iter(())

    def answers(self) -> Iterator[Answer]:
        """Yield (labels on the way, text) of everything answered here, for a person to read."""
        return iter(())

    def find_warning(self) -> str:
        """Say what in this answer is allowed and yet likely not meant, or return ""."""
        return ""

    def find_complaints(self, rule: JSONValue, value: object) -> list[Complaint]:
        """Return what `value` breaks of a rule; one that takes too long to check is a problem."""
        try:
            return self.context.checker.complain(rule, value)
        except EvaluationTooSlow:
            self.note_problem("This could not be checked in time.")
            return []

    def check(self, value: JSONValue) -> None:
        """Note every rule of the schema that `value` itself breaks."""
        for rule in self.node.rules:
            self.note_complaints(self.find_complaints(rule, value))

    def note_complaints(self, complaints: Iterable[Complaint]) -> None:
        for complaint in complaints:
            self.note_problem(write_complaint(complaint))

    def note_problem(self, message: str) -> None:
        if message not in self.problems:
            self.problems.append(message)


_OWN_DEFAULT = "Left blank, the flow uses a value of its own."


class TextControl(Control):
    """A control whose state is one text; the kinds differ in how they read and show it."""

    template = "text"
    demand: ClassVar[str] = "Enter an answer."
    input_mode: ClassVar[str] = ""

    def open(self) -> None:
        self.raw = "" if self.initial is MISSING else as_browser_text(self.show(self.initial))
        self.blank = self._opening_blank()

    def read(self, posted: Posted) -> None:
        self.raw = posted.text(self.name)
        self.blank = posted.text(f"{self.name}.!") if len(self.meanings) > 1 else self.blank

    def state(self) -> tuple[object, ...]:
        return (self.raw, self.blank if self.is_blank() else "")

    def show(self, value: JSONValue) -> str:
        """Write `value` so that reading the text gives it back."""
        return "" if value is None else str(value)

    def parse(self, text: str) -> JSONValue:
        """Read what was typed or raise ValueUnreadable."""
        return text

    def is_blank(self) -> bool:
        return not self.raw.strip()

    def is_untouched(self) -> bool:
        return self.initial is not MISSING and self.state() == self._opening

    def fits_initial(self) -> bool:
        try:
            self.parse(self.raw)
        except (ValueUnreadable, EvaluationTooSlow):
            return self.raw == "" and self.initial == ""
        return True

    def find_warning(self) -> str:
        return "" if self.is_untouched() or not self.raw else self.warn_about(self.raw)

    def warn_about(self, text: str) -> str:  # noqa: ARG002 -- for the kinds that can have one
        """Say what in a text that was typed is allowed and yet likely not meant."""
        return ""

    def decode(self) -> MaybeJSON:
        self.problems.clear()
        value: MaybeJSON
        if self.is_untouched():
            value = MISSING if self.keeps_default else self.initial
        elif self.is_blank():
            value = self._decode_blank()
        else:
            value = self._decode_text()
        if value is not MISSING and not (value is None and self.node.nullable):
            self.check(value)
        return value

    def _decode_text(self) -> MaybeJSON:
        if reason := unstorable_reason(self.raw):
            self.note_problem(reason)
            return MISSING
        try:
            return self.parse(self.raw)
        except ValueUnreadable as error:
            self.note_problem(str(error))
        except EvaluationTooSlow:
            self.note_problem("This could not be checked in time.")
        return MISSING

    def _decode_blank(self) -> MaybeJSON:
        meanings = self.meanings
        chosen = meanings[0] if len(meanings) == 1 else self.blank
        if chosen not in meanings:
            unclear = "Choose what leaving this blank means."
            self.note_problem(unclear if meanings else self.demand)
            return MISSING
        return {OMIT: MISSING, NULL: None, EMPTY: ""}[chosen]

    def _opening_blank(self) -> str:
        if self.initial is None:
            return NULL
        if self.initial is MISSING and OMIT in self.meanings:
            return OMIT
        return EMPTY if self.initial == "" else ""

    @property
    def blank_choices(self) -> list[tuple[str, str]]:
        """The meanings of a blank field, when there is more than one to choose from."""
        words = {OMIT: "not answered", NULL: "none", EMPTY: "empty text"}
        meanings = self.meanings
        if len(meanings) < 2:
            return []
        if OMIT not in meanings:
            words[NULL] = "not set"
        unsettled = [("", "choose…")] if self._opening_blank() == "" else []
        return unsettled + [(meaning, words[meaning]) for meaning in meanings]

    def inputs(self) -> Iterator[tuple[str, str]]:
        yield self.name, self.raw
        if self.blank:
            yield f"{self.name}.!", self.blank

    def answers(self) -> Iterator[Answer]:
        if not self.is_blank():
            yield (self.label,), self.raw

    @property
    def hints(self) -> list[str]:
        """What leaving the field blank means, where that is not plain to see."""
        default = self.node.default
        match self.meanings:
            case [word] if word == OMIT and default not in (MISSING, None):
                used = clip(self.describe_default(default), 80)
                return [f"Left blank, {used} is used." if used else _OWN_DEFAULT]
            case [word] if word == NULL and self.slot.required:
                return ["Leave blank for none."]
        return []

    def describe_default(self, default: JSONValue) -> str:
        """Write a default that is not shown in the field, "" where it tells nobody anything."""
        is_plain = not isinstance(default, (list, dict))
        return show_json(default, indent=None) if is_plain else ""

    @property
    def suggestions(self) -> list[str]:
        """Examples that the flow's author gave, offered while typing."""
        examples = self.node.keywords.get("examples")
        shown = [self.show(item) for item in examples] if isinstance(examples, list) else []
        return [text for text in shown if text and "\n" not in text][:20]

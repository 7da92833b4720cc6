"""Controls that hold other controls: objects, and what all groups share."""

from collections.abc import Iterable, Iterator
from typing import ClassVar

from approvals.schemaforms.controls.base import NULL, OMIT, Answer, Control
from approvals.schemaforms.controls.choices import Fixed
from approvals.schemaforms.controls.problems import place_complaint
from approvals.schemaforms.posted import Posted
from approvals.schemaforms.schema.document import CONDITIONS
from approvals.schemaforms.values import (
    MISSING,
    JSONValue,
    MaybeJSON,
)

PRESENT = "value"

# Keywords that concern a group as a whole; those of its parts are checked by its parts.
#
# What is unevaluated depends on all the others, so that only the whole schema can tell.
OWN_KEYWORDS = frozenset(
    "minItems maxItems uniqueItems contains minContains maxContains minProperties maxProperties "
    "propertyNames dependentRequired dependentSchemas dependencies not anyOf oneOf".split()
)


class Group(Control):
    """A control with others inside, which can be switched off where its value may be absent."""

    is_group = True
    # What is posted says by itself which controls there are inside.
    reads_all_parts: ClassVar[bool] = False

    def open(self) -> None:
        self.presence = PRESENT
        meanings = self.meanings
        if meanings and (self.initial in (None, MISSING) or self.keeps_default):
            self.presence = NULL if self.initial is None and NULL in meanings else meanings[0]
        if self.is_present and not (self.is_posted and self.reads_all_parts):
            self.open_parts()

    def read(self, posted: Posted) -> None:
        if self.meanings:
            presence = posted.text(f"{self.name}.!")
            self.presence = presence if presence in {PRESENT, *self.meanings} else self.meanings[0]
        if self.is_present or posted.holds_inside(self.name):
            self.read_parts(posted)

    @property
    def is_present(self) -> bool:
        return self.presence == PRESENT

    @property
    def absences(self) -> list[tuple[str, str]]:
        words = {OMIT: self.absence if self.keeps_default else "left out", NULL: "none"}
        meanings = self.meanings
        return [(word, words[word]) for word in meanings] if len(meanings) > 1 else []

    @property
    def absence(self) -> str:
        """What is said in the place of a value that is not there."""
        return self.words_of_default if self.keeps_default else "Not given"

    def is_empty(self) -> bool:
        inside = (child for _, child in self.children() if not isinstance(child, Fixed))
        return self.is_pristine() and all(child.is_empty() for child in inside)

    def state(self) -> tuple[object, ...]:
        return (self.presence,)

    def open_parts(self) -> None:
        """Build the controls inside from the initial value."""
        raise NotImplementedError

    def read_parts(self, posted: Posted) -> None:
        """Build the controls inside from what was posted."""
        raise NotImplementedError

    def decode_parts(self) -> JSONValue:
        """Return the value, with null in place of what could not be decoded."""
        raise NotImplementedError

    def parts(self) -> Iterable[Control]:
        """The controls inside in the order in which they are shown."""
        return [child for _, child in self.children()]

    def inner_controls(self) -> Iterable[Control]:
        return self.parts()

    @property
    def entry_id(self) -> str:
        if not self.is_present:
            return f"{self.id}-toggle"
        shown = (part.entry_id for part in self.parts() if not part.is_hidden)
        return next(shown, self.id)

    def open_way(self, step: str) -> None:  # noqa: ARG002 -- rows and questions ask where to
        """Have the control inside that the step `step` of a name leads to."""
        if not self.is_present:
            self.toggle()

    def toggle(self) -> None:
        """Switch the group on or off; what was typed inside stays."""
        if not self.is_present:
            self.presence = PRESENT
            if not any(True for _ in self.parts()):
                self.open_parts()
        elif self.meanings:
            self.presence = self.meanings[0]

    def decode(self) -> MaybeJSON:
        self.problems.clear()
        if not self.is_present:
            return MISSING if self.presence == OMIT else None
        value = self.decode_parts()
        if own := self.context.cache.own_rules.find(self.node.keywords, self._make_own_rule):
            for complaint in self.find_complaints(own, value):
                place_complaint(self, complaint)
        return value

    def _make_own_rule(self) -> JSONValue:
        keywords = self.node.keywords
        own = {key: rule for key, rule in keywords.items() if key in OWN_KEYWORDS}
        return own | ({"allOf": keywords[CONDITIONS]} if CONDITIONS in keywords else {})

    def inputs(self) -> Iterator[tuple[str, str]]:
        if self.meanings:
            yield f"{self.name}.!", self.presence
        for part in self.parts():
            yield from part.inputs()

    def answers(self) -> Iterator[Answer]:
        if not self.is_present:
            return
        for part in self.parts():
            for labels, text in part.answers():
                yield (self.label, *labels), text

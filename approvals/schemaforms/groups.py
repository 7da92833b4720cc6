"""Controls that hold other controls: objects, and what all groups share."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from approvals.schemaforms.controls import NULL, OMIT, Answer, Control, Key, Slot
from approvals.schemaforms.values import (
    MISSING,
    JSONValue,
    MaybeJSON,
    as_count,
    as_dict,
    as_list,
    as_text,
)

if TYPE_CHECKING:
    from approvals.schemaforms.decode import Posted

PRESENT = "value"

OWN_KEYWORDS = frozenset(
    "minItems maxItems uniqueItems contains minContains maxContains minProperties maxProperties "
    "propertyNames dependentRequired dependentSchemas dependencies if then else not anyOf oneOf "
    "unevaluatedProperties unevaluatedItems".split()
)
"""Keywords that concern a group as a whole; those of its parts are checked by its parts."""


class Group(Control):
    """A control with others inside, which can be switched off where its value may be absent."""

    is_group = True

    def open(self) -> None:
        self.presence = PRESENT
        meanings = self.meanings
        if meanings and self.initial in (None, MISSING):
            self.presence = NULL if self.initial is None and NULL in meanings else meanings[0]
        if self.is_present:
            self.open_parts()

    def read(self, posted: "Posted") -> None:
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
        words = {OMIT: "left out", NULL: "none"}
        meanings = self.meanings
        return [(word, words[word]) for word in meanings] if len(meanings) > 1 else []

    def state(self) -> tuple[object, ...]:
        return (self.presence,)

    def open_parts(self) -> None:
        """Build the controls inside from the initial value."""
        raise NotImplementedError

    def read_parts(self, posted: "Posted") -> None:
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
        own = {key: rule for key, rule in self.node.keywords.items() if key in OWN_KEYWORDS}
        if own:
            for complaint in self.desk.complain(self, own, value):
                self.desk.place(self, complaint)
        return value

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


class ObjectControl(Group):
    """An object with named properties, and a dictionary of others where the schema allows them."""

    template = "object"

    def open(self) -> None:
        self._children: list[tuple[str, Control]] = []
        self.extras: Control | None = None
        super().open()

    def open_parts(self) -> None:
        self._build_parts(None)

    def read_parts(self, posted: "Posted") -> None:
        self._build_parts(posted)

    def _build_parts(self, posted: "Posted | None") -> None:
        properties = as_dict(self.node.keywords.get("properties"))
        required = set(map(str, as_list(self.node.keywords.get("required"))))
        given = self.initial if isinstance(self.initial, dict) else None
        limit = self.desk.child_budget(self.slot, self.node)
        self._children = []
        for index, (name, raw) in enumerate(properties.items()):
            slot = Slot(
                name=f"{self.name}.{index}",
                raw=raw,
                label=self.desk.label_of(raw, name),
                required=name in required,
                given=MISSING if given is None else given.get(name, MISSING),
                sealed=given is not None,
                fixed=self.slot.tags.get(name, MISSING),
                depth=self.slot.depth + 1,
                budget=limit,
            )
            self._children.append((name, self.desk.build(slot, posted)))
        self.extras = self._build_extras(given or {}, properties, posted)

    def _build_extras(
        self,
        given: dict[str, JSONValue],
        properties: dict[str, JSONValue],
        posted: "Posted | None",
    ) -> Control | None:
        keywords = self.node.keywords
        unknown = {key: value for key, value in given.items() if key not in properties}
        rules: dict[str, JSONValue] = {
            key: keywords[key]
            for key in ("additionalProperties", "patternProperties")
            if key in keywords
        }
        closed = rules.get("additionalProperties") is False and "patternProperties" not in rules
        if not unknown and (not rules or closed):
            return None
        slot = replace(
            self.slot,
            name=f"{self.name}.+",
            raw={"type": "object", "additionalProperties": True, **rules},
            label="Other entries",
            required=True,
            given=unknown,
            sealed=True,
            tags={},
            depth=self.slot.depth + 1,
        )
        return self.desk.build(slot, posted)

    def children(self) -> Iterable[tuple[Key, Control]]:
        known: list[tuple[Key, Control]] = list(self._children)
        return known + ([(None, self.extras)] if self.extras else [])

    def parts(self) -> Iterable[Control]:
        """The controls by `position`, where the flow's author gave one, else as written."""
        ordered = sorted((child for _, child in self._children), key=_position)
        return ordered + ([self.extras] if self.extras else [])

    def decode_parts(self) -> JSONValue:
        value: dict[str, JSONValue] = {}
        for name, child in self._children:
            part = child.decode()
            if part is not MISSING:
                value[name] = part
            elif child.problems:
                value[name] = None
        if self.extras:
            value = as_dict(self.extras.decode()) | value
        given = as_dict(self.initial)
        order = [key for key in given if key in value]
        order += [key for key in value if key not in given]
        return {key: value[key] for key in order}


def _position(control: Control) -> float:
    position = as_count(control.node.keywords.get("position"))
    return float("inf") if position is None else position


def humanise(name: str) -> str:
    """Write a property name as a label."""
    words = as_text(name).replace("_", " ").strip()
    return words[:1].upper() + words[1:] if words else "(no name)"

"""Controls that hold other controls: objects, and what all groups share."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from approvals.schemaforms.choices import Fixed
from approvals.schemaforms.conditions import list_questions
from approvals.schemaforms.controls import NULL, OMIT, Answer, Control, Key, Slot
from approvals.schemaforms.problems import forget_problems
from approvals.schemaforms.schema import CONDITIONS
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
    "propertyNames dependentRequired dependentSchemas dependencies not anyOf oneOf".split()
)
"""Keywords that concern a group as a whole; those of its parts are checked by its parts.

What is unevaluated depends on all the others, so that only the whole schema can tell.
"""


class Group(Control):
    """A control with others inside, which can be switched off where its value may be absent."""

    is_group = True
    reads_all_parts: ClassVar[bool] = False
    """What is posted says by itself which controls there are inside."""

    def open(self) -> None:
        self.presence = PRESENT
        meanings = self.meanings
        if meanings and (self.initial in (None, MISSING) or self.keeps_default):
            self.presence = NULL if self.initial is None and NULL in meanings else meanings[0]
        if self.is_present and not (self.is_posted and self.reads_all_parts):
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

    @property
    def entry_id(self) -> str:
        if not self.is_present:
            return f"{self.id}-toggle"
        shown = (part.entry_id for part in self.parts() if not part.is_hidden)
        return next(shown, self.id)

    def open_way(self, step: str) -> None:  # noqa: ARG002 - rows and questions ask where to
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
        if own := self.desk.reading.own_rules.find(self.node.keywords, self._make_own_rule):
            for complaint in self.desk.complain(self, own, value):
                self.desk.place(self, complaint)
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


class ObjectControl(Group):
    """An object with named properties, and a dictionary of others where the schema allows them."""

    template = "object"
    reads_all_parts = True

    def open(self) -> None:
        self._children: list[tuple[str, Control]] = []
        self.extras: Control | None = None
        self.shown_conditions: list[str] = []
        super().open()

    def open_parts(self) -> None:
        self._build_parts(None)

    def read_parts(self, posted: "Posted") -> None:
        self._build_parts(posted)

    def _build_parts(self, posted: "Posted | None") -> None:
        required = as_list(self.node.keywords.get("required"))
        properties = as_dict(self.node.keywords.get("properties")) | self._undescribed(required)
        self._children = [
            (name, self._build_property(str(index), name, raw, name in required, posted))
            for index, (name, raw) in enumerate(properties.items())
        ]
        self._build_conditional_parts(posted)
        self._build_extras({name for name, _ in self._children}, posted)

    def _undescribed(self, required: list[JSONValue]) -> dict[str, JSONValue]:
        """The properties that are required and that the schema says nothing else about."""
        keywords = self.node.keywords
        rule = keywords.get("additionalProperties", True)
        if rule is False or self.is_conditional:
            return {}
        known = as_dict(keywords.get("properties"))
        return {name: rule for name in required if isinstance(name, str) and name not in known}

    @cached_property
    def _child_budget(self) -> int:
        return self.desk.child_budget(self.slot, self.node)

    def _build_property(
        self, step: str, name: str, raw: JSONValue, required: bool, posted: "Posted | None"
    ) -> Control:
        given = self.initial if isinstance(self.initial, dict) else None
        slot = Slot(
            name=f"{self.name}.{step}",
            raw=raw,
            label=self.desk.label_of(raw, name),
            required=required,
            given=MISSING if given is None else given.get(name, MISSING),
            sealed=given is not None,
            fixed=self.slot.tags.get(name, MISSING),
            depth=self.slot.depth + 1,
            budget=self._child_budget,
        )
        return self.desk.build(slot, posted)

    def _build_conditional_parts(self, posted: "Posted | None") -> None:
        """Add the fields that the answers so far call for."""
        self.shown_conditions = []
        if not self.is_conditional:
            return
        value = {name: part for name, part in self._decode_children() if part is not MISSING}
        forget_problems(self)
        shown_before = posted.texts(f"{self.name}.?") if posted else []
        known = {name for name, _ in self._children}
        for step, question in enumerate(list_questions(self.desk, self.node, value)):
            if question is None or question.name in known:
                continue
            token = f"c{step}"
            source = posted if token in shown_before else None
            control = self._build_property(
                token, question.name, question.raw, question.is_required, source
            )
            control.is_new = posted is not None and source is None
            self._children.append((question.name, control))
            self.shown_conditions.append(token)
            known.add(question.name)

    def open_way(self, step: str) -> None:
        super().open_way(step)
        asked = enumerate(list_questions(self.desk, self.node, None))
        for question in (question for number, question in asked if step == f"c{number}"):
            if question is not None:
                control = self._build_property(step, question.name, question.raw, False, None)
                self._children.append((question.name, control))

    @property
    def is_conditional(self) -> bool:
        return bool({CONDITIONS, "dependentSchemas", "dependencies"} & self.node.keywords.keys())

    def _build_extras(self, known: set[str], posted: "Posted | None") -> None:
        """Add the dictionary of other entries, where they are allowed or already there."""
        keywords = self.node.keywords
        given = as_dict(self.initial)
        unknown = {key: value for key, value in given.items() if key not in known}
        others = keywords.get("additionalProperties", MISSING)
        patterns = keywords.get("patternProperties", MISSING)
        if not unknown and others in (MISSING, False) and patterns is MISSING:
            return
        slot = replace(
            self.slot,
            name=f"{self.name}.+",
            raw=self.desk.reading.inner_rules.find(keywords, self._make_extras_rule),
            label="Other entries",
            required=True,
            given=unknown,
            sealed=True,
            tags={},
            depth=self.slot.depth + 1,
        )
        self.extras = self.desk.build(slot, posted)

    def _make_extras_rule(self) -> JSONValue:
        keywords = self.node.keywords
        rule: dict[str, JSONValue] = {"type": "object"}
        others = keywords.get("additionalProperties", MISSING)
        if "patternProperties" in keywords:
            rule["patternProperties"] = keywords["patternProperties"]
        if "patternProperties" not in keywords or others is not MISSING:
            rule["additionalProperties"] = True if others in (MISSING, False) else others
        return rule

    def inputs(self) -> Iterator[tuple[str, str]]:
        yield from super().inputs()
        yield from ((f"{self.name}.?", token) for token in self.shown_conditions)

    def children(self) -> Iterable[tuple[Key, Control]]:
        known: list[tuple[Key, Control]] = list(self._children)
        return known + ([(None, self.extras)] if self.extras else [])

    def parts(self) -> Iterable[Control]:
        """The controls by `position`, where the flow's author gave one, else as written."""
        ordered = sorted((child for _, child in self._children), key=_position)
        return ordered + ([self.extras] if self.extras else [])

    @property
    def _triggers(self) -> set[str]:
        """Keys whose mere presence asks for more, so that they are left out rather than null."""
        keywords = self.node.keywords
        required = as_list(keywords.get("required"))
        rules = ("dependentRequired", "dependentSchemas", "dependencies")
        return {name for rule in rules for name in as_dict(keywords.get(rule))} - set(
            map(str, required)
        )

    def _decode_children(self) -> list[tuple[str, MaybeJSON]]:
        return [(name, child.decode()) for name, child in self._children]

    def decode_parts(self) -> JSONValue:
        value: dict[str, JSONValue] = {}
        for (name, part), (_, child) in zip(self._decode_children(), self._children, strict=True):
            if child.is_new:
                child.note_problem("This is asked because of other answers. Please look at it.")
            if part is None and name in self._triggers and name not in as_dict(self.initial):
                continue
            if part is not MISSING:
                value[name] = part
            elif child.problems:
                value[name] = None
        if self.extras:
            value |= {k: v for k, v in as_dict(self.extras.decode()).items() if k not in value}
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

"""Objects: named properties, those that conditions bring in, and entries of any other name."""

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cached_property

from approvals.schemaforms.controls.base import Control, Key
from approvals.schemaforms.controls.conditions import (
    CONDITIONAL,
    Demand,
    list_demands,
    list_triggers,
)
from approvals.schemaforms.controls.context import Slot
from approvals.schemaforms.controls.groups import Group
from approvals.schemaforms.controls.problems import clear_problems
from approvals.schemaforms.posted import Posted
from approvals.schemaforms.values import (
    MISSING,
    JSONValue,
    MaybeJSON,
    as_count,
    as_dict,
    as_list,
    as_names,
)

# A property by its place, or one that a condition brings in; each with what narrows it.
_STEP = re.compile(r"(c?)(\d{1,5})((?:r\d{1,5})*)", re.ASCII)

# How often answers that bring in questions are looked at again, with the answers to those.
_MAX_ROUNDS = 50


class ObjectControl(Group):
    """An object with named properties, and a dictionary of others where the schema allows them."""

    template = "object"
    reads_all_parts = True

    def open(self) -> None:
        self._children: list[tuple[str, Control]] = []
        self._built: dict[str, Control] = {}
        self._aside: list[Control] = []
        self.extras: Control | None = None
        self.shown_conditions: list[str] = []
        super().open()

    def open_parts(self) -> None:
        self._build_parts(None)

    def read_parts(self, posted: Posted) -> None:
        self._build_parts(posted)

    def _build_parts(self, posted: Posted | None) -> None:
        self._built = {}
        steps = [str(index) for index in range(len(self._properties))]
        self._children = [self._reach(step, posted) for step in steps]
        if self.is_conditional:
            self._ask_more(posted)
        for name, child in self._children:
            child.asks_more = name in self._triggers_of_questions
        known = {*self._properties, *(demand.name for demand in self._demands)}
        self._build_extras(known if self.is_conditional else set(self._properties), posted)

    @cached_property
    def _required(self) -> list[str]:
        return as_names(self.node.keywords.get("required"))

    @cached_property
    def _properties(self) -> dict[str, JSONValue]:
        """The properties that are asked for in any case, in their order."""
        described = as_dict(self.node.keywords.get("properties"))
        asked = {demand.name for demand in self._demands if demand.raw is not True}
        undescribed = [name for name in self._required if name not in {*described, *asked}]
        return described | self._undescribed(undescribed)

    @cached_property
    def _property_list(self) -> list[tuple[str, JSONValue]]:
        return list(self._properties.items())

    def _undescribed(self, names: Iterable[str]) -> dict[str, JSONValue]:
        """Return the schemas of properties of which nothing is said but that they are required."""
        rule = self.node.keywords.get("additionalProperties", True)
        return {} if rule is False else dict.fromkeys(names, rule)

    @cached_property
    def _demands(self) -> list[Demand]:
        """All that conditions can ask."""
        return list_demands(self.context, self.node, None)

    @cached_property
    def _triggers_of_questions(self) -> set[str]:
        return list_triggers(self.context, self.node)

    @cached_property
    def _child_budget(self) -> int:
        return self.context.child_budget(self.slot, self.node)

    def _reach(
        self, step: str, posted: Posted | None, *, required: bool = False
    ) -> tuple[str, Control]:
        """Return a property and its control, built once for every step that leads to it."""
        name, raw = self._look_up(step)
        required = required or name in self._required
        if step not in self._built or (required and not self._built[step].slot.required):
            self._built[step] = self._build_property(step, name, raw, required, posted)
        return name, self._built[step]

    def _entry_of(self, step: str) -> str:
        """Return the name under which the answer at a step is posted.

        Conditions that ask for the same property share it as long as the field looks the same, so
        that an answer outlives a change from one of them to another.
        """
        if step.isdecimal():
            return step
        name, raw = self._look_up(step)
        head = _STEP.fullmatch(step)
        first = next((d.place for d in self._demands if d.name == name and d.raw is not True), None)
        plain = f"c{first}" if head and head[1] and first is not None else step.partition("r")[0]
        node, usual = self.context.node(raw), self.context.node(self._look_up(plain)[1])
        return plain if (node.kind, node.options) == (usual.kind, usual.options) else step

    def _look_up(self, step: str) -> tuple[str, JSONValue]:
        """Return the property that a step leads to, and its schema; LookupError without any."""
        found = _STEP.fullmatch(step)
        if found is None:
            raise LookupError(step)
        if found[1]:
            demand = self._demands[int(found[2])]
            name, raw = demand.name, self._schema_asked_for(demand)
        else:
            name, raw = self._property_list[int(found[2])]
        for place in found[3].split("r")[1:]:
            raw = self.context.narrow(raw, self._demands[int(place)].raw)
        return name, raw

    def _schema_asked_for(self, demand: Demand) -> JSONValue:
        """Return what a demand says of its property, or what another one does."""
        known = [other.raw for other in self._demands if other.name == demand.name]
        described = (raw for raw in [demand.raw, *known] if raw is not True)
        return next(described, self._undescribed([demand.name]).get(demand.name, True))

    def _build_property(
        self, step: str, name: str, raw: JSONValue, required: bool, posted: Posted | None
    ) -> Control:
        given = self.initial if isinstance(self.initial, dict) else None
        slot = Slot(
            name=f"{self.name}.{self._entry_of(step)}",
            raw=raw,
            label=self.context.label_of(self._look_up(step.partition("r")[0])[1], name),
            required=required,
            given=MISSING if given is None else given.get(name, MISSING),
            sealed=given is not None,
            fixed=self.slot.tags.get(name, MISSING),
            depth=self.slot.depth + 1,
            budget=self._child_budget,
        )
        return self.context.build(slot, posted)

    def _ask_more(self, posted: Posted | None) -> None:
        """Add the fields that the answers so far call for, and those that their answers call for.

        What is not asked for any more is set aside with all that was entered there.
        """
        steps = list(self._built)
        values: dict[str, MaybeJSON] = {}
        for _ in range(_MAX_ROUNDS):
            before, steps = steps, self._list_steps(self._current_value(steps, values), posted)
            if steps == before:
                break
        clear_problems(self)
        entries = {self._entry_of(step): step for step in steps}
        self.shown_conditions = [entry for entry in entries if not entry.isdecimal()]
        shown_before = posted.texts(f"{self.name}.?") if posted else []
        for entry in self.shown_conditions:
            self._built[entries[entry]].is_new = posted is not None and entry not in shown_before
        self._children = [self._reach(step, posted) for step in steps]
        self._set_aside(entries, posted)

    def _current_value(
        self, steps: Iterable[str], values: dict[str, MaybeJSON]
    ) -> dict[str, JSONValue]:
        current: dict[str, JSONValue] = {}
        for step in steps:
            if step not in values:
                values[step] = self._built[step].decode()
            part, (name, _) = values[step], self._look_up(step)
            if part is not MISSING and not self._is_left_out(name, part):
                current[name] = part
        return current

    def _list_steps(self, value: dict[str, JSONValue], posted: Posted | None) -> list[str]:
        """Return the steps to all that is asked for now, having built what they lead to."""
        asked: dict[str, list[Demand]] = {}
        for demand in list_demands(self.context, self.node, value):
            if demand.is_active:
                asked.setdefault(demand.name, []).append(demand)
        steps = [
            self._narrow_step(str(index), asked.pop(name, []), posted)
            for index, name in enumerate(self._properties)
        ]
        steps += [
            self._narrow_step(f"c{first.place}", others, posted, required=first.is_required)
            for first, *others in asked.values()
            if self._may_be_asked(first)
        ]
        return [step for step in steps if step]

    def _may_be_asked(self, demand: Demand) -> bool:
        """Whether anything may be answered where nobody has described the property."""
        is_described = self._schema_asked_for(demand) is not True
        return is_described or bool(self._undescribed([demand.name]))

    def _narrow_step(
        self,
        step: str,
        demands: Iterable[Demand],
        posted: Posted | None,
        *,
        required: bool = False,
    ) -> str:
        """Return the step to a property under all demands, "" where they forbid it."""
        demands = list(demands)
        raws = [self._look_up(step)[1], *(demand.raw for demand in demands)]
        if any(raw is False for raw in raws):
            return ""
        required = required or (step[0] == "c" and any(demand.is_required for demand in demands))
        narrowing = [demand.place for demand in demands if demand.raw not in (True, raws[0])]
        narrowed = "".join([step, *(f"r{place}" for place in narrowing)])
        self._reach(narrowed, posted, required=required)
        return narrowed

    def _set_aside(self, shown: Collection[str], posted: Posted | None) -> None:
        """Keep what was entered in fields that are not asked for now."""
        for step in posted.steps_inside(self.name) if posted else ():
            with suppress(LookupError):
                if step not in shown and self._entry_of(step) == step:
                    self._reach(step, posted)
        others = {self._entry_of(step): control for step, control in self._built.items()}
        self._aside = [control for entry, control in others.items() if entry not in shown]

    def set_aside(self) -> list[Control]:
        """The fields that are not asked for now and may hold something typed."""
        return self._aside

    def inner_controls(self) -> Iterable[Control]:
        return [*self.parts(), *self._aside]

    def open_way(self, step: str) -> None:
        super().open_way(step)
        with suppress(LookupError):
            found = self._reach(step, None)
            self._children += [found] * (found not in self._children)

    @cached_property
    def is_conditional(self) -> bool:
        """Whether answers decide what else is asked."""
        described = as_dict(self.node.keywords.get("properties"))
        is_further = any(demand.name not in described for demand in self._demands)
        return is_further or bool(CONDITIONAL & self.node.keywords.keys() - {"dependentRequired"})

    def _build_extras(self, known: set[str], posted: Posted | None) -> None:
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
            raw=self.context.cache.inner_rules.find(keywords, self._make_extras_rule),
            label="Other entries",
            required=True,
            given=unknown,
            sealed=True,
            tags={},
            depth=self.slot.depth + 1,
        )
        self.extras = self.context.build(slot, posted)

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
        for part in self._aside:
            yield from part.inputs()

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

    def _is_left_out(self, name: str, part: MaybeJSON) -> bool:
        return part is None and name in self._triggers and name not in as_dict(self.initial)

    def decode_parts(self) -> JSONValue:
        value: dict[str, JSONValue] = {}
        for name, child in self._children:
            part = child.decode()
            if child.is_new:
                child.note_problem("This is asked because of other answers. Please look at it.")
            if self._is_left_out(name, part):
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

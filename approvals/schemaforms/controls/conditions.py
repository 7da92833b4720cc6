"""Fields that are asked for only after certain other answers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from approvals.schemaforms.controls.context import FormContext
from approvals.schemaforms.limits import MAX_CONDITIONS, MAX_DEPTH
from approvals.schemaforms.schema.document import CONDITIONS
from approvals.schemaforms.schema.nodes import Node
from approvals.schemaforms.values import JSONValue, Keywords, as_dict, as_list, as_names

type Value = Mapping[str, JSONValue] | None

CONDITIONAL = frozenset([CONDITIONS, "dependentSchemas", "dependentRequired", "dependencies"])


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What a condition asks of one property, by the place it has among all that are asked."""

    place: int
    name: str
    # The schema that the condition has for the property; True where it has none.
    raw: JSONValue
    is_required: bool
    is_active: bool


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """Keywords that hold under a condition, and the properties that decide whether they do."""

    keywords: Keywords
    is_active: bool
    triggers: frozenset[str]


def list_demands(context: FormContext[Any], node: Node, value: Value) -> list[Demand]:
    """Return all that any condition asks, also by one inside another, and what is asked for now.

    The place of a demand is the same for every value, so that it can name its field. With None
    for a value all are asked for.
    """
    if not CONDITIONAL & node.keywords.keys():
        return []
    demands: list[Demand] = []
    for rule in _list_rules(context, node, value):
        required = as_names(rule.keywords.get("required"))
        properties = as_dict(rule.keywords.get("properties"))
        for name in dict.fromkeys([*properties, *required]):
            # What brought the condition about must not be narrowed by it: there were no way back.
            raw = True if name in rule.triggers else properties.get(name, True)
            if raw is True and name not in required:
                continue
            demands.append(
                Demand(
                    place=len(demands),
                    name=name,
                    raw=raw,
                    is_required=name in required,
                    is_active=rule.is_active,
                )
            )
    return demands


def list_triggers(context: FormContext[Any], node: Node) -> set[str]:
    """Return the properties whose answers decide what else is asked."""
    if not CONDITIONAL & node.keywords.keys():
        return set()
    return {name for rule in _list_rules(context, node, None) for name in rule.triggers}


def _list_rules(context: FormContext[Any], node: Node, value: Value) -> Iterator[_Rule]:
    whole = _Rule(keywords=node.keywords, is_active=True, triggers=frozenset())
    return islice(_Walk(context, value).list_inside(whole, 0), MAX_CONDITIONS)


class _Walk:
    """One visit of all conditions, for one value."""

    def __init__(self, context: FormContext[Any], value: Value) -> None:
        self._desk = context
        self._value = value

    def list_inside(self, outer: _Rule, depth: int) -> Iterator[_Rule]:
        """Yield the rules inside one, each followed by those inside of it."""
        if depth > MAX_DEPTH:
            return
        for rule in self._list_next(outer, is_inner=depth > 0):
            yield rule
            yield from self.list_inside(rule, depth + 1)

    def _list_next(self, outer: _Rule, *, is_inner: bool) -> Iterator[_Rule]:
        for condition in as_list(outer.keywords.get(CONDITIONS)):
            yield from self._read_condition(outer, as_dict(condition))
        for keyword in ("dependentSchemas", "dependentRequired", "dependencies"):
            for name, needed in as_dict(outer.keywords.get(keyword)).items():
                yield self._make_rule(
                    outer,
                    {"required": needed} if isinstance(needed, list) else self._read(needed),
                    is_active=self._value is None or name in self._value,
                    triggers={name},
                )
        if is_inner:
            yield from self._list_alternatives(outer)

    def _read_condition(self, outer: _Rule, condition: Keywords) -> Iterator[_Rule]:
        rule = condition.get("if", True)
        triggers = _mentioned(self._desk, rule)
        asks_all = self._value is None
        holds = asks_all or (outer.is_active and self._desk.accepts(rule, self._value))
        for keyword, is_active in (("then", holds), ("else", asks_all or not holds)):
            keywords = self._read(condition.get(keyword, True))
            yield self._make_rule(outer, keywords, is_active=is_active, triggers=triggers)

    def _list_alternatives(self, outer: _Rule) -> Iterator[_Rule]:
        """Yield the alternatives of which properties that all of them settle choose one."""
        parts = as_list(outer.keywords.get("oneOf")) + as_list(outer.keywords.get("anyOf"))
        settled = [self._settled(self._read(part)) for part in parts]
        triggers = set(settled[0]).intersection(*settled[1:]) if settled else set()
        if not triggers:
            return
        for part, choices in zip(parts, settled, strict=True):
            is_active = self._value is None or all(
                name in self._value and self._desk.accepts(choices[name], self._value[name])
                for name in triggers
            )
            keywords = self._read(part)
            yield self._make_rule(outer, keywords, is_active=is_active, triggers=triggers)

    def _settled(self, keywords: Keywords) -> dict[str, JSONValue]:
        properties = as_dict(keywords.get("properties")).items()
        return {name: raw for name, raw in properties if {"const", "enum"} & self._read(raw).keys()}

    def _make_rule(
        self, outer: _Rule, keywords: Keywords, *, is_active: bool, triggers: set[str]
    ) -> _Rule:
        return _Rule(
            keywords=keywords,
            is_active=outer.is_active and is_active,
            triggers=outer.triggers | triggers,
        )

    def _read(self, raw: JSONValue) -> Keywords:
        return self._desk.resolve_quietly(raw)


def _mentioned(context: FormContext[Any], rule: JSONValue, depth: int = 0) -> set[str]:
    """Return the properties that a condition looks at."""
    keywords = context.resolve_quietly(rule)
    names = {*as_dict(keywords.get("properties")), *as_names(keywords.get("required"))}
    parts = [*as_list(keywords.get("anyOf")), *as_list(keywords.get("oneOf")), keywords.get("not")]
    for part in parts if depth < MAX_DEPTH else ():
        names |= _mentioned(context, part, depth + 1) if isinstance(part, dict) else set()
    return names

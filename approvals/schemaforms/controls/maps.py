"""Dictionaries: rows of a key and its value."""

import unicodedata
from collections.abc import Iterable, Iterator

from approvals.schemaforms.controls.base import Answer, Control, Key
from approvals.schemaforms.controls.context import Slot
from approvals.schemaforms.controls.rows import Rows
from approvals.schemaforms.posted import Posted
from approvals.schemaforms.schema.patterns import matches
from approvals.schemaforms.values import MISSING, JSONValue, MaybeJSON, as_dict
from flowruns.evaluation.budget import EvaluationTooSlow


class MapControl(Rows):
    """A dictionary: rows of a key and its value."""

    template = "map"
    least_keyword = "minProperties"
    most_keyword = "maxProperties"

    def open(self) -> None:
        self.keys: dict[str, Control] = {}
        self.values: dict[str, Control] = {}
        self._decoded_keys: dict[str, MaybeJSON] = {}
        inner_rules = self.context.cache.inner_rules
        self._key_rule = inner_rules.find(self.node.keywords, self._make_key_rule)
        super().open()

    def _make_key_rule(self) -> JSONValue:
        rule = self.node.keywords.get("propertyNames")
        keywords = self.context.resolve_quietly(rule) if isinstance(rule, dict) else {}
        return {"type": "string", **keywords}

    @property
    def can_add(self) -> bool:
        """Each key can stand here once, also where there are only so many."""
        keys = self.context.node(self._key_rule).options
        return super().can_add and not (keys and len(self.tokens) >= len(keys))

    @property
    def _patterns(self) -> dict[str, JSONValue]:
        return as_dict(self.node.keywords.get("patternProperties"))

    def initial_count(self) -> int:
        return len(as_dict(self.initial))

    def build_row(self, token: str, posted: Posted | None) -> None:
        given = list(as_dict(self.initial).items())
        index = int(token[1:])
        is_initial = token[0] == "i" and index < len(given)
        key, value = given[index] if is_initial else (MISSING, MISSING)
        base = f"{self.name}.{token}"
        depth, budget = self.slot.depth + 1, self.slot.budget
        self.keys[token] = self.context.build(
            Slot(name=f"{base}.k", raw=self._key_rule, label="Key", given=key, depth=depth), posted
        )
        self.values[token] = self.context.build(
            Slot(
                name=f"{base}.v",
                raw=self._value_rule(key if posted is None else self._read_key(token)),
                label="Value",
                given=value,
                depth=depth,
                budget=budget,
            ),
            posted,
        )

    def _read_key(self, token: str) -> MaybeJSON:
        """Return the key as it is typed now; what is wrong with it is said when all is decoded."""
        key = self.keys[token].decode() if self._patterns else MISSING
        self.keys[token].problems.clear()
        return key

    def _value_rule(self, key: MaybeJSON) -> JSONValue:
        """Return the schema of a value: that of the pattern its key matches, if any."""
        patterns = self._patterns
        if isinstance(key, str):
            for pattern, rule in patterns.items():
                if self._is_match(pattern, key):
                    return rule
        other = self.node.keywords.get("additionalProperties", MISSING)
        if patterns and other in (MISSING, False):
            return next(iter(patterns.values()))
        return True if other in (MISSING, False) else other

    def _is_match(self, pattern: str, key: str) -> bool:
        try:
            return matches(pattern, key)
        except EvaluationTooSlow:
            return False

    def number_rows(self) -> list[tuple[str, Control, Control]]:
        """Label the rows by their present place."""
        for number, token in enumerate(self.tokens, 1):
            self.keys[token].label = f"Key {number}"
            self.values[token].label = f"Value {number}"
        return [(token, self.keys[token], self.values[token]) for token in self.tokens]

    def drop_row(self, token: str) -> None:
        del self.keys[token]
        del self.values[token]

    def row_controls(self, token: str) -> list[Control]:
        return [self.keys[token], self.values[token]]

    def parts(self) -> Iterable[Control]:
        for _, key, value in self.number_rows():
            yield key
            yield value

    def children(self) -> Iterable[tuple[Key, Control]]:
        self.number_rows()
        for token in self.kept_tokens():
            yield MISSING, self.keys[token]
            key = self._decoded_keys.get(token, MISSING)
            yield key if isinstance(key, str) else MISSING, self.values[token]

    def decode_parts(self) -> JSONValue:
        result: dict[str, JSONValue] = {}
        looks: set[str] = set()
        for token in self.kept_tokens():
            key, value = self.keys[token].decode(), self.values[token].decode()
            self._decoded_keys[token] = key
            if not isinstance(key, str):
                self._note_unwritable_key(token, key)
                continue
            look = unicodedata.normalize("NFKC", key).strip()
            is_alike = look in looks and not self.keys[token].is_pristine()
            if key in result or is_alike:
                self.keys[token].note_problem("This key is already used above.")
            looks.add(look)
            self._check_key(token, key)
            result[key] = None if value is MISSING else value
        return result

    def _note_unwritable_key(self, token: str, key: MaybeJSON) -> None:
        """Whether no entry can be sent where the schema wants keys that JSON does not have."""
        if key is not MISSING:
            self.keys[token].note_problem(
                "Keys are sent as text, and this form asks for others. Remove this entry."
            )

    def _check_key(self, token: str, key: str) -> None:
        closed = self.node.keywords.get("additionalProperties", False) is False
        patterns = self._patterns
        if patterns and closed and not any(self._is_match(pattern, key) for pattern in patterns):
            self.keys[token].note_problem("This key does not have the expected form.")

    def answers(self) -> Iterator[Answer]:
        if not self.is_present:
            return
        for _, key, value in self.number_rows():
            name = next((text for _, text in key.answers()), "")
            for labels, text in value.answers():
                yield (self.label, name, *labels[1:]), text

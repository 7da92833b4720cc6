"""Controls with rows that people add, remove and move: lists, tuples and dictionaries."""

import re
from collections.abc import Iterable, Iterator

from approvals.schemaforms.controls.base import Control, Key
from approvals.schemaforms.controls.context import Slot
from approvals.schemaforms.controls.groups import Group
from approvals.schemaforms.limits import MAX_PREFILLED_ROWS, MAX_ROWS
from approvals.schemaforms.posted import Posted
from approvals.schemaforms.values import (
    MISSING,
    JSONValue,
    MaybeJSON,
    as_count,
    as_list,
)

# Names a row for as long as it lives: an initial one, a new one, or one put down in advance.
_TOKEN = re.compile(r"[inp]\d{1,5}", re.ASCII)


class Rows(Group):
    """A group whose rows keep their name, and so all they hold, wherever they are moved."""

    def open(self) -> None:
        self.tokens: list[str] = []
        self.is_cut = False
        super().open()

    def open_parts(self) -> None:
        count = self.initial_count()
        self.tokens = [f"i{index}" for index in range(count)]
        if self.initial is MISSING:
            least = as_count(self.node.keywords.get(self.least_keyword)) or 0
            self.tokens = [f"p{index}" for index in range(min(least, MAX_PREFILLED_ROWS))]
        self.build_rows(None)

    def read_parts(self, posted: Posted) -> None:
        known = dict.fromkeys(posted.texts(f"{self.name}.#"))
        tokens = [token for token in known if _TOKEN.fullmatch(token)]
        self.is_cut = len(tokens) > MAX_ROWS
        self.tokens = tokens[:MAX_ROWS]
        self.build_rows(posted)

    least_keyword = "minItems"
    most_keyword = "maxItems"

    def initial_count(self) -> int:
        raise NotImplementedError

    def build_rows(self, posted: Posted | None) -> None:
        for token in self.tokens:
            self.build_row(token, posted)

    def build_row(self, token: str, posted: Posted | None) -> None:
        raise NotImplementedError

    def row_controls(self, token: str) -> list[Control]:
        raise NotImplementedError

    def drop_row(self, token: str) -> None:
        raise NotImplementedError

    def state(self) -> tuple[object, ...]:
        return (*super().state(), tuple(self.tokens))

    @property
    def can_add(self) -> bool:
        most = as_count(self.node.keywords.get(self.most_keyword))
        return len(self.tokens) < min(MAX_ROWS, MAX_ROWS if most is None else most)

    @property
    def is_full(self) -> bool:
        return not self.can_add

    @property
    def entry_id(self) -> str:
        is_bare = self.is_present and not self.tokens
        return f"{self.id}-add" if is_bare and self.can_add else super().entry_id

    def add_row(self) -> str:
        numbers = [int(token[1:]) for token in self.tokens if token[0] == "n"]
        token = f"n{max(numbers, default=-1) + 1}"
        self.tokens.append(token)
        self.build_row(token, None)
        return token

    def open_way(self, step: str) -> None:
        super().open_way(step)
        if _TOKEN.fullmatch(step) and step not in self.tokens:
            self.tokens.append(step)
            self.build_row(step, None)

    def remove_row(self, token: str) -> None:
        self.tokens.remove(token)
        self.drop_row(token)

    def move_row(self, token: str, step: int) -> bool:
        old = self.tokens.index(token)
        new = old + step
        if not 0 <= new < len(self.tokens):
            return False
        self.tokens[old], self.tokens[new] = self.tokens[new], self.tokens[old]
        return True

    def decode(self) -> MaybeJSON:
        value = super().decode()
        if self.is_cut:
            self.note_problem(f"No more than {MAX_ROWS} entries can be taken here.")
        return value

    def kept_tokens(self) -> list[str]:
        """The rows that count: those put down in advance count once something is in them."""
        kept = list(self.tokens)
        while kept and kept[-1][0] == "p" and self._is_row_empty(kept[-1]):
            kept.pop()
        return kept

    def _is_row_empty(self, token: str) -> bool:
        return all(control.is_empty() for control in self.row_controls(token))

    def inputs(self) -> Iterator[tuple[str, str]]:
        yield from super().inputs()
        yield from ((f"{self.name}.#", token) for token in self.tokens)


class ListControl(Rows):
    """A list of rows, after the fixed slots of a tuple if there are any."""

    template = "list"

    def open(self) -> None:
        self.slots: list[Control] = []
        self.rows: dict[str, Control] = {}
        super().open()

    @property
    def _slot_rules(self) -> list[JSONValue]:
        keywords = self.node.keywords
        rules = keywords.get("prefixItems", keywords.get("items"))
        return as_list(rules)

    @property
    def item_rule(self) -> JSONValue:
        """The schema of rows; False where a tuple is complete without any."""
        keywords = self.node.keywords
        rule = keywords.get("items", MISSING)
        if isinstance(rule, list):
            rule = keywords.get("additionalItems", MISSING)
        if rule is MISSING:
            return not self._slot_rules
        return rule

    @property
    def has_rows(self) -> bool:
        most = as_count(self.node.keywords.get("maxItems"))
        room = most is None or most > len(self._slot_rules)
        return bool(self.tokens) or (self.item_rule is not False and room)

    @property
    def can_add(self) -> bool:
        most = as_count(self.node.keywords.get("maxItems"))
        room = MAX_ROWS if most is None else most - len(self._slot_rules)
        return self.has_rows and len(self.tokens) < min(MAX_ROWS, room)

    def initial_count(self) -> int:
        return max(0, len(as_list(self.initial)) - len(self._slot_rules))

    def open_parts(self) -> None:
        self._build_slots(None)
        super().open_parts()
        if self.slots or not self.has_rows:
            self.tokens = [token for token in self.tokens if token[0] != "p"]

    def read_parts(self, posted: Posted) -> None:
        self._build_slots(posted)
        super().read_parts(posted)

    def _build_slots(self, posted: Posted | None) -> None:
        given = as_list(self.initial)
        least = as_count(self.node.keywords.get("minItems"))
        rules = self._slot_rules
        self.slots = []
        for index, raw in enumerate(rules):
            slot = Slot(
                name=f"{self.name}.{index}",
                raw=raw,
                label=self.context.label_of(raw, f"Part {index + 1}"),
                required=index < (len(rules) if least is None else least),
                given=given[index] if index < len(given) else MISSING,
                sealed=isinstance(self.initial, list),
                depth=self.slot.depth + 1,
                budget=self.slot.budget,
            )
            self.slots.append(self.context.build(slot, posted))

    @property
    def row_label(self) -> str:
        return self.context.label_of(self.item_rule, self.label, follow=True)

    def build_row(self, token: str, posted: Posted | None) -> None:
        index = int(token[1:]) + len(self._slot_rules)
        given = as_list(self.initial)
        is_initial = token[0] == "i" and index < len(given)
        slot = Slot(
            name=f"{self.name}.{token}",
            raw=True if self.item_rule is False else self.item_rule,
            label=self.row_label,
            given=given[index] if is_initial else MISSING,
            depth=self.slot.depth + 1,
            budget=self.slot.budget,
        )
        self.rows[token] = self.context.build(slot, posted)

    def number_rows(self) -> list[tuple[str, Control]]:
        """Label the rows by their present place."""
        for number, token in enumerate(self.tokens, 1):
            self.rows[token].label = f"{self.row_label} {number}"
        return [(token, self.rows[token]) for token in self.tokens]

    def drop_row(self, token: str) -> None:
        del self.rows[token]

    def row_controls(self, token: str) -> list[Control]:
        return [self.rows[token]]

    def parts(self) -> Iterable[Control]:
        return self.slots + [control for _, control in self.number_rows()]

    def children(self) -> Iterable[tuple[Key, Control]]:
        self.number_rows()
        return enumerate([*self.slots, *(self.rows[token] for token in self.kept_tokens())])

    def decode_parts(self) -> JSONValue:
        values = [slot.decode() for slot in self.slots]
        while values and values[-1] is MISSING and not self.slots[len(values) - 1].problems:
            values.pop()
        rows = [self.rows[token].decode() for token in self.kept_tokens()]
        for index, slot in enumerate(self.slots):
            is_given = index < len(values) and values[index] is not MISSING
            is_followed = index < len(values) or bool(rows)
            if is_followed and not is_given and not slot.problems:
                slot.note_problem("Fill this in, or clear what comes after it.")
        return [None if value is MISSING else value for value in values + rows]

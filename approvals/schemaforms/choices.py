"""Controls whose answer is chosen, not typed."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from approvals.schemaforms.controls import NULL, OMIT, Answer, Control
from approvals.schemaforms.limits import MAX_LABEL_LENGTH, MAX_RADIO_OPTIONS
from approvals.schemaforms.values import (
    MISSING,
    JSONValue,
    MaybeJSON,
    as_list,
    clip,
    place_of,
    same_json,
    show_json,
)

if TYPE_CHECKING:
    from approvals.schemaforms.decode import Posted


type Option = tuple[str, str, MaybeJSON]
"""What can be chosen: the token that is posted, the label that is read, the value."""


def label_options(options: Sequence[JSONValue], names: list[JSONValue]) -> list[str]:
    """Write each option for a person; text that reads like another option is put in quotes."""
    if len(names) == len(options) and all(isinstance(name, str) for name in names):
        return [clip(str(name), MAX_LABEL_LENGTH) for name in names]
    taken = {_plain_label(option) for option in options if not isinstance(option, str)}
    return [
        f"“{option}”"
        if isinstance(option, str) and (option in taken or not option.strip())
        else clip(_plain_label(option), MAX_LABEL_LENGTH)
        for option in options
    ]


def _plain_label(option: JSONValue) -> str:
    match option:
        case str():
            return option
        case True:
            return "Yes"
        case False:
            return "No"
        case None:
            return "None"
        case _:
            return show_json(option, indent=None)


class Choice(Control):
    """One of a few options, chosen by its number so that 1, "1" and true stay apart."""

    template = "choice"
    unset_words = "Not set"
    null_words = "None"

    def options(self) -> list[Option]:
        """The (token, label, value) of everything that can be chosen."""
        labels = self.labels
        listed: list[Option] = [
            (str(index), labels[index], option) for index, option in enumerate(self.node.options)
        ]
        return listed + self.blank_options()

    @property
    def labels(self) -> list[str]:
        """How each option reads, in their order."""
        names = self.node.keywords.get("x-labels", self.node.keywords.get("enumNames"))
        return self.desk.label_options(self.node.options, names)

    def blank_options(self) -> list[Option]:
        """What can be chosen in the place of an option."""
        words: dict[str, Option] = {
            OMIT: (OMIT, self.unset_words, MISSING),
            NULL: (NULL, self.null_words, None),
        }
        return [words[meaning] for meaning in self.meanings]

    @property
    def meanings(self) -> list[str]:
        has_null = None in self.node.options
        return [word for word in super().meanings if word != NULL or not has_null]

    @property
    def is_optional(self) -> bool:
        return OMIT in self.meanings or self.initial is None

    def open(self) -> None:
        self.raw = self.opening_token()
        self.gone = ""
        if not self.raw and self.initial is not MISSING and not self.meanings:
            self.gone = clip(_plain_label(self.initial), MAX_LABEL_LENGTH)

    def opening_token(self) -> str:
        """Return the token of the initial value, or "" where nothing is chosen."""
        opened = (token for token, _, value in self.options() if same_json(value, self.initial))
        return next(opened, "")

    def read(self, posted: "Posted") -> None:
        self.raw = posted.text(self.name)

    def state(self) -> tuple[object, ...]:
        return (self.raw,)

    def decode(self) -> MaybeJSON:
        self.problems.clear()
        for token, _, value in self.options():
            if token == self.raw:
                return value
        self.note_problem("Choose one of the options.")
        return MISSING

    @property
    def is_chosen(self) -> bool:
        return any(token == self.raw for token, _, _ in self.options())

    @property
    def chosen_tokens(self) -> list[str]:
        return [self.raw] if self.raw else []

    @property
    def is_radio(self) -> bool:
        return len(self.options()) <= MAX_RADIO_OPTIONS

    @property
    def focus_id(self) -> str:
        return f"{self.id}-{self.options()[0][0]}" if self.is_radio else self.id

    def inputs(self) -> Iterator[tuple[str, str]]:
        if self.raw:
            yield self.name, self.raw

    def answers(self) -> Iterator[Answer]:
        for token, label, value in self.options():
            if token == self.raw and value is not MISSING:
                yield (self.label,), label
        if self.gone and not self.raw:
            yield (self.label,), self.gone


class YesNo(Choice):
    """A boolean: nothing is chosen before somebody answers."""

    null_words = "Not decided"

    def options(self) -> list[Option]:
        return [("1", "Yes", True), ("0", "No", False), *self.blank_options()]

    def decode(self) -> MaybeJSON:
        value = super().decode()
        if self.problems:
            self.problems = ["Choose Yes or No."]
        return value


class Ticks(Control):
    """Any number of distinct options, each ticked once."""

    template = "ticks"

    def options(self) -> list[Option]:
        return [(str(index), label, self.values[index]) for index, label in enumerate(self.labels)]

    @property
    def values(self) -> list[JSONValue]:
        """Everything that can be ticked."""
        return as_list(self._item_keywords.get("enum"))

    @property
    def labels(self) -> list[str]:
        """How each of the values reads."""
        names = self._item_keywords.get("x-labels", self._item_keywords.get("enumNames"))
        return self.desk.label_options(self.values, names)

    @property
    def _item_keywords(self) -> dict[str, JSONValue]:
        return self.desk.schema.resolve(self.node.keywords["items"])

    def open(self) -> None:
        places = [place_of(item, self.values) for item in as_list(self.initial)]
        self.ticked = [str(place) for place in sorted({p for p in places if p is not None})]
        self.blank = self.meanings[0] if self.initial in (None, MISSING) and self.meanings else ""

    def read(self, posted: "Posted") -> None:
        self.ticked = posted.texts(self.name)
        self.blank = posted.text(f"{self.name}.!") if len(self.meanings) > 0 else ""

    def ticked_indexes(self) -> list[int]:
        """The places of what is ticked, in the order of the schema."""
        ticked = set(self.ticked)
        return [index for index in range(len(self.values)) if str(index) in ticked]

    def state(self) -> tuple[object, ...]:
        return (tuple(self.ticked), self.blank if not self.ticked else "")

    def decode(self) -> MaybeJSON:
        self.problems.clear()
        if self.initial is not MISSING and self.state() == self._opening:
            value: MaybeJSON = self.initial
        elif not self.ticked and self.blank in self.meanings:
            value = MISSING if self.blank == OMIT else None
        else:
            value = [self.values[index] for index in self.ticked_indexes()]
        if isinstance(value, list):
            self.check(value)
        return value

    @property
    def chosen_tokens(self) -> list[str]:
        return self.ticked

    @property
    def blank_choices(self) -> list[tuple[str, str]]:
        words = {OMIT: "not answered", NULL: "none"}
        meanings = [(meaning, words[meaning]) for meaning in self.meanings]
        return [*meanings, ("", "empty list")] if meanings else []

    @property
    def focus_id(self) -> str:
        return f"{self.id}-{self.options()[0][0]}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        yield from ((self.name, token) for token in self.ticked)
        if self.blank:
            yield f"{self.name}.!", self.blank

    def answers(self) -> Iterator[Answer]:
        labels = [self.labels[index] for index in self.ticked_indexes()]
        if labels:
            yield (self.label,), ", ".join(labels)


class Fixed(Control):
    """A value that the schema settles: sent without being asked for."""

    template = "fixed"
    is_hidden = True

    def decode(self) -> MaybeJSON:
        if self.slot.fixed is not MISSING:
            return self.slot.fixed
        if self.node.options:
            return self.node.options[0]
        return None if self.slot.required or self.initial is None else MISSING

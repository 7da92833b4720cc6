"""Controls whose answer is chosen, not typed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from approvals.schemaforms.controls import NULL, OMIT, Answer, Control
from approvals.schemaforms.limits import MAX_LABEL_LENGTH, MAX_RADIO_OPTIONS, MAX_SUGGESTIONS
from approvals.schemaforms.values import (
    MISSING,
    JSONValue,
    MaybeJSON,
    as_dict,
    as_list,
    clip,
    same_json,
    show_json,
)

if TYPE_CHECKING:
    from approvals.schemaforms.decode import Posted


def label_options(options: tuple[JSONValue, ...], names: list[JSONValue]) -> list[str]:
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

    def options(self) -> list[tuple[str, str, MaybeJSON]]:
        """The (token, label, value) of everything that can be chosen."""
        names = as_list(self.node.keywords.get("x-labels", self.node.keywords.get("enumNames")))
        labels = label_options(self.node.options, names)
        listed: list[tuple[str, str, MaybeJSON]] = [
            (str(index), labels[index], option) for index, option in enumerate(self.node.options)
        ]
        return listed + self._blank_options()

    def _blank_options(self) -> list[tuple[str, str, MaybeJSON]]:
        words: dict[str, tuple[str, str, MaybeJSON]] = {
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
        self.raw = ""
        self.gone = ""
        for token, _, value in self.options():
            if same_json(value, self.initial) and (value is not MISSING or OMIT in self.meanings):
                self.raw = token
                return
        if self.initial is not MISSING and not self.meanings:
            self.gone = clip(_plain_label(self.initial), MAX_LABEL_LENGTH)

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

    def options(self) -> list[tuple[str, str, MaybeJSON]]:
        return [("1", "Yes", True), ("0", "No", False), *self._blank_options()]

    def decode(self) -> MaybeJSON:
        value = super().decode()
        if self.problems:
            self.problems = ["Choose Yes or No."]
        return value


class Search(Choice):
    """One of very many options, found by typing its label."""

    template = "search"

    def open(self) -> None:
        super().open()
        labels = {token: label for token, label, _ in self.options()}
        self.raw = labels.get(self.raw, self.gone)

    def decode(self) -> MaybeJSON:
        self.problems.clear()
        if not self.raw.strip() and self.meanings:
            return MISSING if OMIT in self.meanings else None
        for _, label, value in self.options():
            if label == self.raw.strip():
                return value
        self.note_problem("Choose one of the options." if self.raw else "Choose an option.")
        return MISSING

    def answers(self) -> Iterator[Answer]:
        if self.raw:
            yield (self.label,), self.raw

    @property
    def is_radio(self) -> bool:
        return False

    @property
    def suggestions(self) -> list[str]:
        labels = [label for _, label, _ in self.options()]
        return labels if len(labels) <= MAX_SUGGESTIONS else []

    @property
    def hints(self) -> list[str]:
        count = len(self.node.options)
        return [f"{count:,} options; type to find one."]


class Ticks(Control):
    """Any number of distinct options, each ticked once."""

    template = "ticks"

    def options(self) -> list[tuple[str, str, JSONValue]]:
        listed = tuple(as_list(self._item_keywords().get("enum")))
        labels = label_options(listed, as_list(self._item_keywords().get("x-labels")))
        return [(str(index), labels[index], option) for index, option in enumerate(listed)]

    def _item_keywords(self) -> dict[str, JSONValue]:
        return as_dict(self.desk.schema.resolve(self.node.keywords["items"]))

    def open(self) -> None:
        chosen = as_list(self.initial)
        self.ticked = [
            token
            for token, _, value in self.options()
            if any(same_json(value, item) for item in chosen)
        ]
        self.blank = self.meanings[0] if self.initial in (None, MISSING) and self.meanings else ""

    def read(self, posted: "Posted") -> None:
        self.ticked = posted.texts(self.name)
        self.blank = posted.text(f"{self.name}.!") if len(self.meanings) > 0 else ""

    def state(self) -> tuple[object, ...]:
        return (tuple(self.ticked), self.blank if not self.ticked else "")

    def decode(self) -> MaybeJSON:
        self.problems.clear()
        if self.initial is not MISSING and self.state() == self._opening:
            value: MaybeJSON = self.initial
        elif not self.ticked and self.blank in self.meanings:
            value = MISSING if self.blank == OMIT else None
        else:
            value = [option for token, _, option in self.options() if token in self.ticked]
        if isinstance(value, list):
            self.check(value)
        return value

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
        labels = [label for token, label, _ in self.options() if token in self.ticked]
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

"""Controls whose answer is chosen, not typed."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from approvals.schemaforms.controls.base import NULL, OMIT, Answer, Control
from approvals.schemaforms.limits import MAX_LABEL_LENGTH, MAX_RADIO_OPTIONS, MAX_SELECT_OPTIONS
from approvals.schemaforms.posted import Posted
from approvals.schemaforms.values import (
    MISSING,
    JSONValue,
    MaybeJSON,
    as_list,
    clip,
    place_of,
    plain_label,
    same_json,
)


class Option(NamedTuple):
    """What can be chosen: the token that is posted, the label that is read, the value."""

    token: str
    label: str
    value: MaybeJSON
    description: str = ""


def list_options(control: Control, places: Iterable[int]) -> list[Option]:
    """Return the options at some places among those of a control."""
    labels, members = control.context.label_options(control.node), control.node.members
    return [
        Option(str(place), labels[place], members[place].value, members[place].description)
        for place in places
    ]


class Choice(Control):
    """One of a few options, chosen by its number so that 1, "1" and true stay apart."""

    template = "choice"
    unset_words = "Not set"
    null_words = "None"

    def options(self) -> list[Option]:
        """Everything that can be chosen."""
        return list_options(self, range(len(self.node.members))) + self.blank_options()

    @property
    def labels(self) -> list[str]:
        """How each option reads, in their order."""
        return self.context.label_options(self.node)

    def blank_options(self) -> list[Option]:
        """What can be chosen in the place of an option."""
        unset = self.words_of_default if self.keeps_default else self.unset_words
        words = {
            OMIT: Option(OMIT, unset, MISSING),
            NULL: Option(NULL, self.null_words, None),
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
            self.gone = clip(plain_label(self.initial), MAX_LABEL_LENGTH)

    def opening_token(self) -> str:
        """Return the token of the initial value, or "" where nothing is chosen."""
        if self.keeps_default:
            return OMIT
        opened = (
            option.token for option in self.options() if same_json(option.value, self.initial)
        )
        return next(opened, "")

    def read(self, posted: Posted) -> None:
        self.raw = posted.text(self.name)

    def state(self) -> tuple[object, ...]:
        return (self.raw,)

    def decode(self) -> MaybeJSON:
        self.problems.clear()
        for option in self.options():
            if option.token == self.raw:
                return option.value
        self.note_problem("Choose one of the options.")
        return MISSING

    @property
    def is_chosen(self) -> bool:
        return any(option.token == self.raw for option in self.options())

    @property
    def chosen_tokens(self) -> list[str]:
        return [self.raw] if self.raw else []

    @property
    def is_radio(self) -> bool:
        """A list that opens has no room for what describes its options."""
        options = self.options()
        is_described = any(option.description for option in options)
        return len(options) <= (MAX_SELECT_OPTIONS if is_described else MAX_RADIO_OPTIONS)

    @property
    def focus_id(self) -> str:
        return f"{self.id}-{self.options()[0][0]}" if self.is_radio else self.id

    def inputs(self) -> Iterator[tuple[str, str]]:
        if self.raw:
            yield self.name, self.raw

    def answers(self) -> Iterator[Answer]:
        for option in self.options():
            if option.token == self.raw and option.value is not MISSING:
                yield (self.label,), option.label
        if self.gone and not self.raw:
            yield (self.label,), self.gone


class YesNo(Choice):
    """A boolean: nothing is chosen before somebody answers."""

    null_words = "Not decided"

    def options(self) -> list[Option]:
        names = as_list(self.node.keywords.get("enumNames"))
        yes, no = map(str, names) if len(names) == 2 else ("Yes", "No")
        return [Option("1", yes, True), Option("0", no, False), *self.blank_options()]

    def decode(self) -> MaybeJSON:
        value = super().decode()
        if self.problems:
            yes, no, *_ = self.options()
            self.problems = [f"Choose {yes.label} or {no.label}."]
        return value


class Ticks(Control):
    """Any number of distinct options, each ticked once."""

    template = "ticks"

    def options(self) -> list[Option]:
        return list_options(self, range(len(self.values)))

    @property
    def values(self) -> Sequence[JSONValue]:
        """Everything that can be ticked."""
        return self.node.options

    @property
    def labels(self) -> list[str]:
        """How each of the values reads."""
        return self.context.label_options(self.node)

    def open(self) -> None:
        places = [place_of(item, self.values) for item in as_list(self.initial)]
        self.ticked = [str(place) for place in sorted({p for p in places if p is not None})]
        self.blank = self.meanings[0] if self.initial in (None, MISSING) and self.meanings else ""

    def read(self, posted: Posted) -> None:
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
            value: MaybeJSON = MISSING if self.keeps_default else self.initial
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
    """A value that the schema settles: shown, and sent without being asked for."""

    template = "fixed"

    @property
    def is_hidden(self) -> bool:
        """What the choice of a branch has settled is told by its name."""
        return self.slot.fixed is not MISSING or self.decode() is MISSING

    @property
    def words(self) -> str:
        value = self.decode()
        has_label = value is not MISSING and len(self.node.members) == 1
        return self.context.label_options(self.node)[0] if has_label else plain_label(value)

    def decode(self) -> MaybeJSON:
        if self.slot.fixed is not MISSING:
            return self.slot.fixed
        if self.node.options:
            return self.node.options[0]
        return None if self.slot.required or self.initial is None else MISSING

    def answers(self) -> Iterator[Answer]:
        if not self.is_hidden:
            yield (self.label,), self.words

"""Choosing among very many options: a search brings a few of them, to be picked as usual."""

import heapq
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from approvals.schemaforms.controls.base import OMIT
from approvals.schemaforms.controls.choices import Choice, Option, Ticks, list_options
from approvals.schemaforms.limits import (
    MAX_FOUND_OPTIONS,
    MAX_QUERY_LENGTH,
    MAX_SEARCH_SECONDS,
)
from approvals.schemaforms.posted import Posted
from approvals.schemaforms.values import MISSING, MaybeJSON, clip, place_of

_LOOK_AT_CLOCK_EVERY = 1_000


@dataclass(frozen=True)
class Found:
    """What a search brought: the places of the best matches, and how many there are in all."""

    places: list[int]
    count: int
    is_partial: bool = False


def search_labels(labels: Sequence[str], query: str) -> Found:
    """Find the labels that contain every word of `query`; the closest come first."""
    words = simplify(query[:MAX_QUERY_LENGTH]).split()
    text = " ".join(words)
    deadline = time.monotonic() + MAX_SEARCH_SECONDS
    ranked: list[tuple[int, int]] = []
    for place, label in enumerate(labels):
        if place % _LOOK_AT_CLOCK_EVERY == 0 and time.monotonic() > deadline:
            return Found(_best(ranked), len(ranked), is_partial=True)
        plain = simplify(label)
        if all(word in plain for word in words):
            ranked.append((0 if plain == text else 1 if plain.startswith(text) else 2, place))
    return Found(_best(ranked), len(ranked))


def _best(ranked: list[tuple[int, int]]) -> list[int]:
    return [place for _, place in heapq.nsmallest(MAX_FOUND_OPTIONS, ranked)]


def simplify(text: str) -> str:
    """Return text to search in: without case, accents and the width of letters."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text)
    return "".join(part for part in parts if not unicodedata.combining(part)).casefold()


class SearchBox:
    """What is searched for among the options of one control, and what that brings."""

    def __init__(self, name: str, labels: Sequence[str]) -> None:
        self.name = f"{name}.q"
        self.labels = labels
        self.query = ""
        self.is_searched = False
        self._found = Found([], 0)

    def read(self, posted: Posted) -> None:
        self.query = posted.text(self.name)
        if self.query.strip():
            self.search()

    def search(self) -> None:
        """Bring the options that match; the first of all where nothing was typed."""
        self.is_searched = True
        self._found = search_labels(self.labels, self.query)

    def offer(self, picked: list[int]) -> list[int]:
        """The places to show: what is picked stays in sight whatever is searched for."""
        return picked + [place for place in self._found.places if place not in picked]

    @property
    def first_match(self) -> int | None:
        return next(iter(self._found.places), None)

    @property
    def outcome(self) -> str:
        """What the search brought, in words."""
        found = self._found
        if not self.is_searched:
            return ""
        if found.is_partial:
            return "There is too much to search through. Type the whole name of an option."
        if not found.count:
            return f"Nothing contains “{clip(self.query.strip(), 60)}”."
        if found.count > len(found.places):
            return f"The first {len(found.places)} of {found.count:,} matches. Type more of it."
        return "1 match" if found.count == 1 else f"{found.count} matches"

    @property
    def hints(self) -> list[str]:
        return [f"{len(self.labels):,} options: search for a part of one."]

    def typed_in_full(self) -> int | None:
        """The place of the only option that reads exactly like what was typed."""
        query = self.query.strip()
        return self.labels.index(query) if self.labels.count(query) == 1 else None

    def is_answered_by(self, labels: list[str]) -> bool:
        """Whether one of the chosen `labels` is what was searched for, if anything was."""
        return not self.query.strip() or search_labels(labels, self.query).count > 0

    def inputs(self) -> Iterator[tuple[str, str]]:
        if self.query:
            yield self.name, self.query


class Search(Choice):
    """One of very many options."""

    template = "search"

    def open(self) -> None:
        self.box = SearchBox(self.name, self.labels)
        super().open()

    def opening_token(self) -> str:
        if self.keeps_default:
            return OMIT
        place = place_of(self.initial, self.node.options)
        blanks = [option.token for option in self.blank_options() if option.value is self.initial]
        return str(place) if place is not None else next(iter(blanks), "")

    def read(self, posted: Posted) -> None:
        super().read(posted)
        self.box.read(posted)

    def options(self) -> list[Option]:
        return self.blank_options() + list_options(self, self.box.offer(self._picked()))

    def _picked(self) -> list[int]:
        place = read_place(self.raw)
        return [place] if place is not None and place < len(self.node.options) else []

    def decode(self) -> MaybeJSON:
        self.problems.clear()
        chosen = self._chosen()
        if chosen is None or not self.box.is_answered_by([chosen.label]):
            place = None if self._picked() else self.box.typed_in_full()
            if place is None:
                self.note_problem(self._ask(chosen))
            else:
                self.raw = str(place)
                chosen = self._chosen()
        return chosen.value if chosen else MISSING

    def _chosen(self) -> Option | None:
        return next((option for option in self.options() if option.token == self.raw), None)

    def _ask(self, chosen: Option | None) -> str:
        if chosen is not None:
            return f"“{chosen.label}” is chosen. Choose what you searched for, or clear the search."
        return "Choose one of the options." if self.box.query else "Choose an option."

    def is_pristine(self) -> bool:
        return super().is_pristine() and not self.box.query

    @property
    def is_radio(self) -> bool:
        return False

    @property
    def focus_id(self) -> str:
        return f"{self.id}-q"

    @property
    def hints(self) -> list[str]:
        return self.box.hints

    def inputs(self) -> Iterator[tuple[str, str]]:
        yield from super().inputs()
        yield from self.box.inputs()


class SearchTicks(Ticks):
    """Any number of distinct options out of very many."""

    template = "search"

    def open(self) -> None:
        self.box = SearchBox(self.name, self.labels)
        super().open()

    def read(self, posted: Posted) -> None:
        super().read(posted)
        self.box.read(posted)

    def options(self) -> list[Option]:
        return list_options(self, self.box.offer(self.ticked_indexes()))

    def ticked_indexes(self) -> list[int]:
        places = {read_place(token) for token in self.ticked}
        return sorted(place for place in places if place is not None and place < len(self.values))

    def decode(self) -> MaybeJSON:
        value = super().decode()
        if not self.box.is_answered_by([self.labels[place] for place in self.ticked_indexes()]):
            self.note_problem("Tick what you searched for, or clear the search.")
        return value

    def is_pristine(self) -> bool:
        return super().is_pristine() and not self.box.query

    @property
    def focus_id(self) -> str:
        return f"{self.id}-q"

    @property
    def hints(self) -> list[str]:
        return self.box.hints

    def inputs(self) -> Iterator[tuple[str, str]]:
        yield from super().inputs()
        yield from self.box.inputs()


def read_place(token: str) -> int | None:
    """Read the number of an option from a posted token."""
    is_number = token.isascii() and token.isdecimal() and len(token) < 10
    return int(token) if is_number and str(int(token)) == token else None


def first_match_id(control: Search | SearchTicks) -> str:
    """Where a person goes on after a search."""
    place = control.box.first_match
    return control.focus_id if place is None else f"{control.id}-{place}"

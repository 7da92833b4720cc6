"""Who may answer a pause, as one line of text: `2 of @finance + 1 of @data, not the requester`.

An author's flow writes the line, and the server reads it: both by this grammar.

    policy = part { ("+" | "then") part } { "," word } { ";" step }
    part   = (number | "all" | "most") "of" who { "or" who }  |  "anyone"
    who    = "@" group  |  user name  |  "key:" name of an API key

What happens while nobody answers, a step, is read by `flowruns.domain.policy_steps`.
A name that holds a space, a comma or a word of the grammar stands in quotes: `@"Legal team"`.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from typing import Final

from flowruns.domain.policy_names import (
    EVERYBODY,
    PolicyUnreadable,
    Who,
    WhoKind,
    read_whos,
    split_line,
)
from flowruns.domain.policy_steps import AtEnd, Step, read_steps, split_steps

__all__ = ["PolicyUnreadable", "Who", "WhoKind"]

# Of one part; more people than that are a vote of the public.
MAX_SEATS: Final = 50

MAX_PARTS: Final = 20
# Characters of a line.
MAX_LENGTH: Final = 1_000

# The keyword of a schema that carries a policy, for authors who write Prefect's own classes.
ANNOTATION: Final = "x-approvals"


class Quorum(StrEnum):
    """How many of a part's people have to agree, where that is not a number."""

    ALL = "all"
    MOST = "most"


@dataclass(frozen=True, slots=True)
class Part:
    """So many seats for these people; `then` says that it waits for the part before it."""

    count: int | Quorum
    who: tuple[Who, ...]
    then: bool = False

    @property
    def is_anyone(self) -> bool:
        return self.who[0].kind is WhoKind.ANYONE

    def __str__(self) -> str:
        if self.is_anyone and self.count == 1:
            return "anyone"
        return f"{self.count} of {' or '.join(map(str, self.who))}"


class Word(StrEnum):
    NOT_THE_REQUESTER = "not the requester"
    A_NO_COUNTS = "a no counts"
    SEEN_BY_THEM_ONLY = "seen by them only"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class Policy:
    """Parts in the order in which they stand, words that hold for all of them, and steps."""

    parts: tuple[Part, ...]
    words: frozenset[Word] = frozenset()
    steps: tuple[Step, ...] = ()
    at_end: AtEnd | None = None

    def __str__(self) -> str:
        ending = [f"at the end {self.at_end}"] if self.at_end else []
        return "; ".join([self.rule, *map(str, self.steps), *ending])

    @property
    def rule(self) -> str:
        """Who has to agree, without what happens while they do not."""
        parts = [
            (" then " if part.then else " + ") * (number > 0) + str(part)
            for number, part in enumerate(self.parts)
        ]
        return ", ".join(["".join(parts), *(word for word in Word if word in self.words)])

    @property
    def lets_anyone(self) -> bool:
        """Whether a person or an API key answers alone, whoever comes."""
        return not self.words and self.parts == ANYONE.parts

    @property
    def stages(self) -> list[int]:
        """For each part the number of its stage: parts of one stage are filled in any order."""
        stage, stages = 0, []
        for part in self.parts:
            stage += part.then
            stages.append(stage)
        return stages

    def names(self, kind: WhoKind) -> frozenset[str]:
        """Return by name who may sit in its parts."""
        return frozenset(who.name for part in self.parts for who in part.who if who.kind is kind)

    def asks_later(self, kind: WhoKind) -> frozenset[str]:
        """Return by name whom its steps ask."""
        return frozenset(who.name for step in self.steps for who in step.who if who.kind is kind)


ANYONE: Final = Policy((Part(1, EVERYBODY),))


def parse_policy(line: str) -> Policy:
    """Read a line; raises `PolicyUnreadable`."""
    if len(line) > MAX_LENGTH:
        raise PolicyUnreadable(f"A policy has {MAX_LENGTH} characters at most.")
    rule, *steps = split_steps(line)
    return replace(_read_rule(rule), **read_steps(steps))


def _read_rule(line: str) -> Policy:
    clauses = [
        list(pieces)
        for is_comma, pieces in groupby(split_line(line), lambda piece: piece == ",")
        if not is_comma
    ]
    if not clauses or line.lstrip().startswith(","):
        raise PolicyUnreadable('Say who answers, such as "1 of @finance" or "anyone".')
    words = [_read_word(" ".join(pieces)) for pieces in clauses[1:]]
    if line.count(",") and split_line(line)[-1] == ",":
        raise PolicyUnreadable("Nothing follows the last comma.")
    return Policy(tuple(_read_parts(clauses[0])), frozenset(words))


def _read_word(text: str) -> Word:
    try:
        return Word(text)
    except ValueError:
        known = ", ".join(f'"{word}"' for word in Word)
        raise PolicyUnreadable(
            f'"{text}" is unknown. After a comma stands {known};'
            ' between names stands "or", between parts "+".'
        ) from None


def _read_parts(pieces: list[str]) -> list[Part]:
    parts, start, then = [], 0, False
    for place, piece in enumerate([*pieces, "+"]):
        if piece in {"+", "then"}:
            parts.append(_read_part(pieces[start:place], then=then))
            start, then = place + 1, piece == "then"
    if len(parts) > MAX_PARTS:
        raise PolicyUnreadable(f"A policy has {MAX_PARTS} parts at most.")
    return parts


def _read_part(pieces: list[str], *, then: bool) -> Part:
    match pieces:
        case []:
            raise PolicyUnreadable('A part is missing before or after "+" or "then".')
        case ["anyone"]:
            return Part(1, EVERYBODY, then)
        case [count, "of", *who]:
            return Part(_read_count(count, who), read_whos(who), then)
        case [first, *_]:
            raise PolicyUnreadable(
                f'"{" ".join(pieces)}" is no part of a policy: "{first}" begins neither'
                ' "2 of …", "all of …" nor "most of …", and is not "anyone".'
            )
        case _:  # pragma: no cover -- lists are empty or not
            raise AssertionError


def _read_count(text: str, who: list[str]) -> int | Quorum:
    if text in list(Quorum):
        if who == ["anyone"]:
            raise PolicyUnreadable(f'"{text} of anyone" never ends; say how many.')
        return Quorum(text)
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:9]) <= MAX_SEATS):
        raise PolicyUnreadable(
            f'"{text}" is not how many: a number from 1 to {MAX_SEATS}, "all" or "most".'
        )
    return int(text)

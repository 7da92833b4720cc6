"""Who may answer a pause, as one line of text: `2 of @finance + 1 of @data, not the requester`.

An author's flow writes the line, and the server reads it: both by this grammar.

    policy = part { ("+" | "then") part } { "," word }
    part   = (number | "all" | "most") "of" who { "or" who }  |  "anyone"
    who    = "@" group  |  user name  |  "key:" name of an API key

A name that holds a space, a comma or a word of the grammar stands in quotes: `@"Legal team"`.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Final

# Of one part; more people than that are a vote of the public.
MAX_SEATS: Final = 50

MAX_PARTS: Final = 20
# Characters of a line.
MAX_LENGTH: Final = 1_000

# The keyword of a schema that carries a policy, for authors who write Prefect's own classes.
ANNOTATION: Final = "x-approvals"

_PIECE = re.compile(r'\s*((?:@|key:)?"[^"]*"|,|[^\s,"]+)')
_PLAIN_NAME = re.compile(r'[^\s,"@][^\s,"]*')
_GRAMMAR = frozenset({"of", "or", "then", "+", "all", "most", "anyone", "key:"})


class PolicyUnreadable(ValueError):
    """A line is not a policy; the message says which word is wrong."""


class WhoKind(StrEnum):
    ANYONE = "anyone"
    GROUP = "group"
    PERSON = "person"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Who:
    """A group, a person or an API key by name, or anyone."""

    kind: WhoKind
    name: str = ""

    def __str__(self) -> str:
        sign = {WhoKind.GROUP: "@", WhoKind.KEY: "key:"}.get(self.kind, "")
        return sign + _quote(self.name) if self.name else "anyone"


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
    """Parts in the order in which they stand, and words that hold for all of them."""

    parts: tuple[Part, ...]
    words: frozenset[Word] = frozenset()

    def __str__(self) -> str:
        parts = [
            (" then " if part.then else " + ") * (number > 0) + str(part)
            for number, part in enumerate(self.parts)
        ]
        return ", ".join(["".join(parts), *(word for word in Word if word in self.words)])

    @property
    def lets_anyone(self) -> bool:
        """Whether this is `anyone` and nothing else: a person or an API key, whoever comes."""
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
        return frozenset(who.name for part in self.parts for who in part.who if who.kind is kind)


ANYONE: Final = Policy((Part(1, (Who(WhoKind.ANYONE),)),))


def parse_policy(line: str) -> Policy:
    """Read a line; raises `PolicyUnreadable`."""
    if len(line) > MAX_LENGTH:
        raise PolicyUnreadable(f"A policy has {MAX_LENGTH} characters at most.")
    clauses = [
        list(pieces)
        for is_comma, pieces in groupby(_split(line), lambda piece: piece == ",")
        if not is_comma
    ]
    if not clauses or line.lstrip().startswith(","):
        raise PolicyUnreadable('Say who answers, such as "1 of @finance" or "anyone".')
    words = [_read_word(" ".join(pieces)) for pieces in clauses[1:]]
    if line.count(",") and _split(line)[-1] == ",":
        raise PolicyUnreadable("Nothing follows the last comma.")
    return Policy(tuple(_read_parts(clauses[0])), frozenset(words))


def _split(line: str) -> list[str]:
    pieces, place = [], 0
    line = line.rstrip()
    while place < len(line):
        found = _PIECE.match(line, place)
        if found is None:
            raise PolicyUnreadable(f"A quotation mark is open: {line[place:].strip()}")
        pieces.append(found[1])
        place = found.end()
    return pieces


def _read_word(text: str) -> Word:
    try:
        return Word(text)
    except ValueError:
        known = ", ".join(f'"{word}"' for word in Word)
        raise PolicyUnreadable(f'"{text}" is unknown. After a comma stands {known}.') from None


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
            return Part(1, ANYONE.parts[0].who, then)
        case [count, "of", *who]:
            return Part(_read_count(count, who), _read_whos(who), then)
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


def _read_whos(pieces: list[str]) -> tuple[Who, ...]:
    if pieces == ["anyone"]:
        return ANYONE.parts[0].who
    expects_name, found = True, []
    for piece in pieces:
        if expects_name:
            found.append(_read_who(piece))
        elif piece != "or":
            raise PolicyUnreadable(f'"{piece}" is unknown; between names stands "or".')
        expects_name = not expects_name
    if expects_name:
        raise PolicyUnreadable('A name is missing after "of" or "or".')
    return tuple(dict.fromkeys(found))


def _read_who(piece: str) -> Who:
    sign = next((sign for sign in ("@", "key:") if piece.startswith(sign)), "")
    name = piece.removeprefix(sign)
    is_quoted = name.startswith('"')
    name = name.strip('"')
    if not name or (not sign and not is_quoted and name in _GRAMMAR):
        raise PolicyUnreadable(f'"{piece}" is not the name of a group, a person or an API key.')
    kind = {"@": WhoKind.GROUP, "key:": WhoKind.KEY}.get(sign, WhoKind.PERSON)
    return Who(kind, name)


def _quote(name: str) -> str:
    is_plain = _PLAIN_NAME.fullmatch(name) and name not in _GRAMMAR and name[:4] != "key:"
    return name if is_plain else f'"{name}"'

"""Who is meant in a policy's line: groups, people and API keys by name, and how it is cut up."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_PIECE = re.compile(r'\s*((?:@|key:)?"[^"]*"|,|[^\s,"]+)')
_PLAIN_NAME = re.compile(r'[^\s,;"@][^\s,;"]*')
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


EVERYBODY: Final = (Who(WhoKind.ANYONE),)


def split_line(line: str) -> list[str]:
    """Cut a line into names, words and commas; raises `PolicyUnreadable`."""
    pieces, place = [], 0
    line = line.rstrip()
    while place < len(line):
        found = _PIECE.match(line, place)
        if found is None:
            raise PolicyUnreadable(f"A quotation mark is open: {line[place:].strip()}")
        pieces.append(found[1])
        place = found.end()
    return pieces


def read_whos(pieces: list[str]) -> tuple[Who, ...]:
    """Read names with "or" between them; raises `PolicyUnreadable`."""
    if pieces == ["anyone"]:
        return EVERYBODY
    expects_name, found = True, []
    for piece in pieces:
        if expects_name:
            found.append(_read_who(piece))
        elif piece == "of":
            raise PolicyUnreadable(
                'A part has one number: "1 of @finance or @data". Two parts have a "+" between.'
            )
        elif piece != "or":
            name = f"{found[-1].name} {piece}".replace('"', "")
            raise PolicyUnreadable(
                f'"{piece}" is unknown; between names stands "or". A name that holds a space'
                f" stands in quotes: {Who(found[-1].kind, name)}"
            )
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

"""What a check finds."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    GOOD = "ok"
    ODD = "odd"
    WRONG = "WRONG"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about one thing, and whether it is good, odd or wrong."""

    level: Level
    about: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.level:<5}  {self.about}: {self.sentence}"


def good(about: str, sentence: str) -> Finding:
    return Finding(Level.GOOD, about, sentence)


def odd(about: str, sentence: str) -> Finding:
    return Finding(Level.ODD, about, sentence)


def wrong(about: str, sentence: str) -> Finding:
    return Finding(Level.WRONG, about, sentence)

"""What happens while nobody answers, as a policy's line goes on after its words.

    step = "after" span act  |  "every" span "remind"  |  "at the end" end
    span = number ["working"] ("minute" | "hour" | "day") ["s"]
    act  = "remind"  |  "ask" who { "or" who }
    end  = "fail"  |  "reject because" text in quotes  |  "answer" JSON value

Between steps stands a semicolon. `every` begins where the step before it was, and comes after all
others; only `at the end` follows.
"""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from flowruns.domain.policy_names import PolicyUnreadable, Who, read_whos, split_line
from flowruns.domain.texts import read_json

MAX_STEPS: Final = 5

# Of a span.
_MAX_NUMBER: Final = 1_000

_CLAUSE = re.compile(r'(?:[^;"]|"[^"]*")*')
_AT_END = re.compile(r"\s*at\s+the\s+end\b\s*")
_STEP = re.compile(r"(after|every)\s+(\d+)\s+(working\s+)?(minute|hour|day)s?\s+(.+)", re.DOTALL)
_REASON = re.compile(r"reject\s+because\s+(.*)", re.DOTALL)
_ANSWER = re.compile(r"answer\b\s*(.*)", re.DOTALL)


class Unit(StrEnum):
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """So much time, on the wall or in working hours."""

    number: int
    unit: Unit
    is_working: bool = False

    def __str__(self) -> str:
        word = f"working {self.unit}" if self.is_working else str(self.unit)
        return f"{self.number} {word}{'s' * (self.number != 1)}"

    def length(self, *, day: timedelta) -> timedelta:
        """Return how long it is where one day has so much time."""
        of_units = {Unit.MINUTE: timedelta(minutes=1), Unit.HOUR: timedelta(hours=1), Unit.DAY: day}
        return self.number * of_units[self.unit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """After so long remind those who may answer, or ask others, too, where `who` names them."""

    span: Span
    who: tuple[Who, ...] = ()
    repeats: bool = False

    def __str__(self) -> str:
        act = f"ask {' or '.join(map(str, self.who))}" if self.who else "remind"
        return f"{'every' if self.repeats else 'after'} {self.span} {act}"


class EndKind(StrEnum):
    FAIL = "fail"
    REJECT = "reject"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class AtEnd:
    """What an approval's policy does when its time is over; `answer` is JSON text."""

    kind: EndKind
    reason: str = ""
    answer: str = ""

    def __str__(self) -> str:
        match self.kind:
            case EndKind.FAIL:
                return "fail"
            case EndKind.REJECT:
                return f"reject because {json.dumps(self.reason, ensure_ascii=False)}"
            case EndKind.ANSWER:
                return f"answer {self.answer}"


def split_steps(line: str) -> list[str]:
    """Cut a line at its semicolons, but for those in quotes and in what stands at the end."""
    clauses, place = [], 0
    while not _AT_END.match(line, place):
        found = _CLAUSE.match(line, place)
        end = found.end() if found else len(line)
        if line[end : end + 1] == '"':  # one that is open: whoever reads the clause says so
            end = len(line)
        clauses.append(line[place:end])
        if end == len(line):
            return clauses
        place = end + 1
    return [*clauses, line[place:]] if clauses else [line]


def read_steps(clauses: list[str]) -> dict[str, Any]:
    """Return the steps and the end that clauses say; raises `PolicyUnreadable`."""
    at_end = None
    if clauses and (found := _AT_END.match(clauses[-1])):
        at_end = _read_end(clauses.pop()[found.end() :].strip())
    steps = tuple(_read_step(clause.strip()) for clause in clauses)
    if len(steps) > MAX_STEPS:
        raise PolicyUnreadable(f"A policy has {MAX_STEPS} steps at most.")
    if any(step.repeats for step in steps[:-1]):
        raise PolicyUnreadable('No step comes after "every"; only "at the end" does.')
    return {"steps": steps, "at_end": at_end}


def _read_step(text: str) -> Step:
    found = _STEP.fullmatch(text)
    if found is None:
        raise PolicyUnreadable(
            f'"{text}" is no step: after a semicolon stands "after 4 working hours remind",'
            ' "after 1 working day ask @leads", "every 1 day remind" or "at the end …".'
        )
    how, number, working, unit, act = found.groups()
    span = Span(number=_read_number(number), unit=Unit(unit), is_working=bool(working))
    pieces = split_line(act)
    if pieces == ["remind"]:
        return Step(span=span, repeats=how == "every")
    if how == "every":
        raise PolicyUnreadable('After "every" stands "remind": people are asked once.')
    if pieces[0] != "ask":
        raise PolicyUnreadable(f'"{act}" is no step: it is "remind" or "ask @leads".')
    return Step(span=span, who=read_whos(pieces[1:]))


def _read_number(text: str) -> int:
    if not 0 < int(text[:9]) <= _MAX_NUMBER:
        raise PolicyUnreadable(f'"{text}" is not how long: a number from 1 to {_MAX_NUMBER}.')
    return int(text)


def _read_end(text: str) -> AtEnd:
    if text == "fail":
        return AtEnd(kind=EndKind.FAIL)
    if found := _REASON.fullmatch(text):
        reason = _read_value(found[1])
        if not isinstance(reason, str) or not reason.strip():
            raise PolicyUnreadable('A reason stands in quotes: reject because "nobody answered".')
        return AtEnd(kind=EndKind.REJECT, reason=reason)
    if found := _ANSWER.fullmatch(text):
        answer = json.dumps(_read_value(found[1]), ensure_ascii=False)
        return AtEnd(kind=EndKind.ANSWER, answer=answer)
    raise PolicyUnreadable(
        f'"{text}" is unknown: at the end stands "fail", reject because "nobody answered"'
        ' or "answer {…}".'
    )


def _read_value(text: str) -> Any:
    try:
        return read_json(text)
    except (ValueError, RecursionError):
        raise PolicyUnreadable(f"This is no JSON value: {text[:60]}") from None

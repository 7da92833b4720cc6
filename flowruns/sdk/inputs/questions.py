"""Whose answer is it: what makes a question, when a flow begins again, the one that was answered.

A question is what its person saw, asked by the flow or by one call of a task, at one place in the
code. The place counts while the code is as it was; after an edit the words count.
"""

import hashlib
import linecache
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import PurePath
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple, Self

_OURS = "flowruns.sdk."
_BETWEEN = (_OURS, "asyncio.", "concurrent.")
_LONGEST_STATEMENT: Final = 200


class Call(NamedTuple):
    """One call on the way from the flow's function to the one that asks."""

    function: str
    # What the function does, whatever its lines are; the offset of the call is one in it.
    code: str
    offset: int
    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in its author's code a question is asked, innermost call first."""

    calls: tuple[Call, ...]
    # The other lines of these functions now; not stored.
    lines: frozenset[str] = frozenset()
    # The same place in the words of an earlier release: "line 3 of main in flow.py".
    line: str = ""

    def is_unedited_since(self, earlier: Self) -> bool:
        return _functions(self) == _functions(earlier)

    def is_at(self, earlier: Self) -> bool:
        return [each.offset for each in self.calls] == [each.offset for each in earlier.calls]

    def reads_like(self, earlier: Self) -> bool:
        return [each[::3] for each in self.calls] == [each[::3] for each in earlier.calls]

    def still_has(self, earlier: Self) -> bool:
        """Whether the code asks at the earlier place too, which has another statement."""
        pairs = zip(self.calls, earlier.calls, strict=False)
        return any(
            old.statement != new.statement and old.statement in self.lines for new, old in pairs
        )


def _functions(place: Place) -> list[tuple[str, str]]:
    return [each[:2] for each in place.calls]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question of a flow run, as it is asked now or as it was stored.

    `asker` names the calls of tasks that ask, or "" for the flow; `time` counts how often it was
    asked before at its place in these words; `given` stands for the initial data. A stored one
    knows no more than what its release or client wrote: None is unknown.
    """

    title: str | None
    description: str
    asker: str | None = None
    given: str | None = None
    place: Place | None = None
    time: int = 0
    # "line 3 of main in flow.py" of an earlier release.
    line: str | None = None
    # The number of the question among all of its run.
    number: str = ""

    def __str__(self) -> str:
        return self.description or self.title or "a pause without a question"


class Likeness(StrEnum):
    """What a question has to do with an earlier one."""

    SAME = "same"
    OTHER = "other"
    # At the very place of the earlier one, but in other words.
    REWORDED = "reworded"
    # At the very place of the earlier one, but by a call of the task with other arguments.
    RECALLED = "recalled"


def compare(asked: Question, earlier: Question) -> Likeness:
    """Say whether the answer to `earlier` is that to `asked`.

    It has the same asker and says the same. In unedited code it also is at the same place, for as
    many times; in edited code its statement is the same, or the earlier one has gone.
    """
    if earlier.place is None or asked.place is None:
        return Likeness.SAME if _is_same_unplaced(asked, earlier) else Likeness.OTHER
    says_the_same = _words(asked, earlier) == _words(earlier, earlier)
    is_unedited = asked.place.is_unedited_since(earlier.place)
    is_there = is_unedited and asked.place.is_at(earlier.place)
    if asked.asker != earlier.asker:
        is_recalled = is_there and _tasks(asked) == _tasks(earlier)
        return Likeness.RECALLED if is_recalled else Likeness.OTHER
    if is_there and not says_the_same:
        return Likeness.REWORDED
    if is_unedited:
        is_same = is_there and asked.time == earlier.time
    else:
        is_reworked = bool(asked.description) and not asked.place.still_has(earlier.place)
        is_same = says_the_same and (is_reworked or asked.place.reads_like(earlier.place))
    return Likeness.SAME if is_same else Likeness.OTHER


def name_asker(caller: str, task: str, arguments: str) -> str:
    """Name the call of a task by `arguments`, which `caller` makes, as an asker."""
    return f"{caller}/{task}({arguments})"


def _tasks(question: Question) -> str:
    """Name the tasks of its asker, without their arguments."""
    return re.sub(r"\([0-9a-f]*\)(?=/|$)", "", question.asker or "")


def _words(question: Question, known: Question) -> tuple[Any, ...]:
    """Return what the person saw, as far as it is known of the earlier question."""
    given = question.given if known.given is not None else None
    return question.title, question.description, given


def _is_same_unplaced(asked: Question, earlier: Question) -> bool:
    """Compare with what an earlier release stored, or Prefect's client, which has no places."""
    if _words(asked, earlier) != _words(earlier, earlier):
        return False
    if earlier.line is None:
        return asked.number == earlier.number
    line = asked.place.line if asked.place else ""
    in_function = line.partition(" of ")[2] == earlier.line.partition(" of ")[2]
    return line == earlier.line or bool(in_function and asked.description)


def write_question(question: Question) -> dict[str, Any]:
    """Write what the server does not store of a question anyway, for JSON."""
    calls = [list(call) for call in question.place.calls] if question.place else []
    kept = {"asker": question.asker, "time": question.time, "given": question.given}
    return kept | {"calls": calls}


def read_question(step: Any, *, title: str | None, description: str, number: str) -> Question:
    """Read a stored question: `step` as it was written, by an earlier release (a text), or None."""
    question = Question(title=title, description=description, number=number)
    if not isinstance(step, dict):
        return replace(question, line=step)
    place = Place(calls=tuple(Call(*call) for call in step["calls"]))
    kept = {name: step[name] for name in ("asker", "time", "given")}
    return replace(question, place=place, **kept)


def calling_place() -> Place:
    """Find where the flow's author calls from."""
    frames = list(_author_frames(sys._getframe(1)))  # noqa: SLF001 -- there is no other cheap way
    if not frames:
        return Place(calls=())
    calls = tuple(_describe(frame) for frame in frames)
    lines = frozenset(line for frame in frames for line in _lines(frame))
    code = frames[0].f_code
    line = frames[0].f_lineno - code.co_firstlineno
    words = f"line {line} of {code.co_qualname} in {PurePath(code.co_filename).name}"
    return Place(calls=calls, lines=lines, line=words)


def _author_frames(frame: FrameType | None) -> Iterator[FrameType]:
    """Walk from the call of this library out to the one that it makes of the flow's function."""
    while frame and frame.f_back and _module(frame).startswith(_BETWEEN):
        frame = frame.f_back
    while frame and not _module(frame).startswith(_BETWEEN):
        yield frame
        frame = frame.f_back


def _module(frame: FrameType) -> str:
    return f"{frame.f_globals.get('__name__')}."


def _describe(frame: FrameType) -> Call:
    code = frame.f_code
    statement = linecache.getline(code.co_filename, frame.f_lineno).strip()
    return Call(code.co_qualname, _digest(code), frame.f_lasti, statement[:_LONGEST_STATEMENT])


def _lines(frame: FrameType) -> Iterator[str]:
    code = frame.f_code
    numbers = {line for _, _, line in code.co_lines() if line and line != frame.f_lineno}
    for number in numbers:
        yield linecache.getline(code.co_filename, number).strip()[:_LONGEST_STATEMENT]


def _digest(code: CodeType) -> str:
    return hashlib.sha256(repr(_essence(code)).encode()).hexdigest()[:16]


def _essence(code: CodeType) -> tuple[Any, ...]:
    """Return what code does, whatever its comments and the lines that it is on."""
    constants = [
        _essence(each)
        if isinstance(each, CodeType)
        else sorted(map(repr, each))
        if isinstance(each, frozenset)
        else each
        for each in code.co_consts
    ]
    return code.co_code, code.co_names, code.co_varnames, constants

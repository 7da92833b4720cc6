"""What is wrong with an answer, beside the field it is about."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from approvals.schemaforms.controls.base import Control
from approvals.schemaforms.schema.checks import Complaint
from approvals.schemaforms.schema.complaints import NEEDED, write_complaint

type Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an answer; `control_id` is "" where no control is to blame."""

    path: Path
    message: str
    control_id: str
    label: str = ""


def place_complaint(root: Control, complaint: Complaint) -> None:
    """Note a complaint at the control it is about, unless something is known to be wrong there."""
    missing = _missing_properties(complaint)
    paths = [(*complaint.path, name) for name in missing] or [complaint.path]
    for path in paths:
        control, rest = _descend(root, path)
        if not has_problems(control):
            message = write_complaint(complaint)
            control.note_problem(_name_place(rest, message) if rest else message)
            is_choice = complaint.keyword in {"anyOf", "oneOf"}
            control.names_places = control.names_places or bool(rest) or is_choice


def _name_place(rest: Path, message: str) -> str:
    """Name what a message is about where the page has no field for it."""
    name = " ".join(str(step) for step in rest)
    if message == NEEDED:
        return f"“{name}” needs an answer, and there is no field for it here."
    return f"“{name}”: {message}"


def _missing_properties(complaint: Complaint) -> list[str]:
    if not isinstance(complaint.value, dict):
        return []
    match complaint.keyword, complaint.limit:
        case "required", list() as names:
            return [name for name in names if name not in complaint.value]
        case "dependentRequired", dict() as dependencies:
            return [
                name
                for key, names in dependencies.items()
                if key in complaint.value
                for name in names
                if name not in complaint.value
            ]
    return []


def find_control(control: Control, path: Path) -> Control:
    """Return the control at `path`, or the nearest one around it."""
    return _descend(control, path)[0]


def _descend(control: Control, path: Path) -> tuple[Control, Path]:
    best = control, path
    for key, child in control.children():
        if child.is_hidden:
            continue
        if path and key == path[0] and type(key) is type(path[0]):
            return _descend(child, path[1:])
        if key is None and bool(path) == child.is_group:
            found = _descend(child, path)
            if not path or len(found[1]) < len(best[1]):
                best = found
    return best


def find_control_at(root: Control, place: str) -> Control:
    """Return the control at a place written like `a.b[0]`, or the nearest one around it."""
    ways = {way: control for way, control in _list_places(root, "") if place.startswith(way)}
    around = (way for way in ways if place[len(way) : len(way) + 1] in {"", ".", "["} or not way)
    return ways[max(around, key=len)]


def _list_places(control: Control, way: str) -> Iterator[tuple[str, Control]]:
    yield way, control
    for key, child in control.children():
        if child.is_hidden:
            continue
        step = f"[{key}]" if isinstance(key, int) else f".{key}" if isinstance(key, str) else ""
        yield from _list_places(child, (way + step).removeprefix("." * (not way)))


def has_problems(control: Control) -> bool:
    return bool(control.problems) or any(has_problems(child) for _, child in control.children())


def clear_problems(control: Control) -> None:
    """Take back what was noted while a value was only looked at."""
    for part in control.walk():
        part.problems.clear()


def join_labels(labels: Iterable[str]) -> str:
    """Write the way to a field; a list's name is left to its row ("Findings 2")."""
    steps = [label for label in labels if label]
    followers = [*steps, ""][1:]
    return " \u203a ".join(
        step
        for step, follower in zip(steps, followers, strict=True)
        if not re.fullmatch(rf"{re.escape(step)} \d+", follower)
    )


def show_warnings(control: Control) -> None:
    """Have every control that is part of the answer, and not wrong, tell its warning."""
    if not control.is_present or control.problems:
        return
    control.warning = control.find_warning()
    for _, child in control.children():
        show_warnings(child)


def list_warnings(
    control: Control, labels: tuple[str, ...] = ()
) -> Iterator[tuple[Control, Problem]]:
    """Yield every control whose warning is pointed out, in the order of the form."""
    labels = (*labels, control.label)
    if control.warning:
        yield control, Problem((), control.warning, control.focus_id, join_labels(labels))
    for _, child in control.children():
        yield from list_warnings(child, labels)


def list_problems(
    control: Control, path: Path = (), labels: tuple[str, ...] = ()
) -> Iterator[Problem]:
    """Yield every problem in the order of the form."""
    labels = (*labels, control.label)
    anchor = control.focus_id if path or control.label else ""
    anchor = anchor or (f"{control.id}-error" if control.names_places else "")
    for message in control.problems:
        yield Problem(path, message, anchor, join_labels(labels))
    for key, child in control.children():
        inner = (*path, key) if isinstance(key, (str, int)) else path
        yield from list_problems(child, inner, labels)

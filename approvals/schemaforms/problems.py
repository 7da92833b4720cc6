"""What is wrong with an answer, in plain words and beside the field it is about."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from approvals.schemaforms.checks import matches
from approvals.schemaforms.values import as_names, as_text, clip, plain_label

if TYPE_CHECKING:
    from approvals.schemaforms.checks import Complaint
    from approvals.schemaforms.controls import Control

type Path = tuple[str | int, ...]

NEEDED = "This needs an answer."
MAX_MESSAGE_LENGTH = 500


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an answer; `control_id` is "" where no control is to blame."""

    path: Path
    message: str
    control_id: str
    label: str = ""


_SENTENCES = {
    "maximum": "Enter a number that is at most {limit}.",
    "minimum": "Enter a number that is at least {limit}.",
    "exclusiveMaximum": "Enter a number below {limit}.",
    "exclusiveMinimum": "Enter a number above {limit}.",
    "multipleOf": "Enter a multiple of {limit}.",
    "enum": "Choose one of the options.",
    "const": "This must be {limit}.",
    "minItems": "Add entries: at least {limit} needed.",
    "maxItems": "Remove entries: at most {limit} allowed.",
    "minContains": "Too few of the entries are of the kind that is asked for.",
    "maxContains": "Too many of the entries are of one kind.",
    "contains": "None of the entries is of the kind that is asked for.",
    "uniqueItems": "This repeats an earlier entry.",
    "minProperties": "Add entries: at least {limit} needed.",
    "maxProperties": "Remove entries: at most {limit} allowed.",
    "additionalProperties": "This entry is not expected. Remove it.",
    "unevaluatedProperties": "There are entries here that are not expected.",
    "propertyNames": "A key does not have the expected form.",
    "required": NEEDED,
    "dependentRequired": NEEDED,
    "not": "This value is not allowed.",
    "false": "Nothing is expected here.",
}
_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "Yes or No",
    "array": "a list",
    "object": "a group of named values",
    "null": "left empty",
}


_FORMATS = {
    "date": "a date",
    "date-time": "a date and time",
    "time": "a time",
    "duration": "a duration",
    "email": "an e-mail address",
    "uri": "an address (URL)",
    "uuid": "a UUID",
    "password": "a secret",
    "binary": "a file or text",
    "decimal": "a number",
}


def write_complaint(complaint: "Complaint") -> str:
    """Write in plain words what the schema asks for and the value does not give."""
    limit = complaint.limit
    match complaint.keyword:
        case "minLength":
            return _length_sentence("at least", limit, len(complaint.value))
        case "maxLength":
            return _length_sentence("at most", limit, len(complaint.value))
        case "type":
            return f"This should be {_name_type(limit, complaint.rule)}."
        case "pattern":
            return _pattern_sentence(complaint.rule)
        case "anyOf" | "oneOf" if _asks_for_one_of(limit):
            names = dict.fromkeys(name for part in limit for name in part.get("required", ()))
            listed = ", ".join(f"“{name}”" for name in names)
            return f"Fill in at least one of the fields that belong together here: {listed}."
        case keyword:
            sentence = _SENTENCES.get(keyword, "This does not fit what is asked for here.")
            return clip(sentence.replace("{limit}", clip(_plain(limit), 120)), MAX_MESSAGE_LENGTH)


def _name_type(limit: Any, rule: Any) -> str:
    names = limit if isinstance(limit, list) else [limit]
    words = _FORMATS.get(str(rule.get("format"))) if isinstance(rule, dict) else None
    return " or ".join(
        words if words and name == "string" else _TYPES.get(name, "of another kind")
        for name in names
    )


def _pattern_sentence(rule: Any) -> str:
    """Say what is wrong in the words of the author: a pattern is for machines to read."""
    rule = rule if isinstance(rule, dict) else {}
    shown = as_names(rule.get("examples"))
    fitting = [text for text in shown if matches(str(rule.get("pattern", "")), text)]
    description = " ".join(as_text(rule.get("description")).split())
    hints = [*(f"For example: {clip(text, 80)}" for text in fitting[:1]), clip(description, 200)]
    return " ".join([_UNFIT, *hints[:1]]).strip()


_UNFIT = "This does not have the expected form."


def hide_patterns(message: str) -> str:
    """Return what a server or a flow says, without the regular expressions that it quotes."""
    return _UNFIT if _QUOTED_PATTERN.search(message) else message


_QUOTED_PATTERN = re.compile(
    r"does not match (any of the regexes|r?['\"])|[Ss]hould match pattern|the pattern ['\"]"
)


def _length_sentence(bound: str, limit: Any, length: int) -> str:
    noun = "character" if limit == 1 else "characters"
    if not length:
        return "Enter an answer." if limit == 1 else f"Enter {bound} {limit} {noun}."
    return f"Enter {bound} {limit} {noun}; there are {length} now."


def _asks_for_one_of(parts: Any) -> bool:
    return isinstance(parts, list) and all(
        isinstance(part, dict) and part.keys() <= {"required", "type"} for part in parts
    )


def _plain(limit: Any) -> str:
    if isinstance(limit, float) and limit.is_integer():
        return str(int(limit))
    return str(limit) if isinstance(limit, (Decimal, float)) else plain_label(limit)


def place_complaint(root: "Control", complaint: "Complaint") -> None:
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


def _missing_properties(complaint: "Complaint") -> list[str]:
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


def find_control(control: "Control", path: Path) -> "Control":
    """Return the control at `path`, or the nearest one around it."""
    return _descend(control, path)[0]


def _descend(control: "Control", path: Path) -> "tuple[Control, Path]":
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


def find_control_at(root: "Control", place: str) -> "Control":
    """Return the control at a place written like `a.b[0]`, or the nearest one around it."""
    ways = {way: control for way, control in _list_places(root, "") if place.startswith(way)}
    around = (way for way in ways if place[len(way) : len(way) + 1] in {"", ".", "["} or not way)
    return ways[max(around, key=len)]


def _list_places(control: "Control", way: str) -> "Iterator[tuple[str, Control]]":
    yield way, control
    for key, child in control.children():
        if child.is_hidden:
            continue
        step = f"[{key}]" if isinstance(key, int) else f".{key}" if isinstance(key, str) else ""
        yield from _list_places(child, (way + step).removeprefix("." * (not way)))


def has_problems(control: "Control") -> bool:
    return bool(control.problems) or any(has_problems(child) for _, child in control.children())


def forget_problems(control: "Control") -> None:
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


def point_out_doubts(control: "Control") -> None:
    """Have every control that is part of the answer, and not wrong, tell its doubt."""
    if not control.is_present or control.problems:
        return
    control.doubt = control.find_doubt()
    for _, child in control.children():
        point_out_doubts(child)


def list_doubts(
    control: "Control", labels: tuple[str, ...] = ()
) -> "Iterator[tuple[Control, Problem]]":
    """Yield every control whose doubt is pointed out, in the order of the form."""
    labels = (*labels, control.label)
    if control.doubt:
        yield control, Problem((), control.doubt, control.focus_id, join_labels(labels))
    for _, child in control.children():
        yield from list_doubts(child, labels)


def list_problems(
    control: "Control", path: Path = (), labels: tuple[str, ...] = ()
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

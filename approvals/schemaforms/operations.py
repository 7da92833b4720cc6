"""What the buttons do that change a form's structure: rows, branches, groups."""

from dataclasses import dataclass

from approvals.schemaforms.controls.base import Control
from approvals.schemaforms.controls.files import File
from approvals.schemaforms.controls.groups import Group
from approvals.schemaforms.controls.rows import Rows
from approvals.schemaforms.controls.searching import Search, SearchTicks, first_match_id
from approvals.schemaforms.controls.texts import AnyJSON
from approvals.schemaforms.controls.unions import UnionControl


@dataclass(frozen=True)
class Outcome:
    """A done operation: what it was, which control takes the focus, what is announced."""

    operation: str
    focus_id: str = ""
    announcement: str = ""
    # Controls that are new to the person, so that nothing in them can be wrong yet.
    fresh: tuple[Control, ...] = ()


def apply_operation(root: Control, command: str) -> Outcome:
    """Do what the button with the value `command` says; an unknown command changes nothing."""
    operation, _, target = command.partition(" ")
    name, _, token = target.partition(" ")
    control = _find_by_name(root, name)
    match control:
        case Rows() if operation == "add" or token in control.tokens:
            return _change_rows(control, token, operation)
        case UnionControl() if operation == "branch":
            return _choose(control, token)
        case Group() if operation in {"toggle", "refresh"}:
            return _toggle(control) if operation == "toggle" else Outcome("refresh")
        case AnyJSON() | File() | Search() | SearchTicks():
            return _change_field(control, operation)
    return Outcome("none")


def _change_field(control: AnyJSON | File | Search | SearchTicks, operation: str) -> Outcome:
    match control:
        case AnyJSON() if operation == "quote":
            control.quote()
            return Outcome("quote", control.focus_id, "Put in quotes")
        case File() if operation in {"keep", "drop"}:
            return _change_file(control, operation)
        case Search() | SearchTicks() if operation == "search":
            control.box.search()
            return Outcome("search", first_match_id(control), control.box.outcome)
    return Outcome("none")


def _find_by_name(control: Control, name: str) -> Control | None:
    if control.name == name:
        return control
    for part in control.inner_controls():
        if part.name == name or name.startswith(f"{part.name}."):
            return _find_by_name(part, name)
    return None


def reach_control(control: Control, name: str) -> Control | None:
    """Return the control `name`, opening the rows, branches and groups on the way to it."""
    if control.name == name:
        return control
    step = name.removeprefix(f"{control.name}.").partition(".")[0]
    match control:
        case UnionControl():
            control.choose(step)
        case Group():
            control.open_way(step)
    inside = (part for part in control.inner_controls() if f"{name}.".startswith(f"{part.name}."))
    return next((found for part in inside if (found := reach_control(part, name))), None)


def _add(rows: Rows) -> Outcome:
    if not rows.can_add:
        return Outcome("add", rows.id, "No more entries can be added")
    if not rows.is_present:
        rows.toggle()
    token = rows.add_row()
    row = rows.row_controls(token)
    return Outcome("add", row[0].entry_id, f"Entry {len(rows.tokens)} added", tuple(row))


def _remove(rows: Rows, token: str) -> Outcome:
    number = rows.tokens.index(token) + 1
    for control in rows.row_controls(token):
        _drop_files(control)
    rows.remove_row(token)
    if not rows.tokens:
        return Outcome("remove", f"{rows.id}-add", f"Entry {number} removed, none left")
    heir = rows.tokens[min(number, len(rows.tokens)) - 1]
    focus = rows.row_controls(heir)[0].entry_id
    return Outcome("remove", focus, f"Entry {number} removed, {len(rows.tokens)} left")


def _change_rows(rows: Rows, token: str, operation: str) -> Outcome:
    match operation:
        case "add":
            return _add(rows)
        case "remove":
            return _remove(rows, token)
        case "up":
            return _move(rows, token, -1)
        case "down":
            return _move(rows, token, 1)
    return Outcome("none")


def _move(rows: Rows, token: str, step: int) -> Outcome:
    moved = rows.move_row(token, step)
    number = rows.tokens.index(token) + 1
    words = f"Entry moved to place {number}" if moved else f"Entry stays at place {number}"
    # On the button that goes on in the same direction, while there is one
    goes_up = number > 1 and (step < 0 or number == len(rows.tokens))
    return Outcome("move", f"{rows.id}-{token}-{'up' if goes_up else 'down'}", words)


def _change_file(file: File, operation: str) -> Outcome:
    name = file.file_name
    if operation == "drop":
        file.drop()
        return Outcome("drop", file.focus_id, f"{name} removed")
    return Outcome("keep", file.focus_id, file.refusal or (f"{name} added" if name else ""))


def _drop_files(control: Control) -> None:
    for part in control.walk():
        if isinstance(part, File):
            part.drop()


def _choose(union: UnionControl, token: str) -> Outcome:
    union.choose(token)
    label = dict(union.options()).get(union.chosen, "")
    words = f"{label} chosen" if label else ""
    return Outcome("branch", f"{union.id}-b{union.chosen}", words, (union,))


def _toggle(group: Group) -> Outcome:
    group.toggle()
    words = "shown" if group.is_present else "left out"
    return Outcome("toggle", group.entry_id, f"{group.label} {words}", (group,))

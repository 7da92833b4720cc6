"""Carry what was typed into one schema's form over into the form of another schema."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from approvals.schemaforms.controls.base import Control, TextControl
from approvals.schemaforms.controls.files import File, name_kept
from approvals.schemaforms.controls.groups import PRESENT, Group
from approvals.schemaforms.controls.maps import MapControl
from approvals.schemaforms.controls.objects import ObjectControl
from approvals.schemaforms.controls.problems import clear_problems, join_labels
from approvals.schemaforms.controls.rows import ListControl, Rows
from approvals.schemaforms.controls.texts import AnyJSON, ReadOnly, Secret
from approvals.schemaforms.controls.unions import UnionControl
from approvals.schemaforms.form import Form, open_form, read_form
from approvals.schemaforms.limits import MAX_COMPARED_NODES, MAX_SHOWN_VALUE
from approvals.schemaforms.posted import FieldList
from approvals.schemaforms.values import (
    MISSING,
    JSONValue,
    clip,
    is_larger_than,
    same_json,
)

# How often answers are filled in that bring in questions to which there are answers, too.
_MAX_PASSES = 30

type Inputs = Iterator[tuple[str, str]]


@dataclass
class Changes:
    """How a form differs from the one before, by the labels of its questions."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    # What was typed and fits nowhere any more, as (label, text).
    lost: list[tuple[str, str]] = field(default_factory=list)


def carry_over(old: Form, schema: JSONValue) -> tuple[list[tuple[str, str]], Changes]:
    """Return the fields that fill in a form of `schema` as far as `old` fits, and what differs.

    Only what somebody entered is carried: a default that nobody touched gives way to the new one.
    """
    changes = Changes()
    _compare(open_form(old.schema).root, open_form(schema).root, (), changes)
    fields, changes.lost = _move(old.root, schema)
    return fields, changes


def fill_form(schema: JSONValue, value: JSONValue) -> list[tuple[str, str]]:
    """Return the fields that fill in a form with an earlier answer, without secrets and files."""
    blank = open_form(schema).root
    root = blank.context.build(replace(blank.slot, given=value))
    fields, _ = _move(root, schema, is_answer=True)
    files = {
        part.name
        for part in root.walk()
        if isinstance(part, File) and len(part.raw) > MAX_SHOWN_VALUE
    }
    asked = [name_kept(name, "an earlier file") for name in sorted(files)]
    # Where there is no default, a blank JSON editor would ask instead of answering null
    nulls = {
        part.name for part in root.walk() if isinstance(part, AnyJSON) and part.initial is None
    }
    fields = [(name, "null" if name in nulls else text) for name, text in fields]
    return [pair for pair in fields if pair[0] not in files] + asked


def _move(
    old: Control, schema: JSONValue, *, is_answer: bool = False
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the fields of a form of `schema` that holds what `old` does, and what it cannot."""
    root = open_form(schema).root
    move = _Move(is_answer=is_answer)
    fields = list(move.fill(old, root))
    for _ in range(_MAX_PASSES if move.lost or _is_conditional(root) else 0):
        # Again, with the questions that these answers bring in
        before, move = fields, _Move(is_answer=is_answer)
        fields = list(move.fill(old, read_form(schema, FieldList(fields)).root))
        if fields == before:
            break
    return fields, move.lost


def _is_conditional(root: Control) -> bool:
    return any(isinstance(part, ObjectControl) and part.is_conditional for part in root.walk())


def _compare(old: Control, new: Control, labels: tuple[str, ...], changes: Changes) -> None:
    """Note which questions are new, gone or changed."""
    before, after = _questions(old), _questions(new)
    changes.removed += [
        join_labels((*labels, part.label)) for name, part in before.items() if name not in after
    ]
    for name, part in after.items():
        steps = (*labels, part.label)
        if name not in before:
            changes.added.append(join_labels(steps))
        elif _questions(before[name]) and _questions(part):
            _compare(before[name], part, steps, changes)
        elif not _is_same_question(before[name], part):
            changes.altered.append(join_labels(steps))


def _questions(control: Control) -> dict[str, Control]:
    if not isinstance(control, ObjectControl):
        return {}
    return {
        key: part for key, part in control.children() if isinstance(key, str) and not part.is_hidden
    }


def _is_same_question(old: Control, new: Control) -> bool:
    if old.slot.required != new.slot.required or is_larger_than(old.slot.raw, MAX_COMPARED_NODES):
        return False
    return same_json(_spell_out(old, old.slot.raw), _spell_out(new, new.slot.raw))


def _spell_out(control: Control, raw: JSONValue) -> JSONValue:
    """Write a schema with what it refers to in the place of each reference, within bounds."""
    left = [MAX_COMPARED_NODES]

    def spell(part: JSONValue, trail: tuple[str, ...]) -> JSONValue:
        left[0] -= 1
        if isinstance(part, list):
            return [spell(item, trail) for item in part]
        if not isinstance(part, dict):
            return part
        reference = part.get("$ref")
        if isinstance(reference, str):
            if reference in trail or left[0] < 0:
                return part
            part, trail = control.context.resolve_quietly(part), (*trail, reference)
        return {key: spell(item, trail) for key, item in part.items()}

    return spell(raw, ())


class _Move:
    """One passage of what was typed from the controls of one form to those of another.

    Of an answer all moves that it holds; of a form what somebody has entered.
    """

    def __init__(self, *, is_answer: bool) -> None:
        self._is_answer = is_answer
        self.lost: list[tuple[str, str]] = []

    def fill(
        self, old: Control, new: Control, labels: tuple[str, ...] = (), *, always: bool = False
    ) -> Inputs:
        """Yield the fields of `new`; those that nobody touched only where `always` says so."""
        labels = (*labels, old.label)
        stays = old.initial is MISSING if self._is_answer else old.is_pristine() and not always
        if new.is_hidden or stays:
            return new.inputs()
        match old, new:
            case ObjectControl() | Rows(), ObjectControl() | Rows() if type(old) is type(new):
                return self._fill_group(old, new, labels, always=always)
            case UnionControl(), UnionControl():
                return self._fill_union(old, new, labels, always=always)
            case TextControl(), TextControl() if type(old) is type(new):
                return _rename(old, new)
            case TextControl(), TextControl() if _is_typed(old) and _is_typed(new):
                return iter([(new.name, old.raw)])
        return self._fill_by_value(old, new, labels)

    def _fill_group(
        self, old: Group, new: Group, labels: tuple[str, ...], *, always: bool
    ) -> Inputs:
        if old.is_present and not new.is_present:
            new.toggle()
        if new.meanings:
            yield f"{new.name}.!", PRESENT if old.is_present else new.meanings[0]
        match old, new:
            case ObjectControl(), ObjectControl():
                yield from self._fill_object(old, new, labels, always=always)
            case ListControl(), ListControl():
                for one, other in zip(old.slots, new.slots, strict=False):
                    yield from self.fill(one, other, labels, always=always)
                yield from self._fill_rows(old, new, labels)
            case MapControl(), MapControl():
                yield from self._fill_rows(old, new, labels)

    def _fill_object(
        self, old: ObjectControl, new: ObjectControl, labels: tuple[str, ...], *, always: bool
    ) -> Inputs:
        before = {key: part for key, part in old.children() if part is not old.extras}
        after = {key: part for key, part in new.children() if part is not new.extras}
        yield from ((f"{new.name}.?", token) for token in new.shown_conditions)
        for key, part in after.items():
            if key in before:
                yield from self.fill(before[key], part, labels, always=always)
            else:
                yield from part.inputs()
        for key, part in before.items():
            if key not in after:
                self._lose(part, labels)
        if old.extras and new.extras:
            yield from self.fill(old.extras, new.extras, labels, always=always)
        elif old.extras:
            self._lose(old.extras, labels)

    def _fill_rows(self, old: Rows, new: Rows, labels: tuple[str, ...]) -> Inputs:
        for token in old.tokens:
            yield f"{new.name}.#", token
            new.build_row(token, None)
            pairs = zip(old.row_controls(token), new.row_controls(token), strict=True)
            for one, other in pairs:
                yield from self.fill(one, other, labels, always=True)

    def _fill_union(
        self, old: UnionControl, new: UnionControl, labels: tuple[str, ...], *, always: bool
    ) -> Inputs:
        places = {label: token for token, label in new.options()}
        for token, label in old.options():
            if token not in old.branches:
                continue
            if label not in places:
                self._lose(old.branches[token], labels)
                continue
            new.choose(places[label])
            if target := new.current:
                yield from self.fill(old.branches[token], target, labels, always=always)
        chosen = dict(old.options()).get(old.chosen, "")
        yield f"{new.name}.?", places.get(chosen, "")

    def _fill_by_value(self, old: Control, new: Control, labels: tuple[str, ...]) -> Inputs:
        """Fill in the same JSON value, where the new field can hold it."""
        value = old.decode()
        clear_problems(old)
        is_private = any(isinstance(part, (Secret, File)) for part in (*old.walk(), *new.walk()))
        if value is not MISSING and not is_private:
            filled = new.context.build(replace(new.slot, given=value))
            if type(filled) is type(new) and same_json(filled.decode(), value):
                yield from filled.inputs()
                return
            if isinstance(value, str) and isinstance(new, TextControl) and _is_typed(new):
                yield new.name, value  # wrong here, and kept for the person to see
                return
        self._lose(old, labels[:-1])
        yield from new.inputs()

    def _lose(self, control: Control, labels: tuple[str, ...]) -> None:
        if not control.is_pristine():
            self.lost += [
                (join_labels((*labels, *steps)), clip(text, MAX_SHOWN_VALUE))
                for steps, text in control.answers()
            ]


def _is_typed(control: TextControl) -> bool:
    return not isinstance(control, (Secret, File, ReadOnly))


def _rename(old: Control, new: Control) -> Inputs:
    for name, text in old.inputs():
        yield new.name + name.removeprefix(old.name), text

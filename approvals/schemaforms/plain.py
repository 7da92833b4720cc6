"""Forms of a few plain fields, for places that can show no others, such as a chat's window."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from approvals.schemaforms.controls.base import Control, TextControl
from approvals.schemaforms.controls.choices import Choice, Fixed, YesNo
from approvals.schemaforms.controls.moments import Date
from approvals.schemaforms.controls.numbers import DecimalText, Integer, Number
from approvals.schemaforms.controls.objects import ObjectControl
from approvals.schemaforms.controls.problems import list_warnings
from approvals.schemaforms.controls.texts import PlainText
from approvals.schemaforms.form import Form, open_form, read_form
from approvals.schemaforms.posted import FieldList
from approvals.schemaforms.values import MISSING, JSONValue, MaybeJSON

_CHOICES: tuple[type[Control], ...] = (Choice, YesNo)
_TYPED: tuple[type[Control], ...] = (PlainText, Integer, Number, DecimalText)


class Entry(StrEnum):
    """How a plain field is filled in."""

    LINE = "line"
    LINES = "lines"
    DATE = "date"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainField:
    """One question; `options` are (token, label), and `text` is what stands in it, or a token."""

    name: str
    label: str
    help: str
    entry: Entry
    text: str
    is_optional: bool
    options: Sequence[tuple[str, str]] = ()


def list_plain_fields(
    schema: JSONValue, *, most: int, given: MaybeJSON = MISSING
) -> list[PlainField]:
    """Return the fields of a form, or none where it is more than a few plain ones.

    `given` is a value to show in them; without one the defaults stand there.
    """
    controls = _list_controls(_open(schema, given))
    if len(controls) > most or not all(_is_plain(control) for control in controls):
        return []
    return [_describe(control) for control in controls]


def read_plain_fields(
    schema: JSONValue, answers: Mapping[str, str], *, given: MaybeJSON = MISSING
) -> Form:
    """Return the form with the texts and tokens that were entered, by the names of fields."""
    fields: list[tuple[str, str]] = []
    for control in _list_controls(_open(schema, given)):
        fields += _post(control, answers.get(control.name, ""))
    return read_form(schema, FieldList(fields))


def list_plain_problems(form: Form) -> Iterator[tuple[str, str]]:
    """Yield the name of a field and what is wrong there; "" for what no field is about."""
    names = {control.name for control in _list_controls(form.root)}
    for control in form.root.walk():
        name = control.name if control.name in names else ""
        yield from ((name, problem) for problem in control.problems)
    told = {control for control, _ in list_warnings(form.root)}
    yield from ((control.name, control.warning) for control in told)


def _open(schema: JSONValue, given: MaybeJSON) -> Control:
    root = open_form(schema).root
    return root if given is MISSING else root.context.build(replace(root.slot, given=given))


def _list_controls(root: Control) -> list[Control]:
    """Return what a person fills in; the root itself where the form is no plain object."""
    if type(root) is not ObjectControl or root.is_conditional or root.extras is not None:
        return [root]
    return [child for _, child in root.children() if not isinstance(child, Fixed)]


def _is_plain(control: Control) -> bool:
    kinds = (*_CHOICES, *_TYPED, Date)
    return type(control) in kinds and not control.node.unsupported and not control.keeps_default


def _describe(control: Control) -> PlainField:
    assert isinstance(control, Choice | TextControl)  # noqa: S101 -- all that is plain is one
    chosen = control.options() if isinstance(control, Choice) else []
    options = [(option.token, option.label) for option in chosen]
    return PlainField(
        name=control.name,
        label=control.label,
        help=control.node.description,
        entry=_entry_of(control),
        text=control.raw,
        is_optional=control.is_optional or _may_be_blank(control),
        options=options,
    )


def _entry_of(control: Control) -> Entry:
    match control:
        case Choice():
            return Entry.CHOICE
        case Date():
            return Entry.DATE
        case PlainText() if control.is_long:
            return Entry.LINES
    return Entry.LINE


def _may_be_blank(control: Control) -> bool:
    return isinstance(control, TextControl) and bool(control.meanings)


def _post(control: Control, text: str) -> list[tuple[str, str]]:
    """Return a field as a page would post it; what is blank means what it does when it opens."""
    if isinstance(control, Choice):
        blank = next((token for token in control.meanings), "")
        return [(control.name, text or blank)]
    posted = [(control.name, text)]
    if len(control.meanings) > 1:
        opened = dict(control.inputs()).get(f"{control.name}.!", "")
        posted.append((f"{control.name}.!", opened or control.meanings[0]))
    return posted

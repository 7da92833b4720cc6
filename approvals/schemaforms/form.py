"""One form: opened from a schema, read from a POST, decoded into an answer."""

import hashlib
import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from approvals.schemaforms.controls.base import Control
from approvals.schemaforms.controls.build import make_control
from approvals.schemaforms.controls.context import FormContext, Slot
from approvals.schemaforms.controls.problems import (
    Problem,
    clear_problems,
    find_control,
    find_control_at,
    join_labels,
    list_problems,
    list_warnings,
    place_complaint,
    show_warnings,
)
from approvals.schemaforms.controls.searching import Search, SearchTicks
from approvals.schemaforms.controls.texts import MASK, list_secrets
from approvals.schemaforms.limits import MAX_SHOWN_VALUE
from approvals.schemaforms.operations import Outcome, apply_operation, reach_control
from approvals.schemaforms.posted import (
    JUDGED,
    MAX_NAME_LENGTH,
    OPERATION,
    ROOT,
    SEARCHED,
    SEEN,
    FileStore,
    Posted,
    PostedData,
)
from approvals.schemaforms.schema.complaints import hide_patterns
from approvals.schemaforms.schema.nodes import Kind
from approvals.schemaforms.values import (
    MISSING,
    JSONValue,
    MaybeJSON,
    clip,
    find_unstorable,
)
from flowruns.evaluation.budget import EvaluationTooSlow

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

_log = logging.getLogger(__name__)

_NOTHING_ASKED: JSONValue = {"type": "object", "properties": {}}


class Form:
    """A reviewer's form as it stands: what is asked, typed, decoded and wrong."""

    def __init__(
        self,
        schema: JSONValue,
        root: Control,
        outcome: Outcome | None = None,
        *,
        is_judged: bool = False,
        seen: Iterable[str] = (),
    ) -> None:
        self.schema = schema
        self.root = root
        self.fallback_reason = root.node.unsupported
        self.is_bound = outcome is not None
        self.operation = outcome.operation if outcome else ""
        self.focus_id = outcome.focus_id if outcome else ""
        self.announcement = outcome.announcement if outcome else ""
        self.value: JSONValue = None
        # The page has a stored schema beside it, in which it can look for options.
        self.is_served = True
        self._other_problems: list[Problem] = []
        self._seen = frozenset(seen)
        # The person has seen what is wrong, so it stays in sight while they mend it.
        self.is_judged = is_judged or (self.is_bound and not self.operation)
        if self.is_judged:
            self._decode()
        if outcome and self.operation:
            # Conditions read the answers they depend on, which judges what nobody has sent
            early = [each for each in root.walk() if each.is_new or not self.is_judged]
            for control in [*outcome.fresh, *early]:
                clear_problems(control)

    @property
    def problems(self) -> list[Problem]:
        return self._other_problems + list(list_problems(self.root))

    @property
    def is_valid(self) -> bool:
        is_answer = self.is_bound and not self.operation
        return is_answer and not self.problems and not self.warnings

    @property
    def warnings(self) -> list[Problem]:
        """What is allowed and likely not meant, until the person has seen it and submits again."""
        found = list_warnings(self.root)
        return [warning for control, warning in found if _warning_token(control) not in self._seen]

    @property
    def seen_warnings(self) -> list[str]:
        """What the page tells once it shows these warnings, so that they are told once."""
        return [_warning_token(control) for control, _ in list_warnings(self.root)]

    def _decode(self) -> None:
        value = self.root.decode()
        self.value = None if value is MISSING else value
        if value is MISSING and self.root.problems:
            return
        self._check_whole(self.value)
        if unstorable := find_unstorable(self.value):
            self.attach([unstorable])
        show_warnings(self.root)

    def _check_whole(self, value: JSONValue) -> None:
        """Ask the schema as a whole, for what no part of the form has noticed by itself."""
        try:
            complaints = self.root.context.checker.complain_about_whole(value)
        except EvaluationTooSlow:
            self.attach([((), "The answer could not be checked in time.")])
            return
        for complaint in complaints:
            place_complaint(self.root, complaint)

    def attach(self, problems: Iterable[tuple[tuple[str | int, ...], str]]) -> None:
        """Put refusals that came from elsewhere beside their field, or the nearest around it."""
        for path, message in problems:
            self._note_refusal(find_control(self.root, tuple(path)), message)

    def attach_at(self, place: str, message: str) -> None:
        """Put a refusal that writes its path like `a.b[0]` beside the nearest field."""
        self._note_refusal(find_control_at(self.root, place), message)

    def _note_refusal(self, control: Control, message: str) -> None:
        for secret in list_secrets(self.root):
            message = message.replace(secret, MASK)  # servers quote values
        message = hide_patterns(message)
        control.note_problem(clip(message, 500))

    def typed(self, *, longest: int = MAX_SHOWN_VALUE) -> list[tuple[str, str]]:
        """Everything the person entered, as (label path, text), without secrets."""
        return [(join_labels(labels), clip(text, longest)) for labels, text in self.root.answers()]

    def inputs(self) -> list[tuple[str, str]]:
        """The names and texts that make the same form when they are posted, without secrets."""
        return list(self.root.inputs())

    def render(self) -> "SafeString":
        """The fields, without form element, token or submit button."""
        from approvals.schemaforms.render import render_fields

        return render_fields(self)

    def render_summary(self) -> "SafeString":
        """What is wrong, with links to the fields; empty where nothing is."""
        from approvals.schemaforms.render import render_summary

        return render_summary(self)


def open_form(schema: JSONValue) -> Form:
    """Make a form that nobody has filled in yet, with the schema's defaults in place."""
    return _build_form(schema, None)


def read_form(
    schema: JSONValue,
    posted: PostedData,
    *,
    files: Mapping[str, object] | None = None,
    store: FileStore | None = None,
) -> Form:
    """Read what was posted: an answer to decode, or a button that changes the structure.

    Chosen files go into the `store`; without one their content goes into the field as text.
    """
    return _build_form(schema, Posted(posted, files, store))


def find_options(schema: JSONValue, posted: PostedData) -> "SafeString | None":
    """Return what a search brings, as HTML; None where there is no such search field.

    `posted` names the field under `field` and holds what was typed and picked in it.
    """
    from approvals.schemaforms.render import render_found

    name = next(iter(posted.getlist(SEARCHED)), "")[:MAX_NAME_LENGTH]
    control = reach_control(open_form(schema).root, name)
    if not isinstance(control, (Search, SearchTicks)):
        return None
    control.read(Posted(posted))
    control.box.search()
    return render_found(control)


def describe_answer(schema: JSONValue, value: JSONValue) -> list[tuple[str, str]]:
    """Return (label path, text) rows that show an answer to a person, without secrets."""
    return _build_form(schema, None, value).typed()


def describe_problems(
    schema: JSONValue,
    value: JSONValue,
    problems: Iterable[tuple[tuple[str | int, ...], str]],
) -> list[tuple[str, str]]:
    """Return (label path, message) of what others say is wrong with an answer."""
    form = _build_form(schema, None, value)
    form.attach(problems)
    return [(problem.label, problem.message) for problem in form.problems]


def _build_form(schema: JSONValue, posted: Posted | None, value: MaybeJSON = MISSING) -> Form:
    try:
        return _try_form(schema, posted, value)
    except Exception as error:  # noqa: BLE001 -- a form must open whatever a schema contains
        # No traceback: it may quote what a person typed.
        _log.warning("A form could not be built: %s", type(error).__name__)
        form = _try_form(True, posted, value)
        form.fallback_reason = "Its description cannot be understood."
        return form


def _try_form(schema: JSONValue, posted: Posted | None, value: MaybeJSON) -> Form:
    asked = _NOTHING_ASKED if schema == {} else schema
    context = FormContext(asked, make_control, shows_mismatches=value is not MISSING)
    raw = context.cache.root
    label = "" if context.node(raw).kind is Kind.OBJECT else "Answer"
    root = context.build(Slot(name=ROOT, raw=raw, label=label, given=value), posted)
    form = Form(schema, root) if posted is None else _judge_posted(schema, root, posted)
    context.keep_findings()
    return form


def _judge_posted(schema: JSONValue, root: Control, posted: Posted) -> Form:
    command = posted.text(OPERATION)
    outcome = apply_operation(root, command) if command else Outcome("")
    is_judged = bool(posted.text(JUDGED))
    return Form(schema, root, outcome, is_judged=is_judged, seen=posted.texts(SEEN))


def _warning_token(control: Control) -> str:
    """Name a warning, for as long as its answer stays what it is."""
    answer = hashlib.sha256(repr(control.state()).encode(errors="replace")).hexdigest()
    return f"{control.name}:{answer[:16]}"

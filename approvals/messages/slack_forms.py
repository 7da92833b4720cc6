"""Windows of Slack with the few plain fields of a form: what they ask, and what is wrong there.

A window is checked by the form that the page shows, and decided by the services of the page.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from approvals.models import Approval
from approvals.schemaforms import (
    Entry,
    Form,
    JSONValue,
    PlainField,
    list_plain_fields,
    list_plain_problems,
    read_plain_fields,
)
from approvals.services import decisions, votes
from approvals.services.decisions import Refused
from flowruns.domain.texts import read_json_or_text

ANSWER = "answer"
MOST_FIELDS = 5
_ENTRY = "entry"
# What Slack lets a field, its label, its hint and an option hold
_MOST_TEXT, _MOST_LABEL, _MOST_HINT, _MOST_OPTION = 3_000, 300, 500, 75
_MOST_OPTIONS = 100
_INSIST = "If you mean it, answer at the desk."


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What a window of Slack asks; `values` holds an answer that others have proposed."""

    question: str
    schema: JSONValue
    values: Mapping[str, JSONValue]
    fields: Sequence[PlainField]

    def write(self, *, metadata: str) -> dict[str, Any]:
        """Return the view that opens."""
        section = {"type": "section", "text": write_plain(self.question, _MOST_TEXT)}
        fields = [_write_field(field) for field in self.fields]
        return {
            "type": "modal",
            "callback_id": ANSWER,
            "private_metadata": metadata,
            "title": write_plain("Answer"),
            "submit": write_plain("Submit"),
            "blocks": [section, *fields] if self.question else fields,
        }

    def read(self, entered: Mapping[str, Any]) -> Form:
        """Return the form as it was filled in; `entered` is the state of the view."""
        return read_plain_fields(self.schema, _read_texts(entered), **self.values)

    def agrees(self, entered: Mapping[str, Any]) -> bool:
        """Whether somebody has left as it is what others have proposed."""
        texts = _read_texts(entered)
        is_same = all(texts.get(field.name, "") == field.text for field in self.fields)
        return bool(self.values) and is_same

    def find_errors(self, form: Form) -> dict[str, str]:
        """Return what is wrong by field; what is about none stands at the first."""
        errors: dict[str, str] = {}
        for name, problem in list_plain_problems(form):
            place = name or self.fields[0].name
            errors[place] = f"{errors.get(place, '')} {problem}".strip()
        if form.warnings and not form.problems:
            errors = {place: f"{text} {_INSIST}" for place, text in errors.items()}
        return errors

    def explain(self, form: Form, refused: Refused) -> dict[str, str]:
        """Return by field what a service says against an answer."""
        form.attach(refused.problems or [((), refused.reason)])
        return self.find_errors(form)


def find_window(approval: Approval) -> Window | None:
    """Return the window of a form of few plain fields; None for what the desk alone can ask.

    Where messages may say nothing of an approval, its form stays at the desk as well.
    """
    if settings.MESSAGE_CONTENT == "nothing" or not approval.asks_for_input:
        return None
    stored = decisions.read_form(approval).schema
    if stored is None:
        return None
    schema, values = read_json_or_text(stored), _read_proposal(approval)
    fields = list_plain_fields(schema, most=MOST_FIELDS, **values)
    if not fields or any(map(_is_too_long, fields)):
        return None
    question = approval.question if settings.MESSAGE_CONTENT == "question" else ""
    return Window(question=question, schema=schema, values=values, fields=fields)


def _is_too_long(field: PlainField) -> bool:
    return len(field.text) > _MOST_TEXT or len(field.options) > _MOST_OPTIONS


def write_plain(text: str, most: int = 24) -> dict[str, Any]:
    """Return a text in which Slack reads nothing but characters."""
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return {"type": "plain_text", "text": cut or " ", "emoji": False}


def _read_proposal(approval: Approval) -> dict[str, JSONValue]:
    proposal = votes.read_standing(approval).proposal if approval.is_guarded else None
    return {"given": json.loads(proposal.answer)} if proposal and proposal.answer else {}


def _write_field(field: PlainField) -> dict[str, Any]:
    block = {
        "type": "input",
        "block_id": field.name,
        "label": write_plain(field.label or "Answer", _MOST_LABEL),
        "optional": field.is_optional,
        "element": {**_write_element(field), "action_id": _ENTRY},
    }
    return {**block, "hint": write_plain(field.help, _MOST_HINT)} if field.help else block


def _write_element(field: PlainField) -> dict[str, Any]:
    match field.entry:
        case Entry.CHOICE:
            return _write_choice(field)
        case Entry.DATE:
            picker = {"type": "datepicker"}
            return {**picker, "initial_date": field.text} if field.text else picker
    line = {"type": "plain_text_input", "multiline": field.entry is Entry.LINES}
    return {**line, "initial_value": field.text} if field.text else line


def _write_choice(field: PlainField) -> dict[str, Any]:
    options = {
        token: {"text": write_plain(label, _MOST_OPTION), "value": token}
        for token, label in field.options
    }
    select: dict[str, Any] = {"type": "static_select", "options": list(options.values())}
    chosen = options.get(field.text)
    return {**select, "initial_option": chosen} if chosen else select


def _read_texts(entered: Mapping[str, Any]) -> dict[str, str]:
    return {name: _read_entry(entry.get(_ENTRY, {})) for name, entry in entered.items()}


def _read_entry(entry: Mapping[str, Any]) -> str:
    """Return what was typed, picked or chosen in one field, "" for nothing."""
    option = entry.get("selected_option") or {}
    return str(entry.get("value") or entry.get("selected_date") or option.get("value") or "")

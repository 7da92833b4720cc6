"""What an approval asks, as a form; and what somebody answered, as rows to read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.utils.safestring import SafeString

from approvals import prose
from approvals.models import Approval, Decision
from approvals.schemaforms import (
    Form,
    JSONValue,
    PostedData,
    describe_answer,
    find_options,
    open_form,
    read_form,
)
from approvals.schemaforms.decode import OPERATION
from approvals.services import decisions

_NOTHING_ASKED: JSONValue = {}
MAX_REASON = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An approval's description and schema. `is_arriving` while the flow is still sending it."""

    description: str
    schema: JSONValue
    is_arriving: bool

    @property
    def is_cut(self) -> bool:
        """Whether the description is longer than what a page shows of it."""
        return len(self.description) > prose.MAX_LENGTH

    def open(self) -> Form:
        return open_form(self.schema)

    def read(self, posted: PostedData, files: Mapping[str, object] | None = None) -> Form:
        return read_form(self.schema, posted, files=files)

    def find_options(self, posted: PostedData) -> SafeString | None:
        return find_options(self.schema, posted)


def read_question(approval: Approval) -> Question:
    """Return what an approval asks, as it was asked if it is decided."""
    stored = decisions.read_form(approval)
    is_arriving = approval.is_waiting and approval.asks_for_input and stored.schema is None
    return Question(
        description=stored.description or "",
        schema=_NOTHING_ASKED if stored.schema is None else _load(stored.schema),
        is_arriving=is_arriving,
    )


def describe_decision(decision: Decision) -> list[tuple[str, str]]:
    """Return what was answered, as (label, text) rows without secrets."""
    if not decision.answer:
        return []
    return describe_answer(_load(decision.schema or "{}"), _load(decision.answer))


def list_typed(approval_id: UUID, posted: PostedData) -> list[tuple[str, str]]:
    """Return the posted fields of an approval's form, secrets left out, to be carried along.

    It is for somebody whose session has ended, so it tells nothing of the approval itself.
    """
    approval = Approval.objects.filter(pk=approval_id).first()
    if approval is None:
        return []
    fields = list(read_question(approval).read(posted).root.inputs())
    # the name of no operation: the form is shown as it stands and not yet judged
    return [*fields, (OPERATION, "keep")]


def find_reason_problem(reason: str) -> str:
    """Return what is wrong with a reason for a rejection, or nothing."""
    if not reason.strip():
        return "Say why: the flow and its author are told your reason."
    if "\x00" in reason:
        return "The reason contains an invisible character (NUL) that cannot be stored."
    if len(reason) > MAX_REASON:
        return f"Keep the reason under {MAX_REASON:,} characters; it has {len(reason):,} now."
    return ""


def _load(text: str) -> JSONValue:
    """Read stored JSON; what cannot be read is passed on as text, which is no schema."""
    try:
        value: JSONValue = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value

"""What an approval asks, as a form; and what somebody answered, as rows to read."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from django.utils.safestring import SafeString

from approvals.display import markdown
from approvals.models import Approval, Decision
from approvals.schemaforms import (
    FileStore,
    Form,
    JSONValue,
    PostedData,
    describe_answer,
    find_options,
    open_form,
    read_form,
)
from approvals.services import decisions, votes
from approvals.services.asked import digest_schema
from approvals.services.decisions import Refused
from approvals.services.votes import Standing
from flowruns.domain.texts import read_json_or_text

_NOTHING_ASKED: JSONValue = {}
MAX_REASON = 2_000
_KEPT_LENGTH = 2_000  # characters of a schema and an answer whose rows are kept in memory
# How Prefect 3.9 refuses an answer
_CANNOT_GO_ON = "Cannot reschedule "
_REFUSAL = re.compile(
    r"(?:Reason: )?Validation failed(?: for field '(?P<place>.*?)')?\. Failure reason: (?P<why>.*)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An approval's description and schema. `is_arriving` while the flow is still sending it.

    `stored` is the schema as the flow stored it, "" where nothing is asked.
    """

    description: str
    schema: JSONValue
    stored: str
    is_arriving: bool

    @property
    def is_cut(self) -> bool:
        """Whether the description is longer than what a page shows of it."""
        return len(self.description) > markdown.MAX_LENGTH

    @property
    def is_long(self) -> bool:
        """Whether the description fills more than a phone's screen, as far as its text tells."""
        return markdown.is_long(self.description)

    @property
    def digest(self) -> str:
        return digest_schema(self.stored)

    def open(self) -> Form:
        return open_form(self.schema)

    def read(
        self,
        posted: PostedData,
        files: Mapping[str, object] | None = None,
        store: FileStore | None = None,
    ) -> Form:
        return read_form(self.schema, posted, files=files, store=store)

    def find_options(self, posted: PostedData) -> SafeString | None:
        return find_options(self.schema, posted)


def read_question(approval: Approval) -> Question:
    """Return what an approval asks, as it was asked if it is decided."""
    stored = decisions.read_form(approval)
    is_arriving = approval.is_waiting and approval.asks_for_input and stored.schema is None
    return Question(
        description=stored.description or "",
        schema=_NOTHING_ASKED if stored.schema is None else read_json_or_text(stored.schema),
        stored=stored.schema or "",
        is_arriving=is_arriving,
    )


def mark_description(
    approval: Approval, question: Question | None = None, standing: Standing | None = None
) -> str:
    """Return a mark of what is asked in words, which may come after the page that asks.

    The summary tells, so that an open page costs no more; that of a mere table is empty, and
    `question` is read then where the caller has not, as `standing` is.
    """
    text = approval.question or (question or read_question(approval)).description
    if approval.is_guarded:
        standing = standing or votes.read_standing(approval)
        said = [f"{vote.name}:{vote.kind}:{vote.pk}" for vote in standing.votes]
        text += f"{standing.seen}{said}{approval.obstacle}"
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]


def describe_decision(decision: Decision) -> list[tuple[str, str]]:
    """Return what was answered, as (label, text) rows without secrets."""
    if not decision.answer:
        return []
    is_short = len(decision.schema) + len(decision.answer) <= _KEPT_LENGTH
    describe = _describe_once if is_short else _describe
    return list(describe(decision.schema, decision.answer))


def _describe(schema: str, answer: str) -> list[tuple[str, str]]:
    return describe_answer(read_json_or_text(schema or "{}"), read_json_or_text(answer))


# The history shows the same answers again, of which only schema and answer decide the rows
_describe_once = lru_cache(maxsize=1_000)(_describe)


def attach_refusal(form: Form, refused: Refused) -> None:
    """Put what a server says against an answer beside the fields that it means."""
    if refused.problems:
        form.attach(refused.problems)
    elif found := _REFUSAL.fullmatch(refused.reason):
        form.attach_at(found["place"] or "", found["why"])
    elif refused.reason.startswith(_CANNOT_GO_ON):
        form.attach_at(
            "",
            "Nothing would start this flow again, so your answer was not sent. Tell whoever"
            " wrote the flow; you can still reject it.",
        )
    else:
        form.attach_at("", refused.reason)


def find_reason_problem(reason: str) -> str:
    """Return what is wrong with a reason for a rejection, or nothing."""
    if not reason.strip():
        return "Say why: the flow and its author are told your reason."
    if "\x00" in reason:
        return "The reason contains an invisible character (NUL) that cannot be stored."
    if len(reason) > MAX_REASON:
        return f"Keep the reason under {MAX_REASON:,} characters; it has {len(reason):,} now."
    return ""

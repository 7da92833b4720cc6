"""What can be put into an approval's form: a draft, or what its run was answered before."""

from dataclasses import dataclass

from django.contrib.auth.models import User

from approvals.answering.questions import Question
from approvals.answering.unsent import find_asked, restore_form
from approvals.models import Approval, Draft
from approvals.schemaforms import Changes, Form, carry_over, fill_form
from approvals.services import drafts, history
from approvals.services.asked import digest_schema
from approvals.services.uploads import ReviewersFiles
from flowruns.domain.texts import read_json_or_text

# What of an earlier question can be wanted: somebody's answer, or one's own text
ANSWER, TEXT = "answer", "text"

_NOTHING = ("", "{}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What the same run has got, or nearly got, to an earlier question of its."""

    # Whose answer fits the question that is asked now
    answered: Approval | None = None
    # What this reviewer typed before somebody else was first
    draft: Draft | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A form with something in it that nobody sent; `changes` where it was asked differently."""

    form: Form
    draft: Draft | None = None
    answered: Approval | None = None
    changes: Changes | None = None


def restore(
    approval: Approval, question: Question, *, user: User, wanted: str, earlier: Earlier
) -> Restored:
    """Fill in a form: with the earlier answer or text if that is `wanted`, else with the draft."""
    if earlier.answered and wanted == ANSWER:
        form = fill_in(question, earlier.answered.decision.answer)
        return Restored(form=form, answered=earlier.answered)
    if earlier.draft and wanted == TEXT:
        return _restore_draft(approval, question, earlier.draft)
    draft = drafts.read_draft(approval, user=user)
    return _restore_draft(approval, question, draft) if draft else Restored(form=question.open())


def fill_in(question: Question, answer: str) -> Form:
    """Fill in a form with an answer that was given to it."""
    return restore_form(question, fill_form(question.schema, read_json_or_text(answer or "{}")))


def _restore_draft(approval: Approval, question: Question, draft: Draft) -> Restored:
    asked = find_asked(draft.approval, question, draft.schema_digest)
    if asked is None:  # nothing says where its texts belong
        return Restored(form=question.open())
    files = ReviewersFiles(approval, draft.reviewer)
    form = restore_form(asked, drafts.read_fields(draft), files)
    if asked.stored == question.stored:
        return Restored(form=form, draft=draft)
    form, changes = carry_form(form, question, files)
    return Restored(form=form, draft=draft, changes=changes)


def carry_form(form: Form, question: Question, files: ReviewersFiles) -> tuple[Form, Changes]:
    """Put what a form holds into that of a question which has changed meanwhile."""
    fields, changes = carry_over(form, question.schema)
    return restore_form(question, fields, files), changes


def find_earlier(approval: Approval, question: Question, *, user: User) -> Earlier:
    """Find what the run was told before, which may do again: after a crash it asks once more."""
    before = history.list_earlier(approval, user=user)
    answered = (
        past
        for past in before
        if (decision := getattr(past, "decision", None))
        and decision.answer not in _NOTHING
        and digest_schema(decision.schema) == question.digest
    )
    draft = drafts.read_last_draft(before, user=user) if before else None
    return Earlier(answered=next(answered, None), draft=draft)

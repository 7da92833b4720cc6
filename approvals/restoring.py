"""What can be put into an approval's form: a draft, or what its run was answered before."""

from dataclasses import dataclass

from django.contrib.auth.models import User

from approvals.forms import Question, load_json
from approvals.models import Approval, Draft
from approvals.schemaforms import Changes, Form, carry_over, fill_form
from approvals.services import decisions, drafts
from approvals.services.asked import digest_schema
from approvals.services.uploads import ReviewersFiles
from approvals.typed import find_asked, restore_form

_NOTHING = ("", "{}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What the same run has got, or nearly got, to an earlier question of its."""

    answered: Approval | None = None
    """Whose answer fits the question that is asked now."""
    draft: Draft | None = None
    """What this reviewer typed before somebody else was first."""


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
    """Fill in a form: with what there is of the earlier approval `wanted`, else with the draft."""
    if earlier.answered and str(earlier.answered.pk) == wanted:
        value = load_json(earlier.answered.decision.answer)
        form = restore_form(question, fill_form(question.schema, value))
        return Restored(form=form, answered=earlier.answered)
    draft = drafts.read_draft(approval, user=user)
    if earlier.draft and str(earlier.draft.approval_id) == wanted:
        draft = earlier.draft
    files = ReviewersFiles(approval, user)
    if draft is None:
        return Restored(form=question.open())
    asked = find_asked(draft.approval, question, draft.schema_digest)
    fields = drafts.read_fields(draft)
    if asked is None or asked.stored == question.stored:
        return Restored(form=restore_form(question, fields, files), draft=draft)
    form, changes = carry_form(restore_form(asked, fields, files), question, files)
    return Restored(form=form, draft=draft, changes=changes)


def carry_form(form: Form, question: Question, files: ReviewersFiles) -> tuple[Form, Changes]:
    """Put what a form holds into that of a question which has changed meanwhile."""
    fields, changes = carry_over(form, question.schema)
    return restore_form(question, fields, files), changes


def find_earlier(approval: Approval, question: Question, *, user: User) -> Earlier:
    """Find what the run was told before, which may do again: after a crash it asks once more."""
    before = decisions.list_earlier(approval)
    answered = (
        past
        for past in before
        if (decision := getattr(past, "decision", None))
        and decision.answer not in _NOTHING
        and digest_schema(decision.schema) == question.digest
    )
    draft = drafts.read_last_draft(before, user=user) if before else None
    return Earlier(answered=next(answered, None), draft=draft)

"""What reviewers typed and did not send: kept as drafts, carried through a login, shown again."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, QueryDict
from django.urls import Resolver404, get_script_prefix, resolve

from approvals.answering.questions import Question, read_question
from approvals.models import Approval, Draft
from approvals.schemaforms import FileStore, Form, name_kept
from approvals.schemaforms.posted import OPERATION, ROOT
from approvals.services import drafts, inbox
from approvals.services.asked import find_schema
from approvals.services.drafts import MAX_DRAFT_LENGTH, Saving, Unsent
from approvals.web.pages import Fields, seal, unseal
from flowruns.domain.texts import read_json_or_text

# The field that says which schema a page showed, by its digest
ASKED = "asked"

REASON = "reason"


def find_asked(approval: Approval, question: Question, digest: str) -> Question | None:
    """Return the question as a page showed it: this one, or one that the flow has replaced."""
    if digest in {"", question.digest}:
        return question
    schema = find_schema(approval, digest)
    return replace(question, stored=schema, schema=read_json_or_text(schema)) if schema else None


def keep_draft(
    approval: Approval, *, user: User, question: Question, form: Form, reason: str | None = None
) -> Saving:
    """Save a form as it stands; one that nobody has touched needs no draft."""
    fields = form.inputs()
    if reason == "" and fields == question.open().inputs():
        drafts.drop_draft(approval, user=user)
        return Saving.SAVED
    unsent = Unsent(schema=question.stored, fields=fields, reason=reason)
    return drafts.save_draft(approval, user=user, unsent=unsent)


def restore_form(question: Question, fields: Fields, store: FileStore | None = None) -> Form:
    """Put back what was typed, not yet judged."""
    if not fields:
        return question.open()
    # The name of no operation: the form is shown as it stands
    return question.read(as_posted([*fields, (OPERATION, "restore")]), store=store)


def mark_files(posted: QueryDict, files: "Mapping[str, UploadedFile[Any]]") -> QueryDict:
    """Return a POST that says which files were chosen, in the place of the files themselves."""
    marked = posted.copy()
    for name, file in files.items():
        field, text = name_kept(name.removesuffix(".file"), file.name or "")
        marked[field] = text
    return marked


def read_unsent(question: Question, form: Form) -> Unsent:
    return Unsent(schema=question.stored, fields=form.inputs())


def describe_draft(approval: Approval, draft: Draft) -> Fields:
    """Return all that a draft holds as (label, text) to read, whatever has become of the run."""
    schema = find_schema(approval, draft.schema_digest)
    fields = drafts.read_fields(draft) if schema else None
    return describe_unsent(Unsent(schema=schema or "", fields=fields, reason=draft.reason))


def describe_unsent(unsent: Unsent) -> Fields:
    """Return what was typed as (label, text) to read, without secrets."""
    rows = [("Your reason", unsent.reason)] if unsent.reason else []
    if not unsent.fields:
        return rows
    schema = read_json_or_text(unsent.schema)
    question = Question(description="", schema=schema, stored=unsent.schema, is_arriving=False)
    return restore_form(question, unsent.fields).typed(longest=MAX_DRAFT_LENGTH) + rows


def carry_answer(request: HttpRequest, approval_id: UUID) -> str:
    """Seal the posted fields of an approval's form, to be carried through a login.

    It is for somebody whose session has ended, so it tells nothing of the approval itself.
    """
    approval = Approval.objects.filter(pk=approval_id).first()
    posted = mark_files(request.POST, request.FILES)
    digest = posted.get(ASKED, "")
    question = find_asked(approval, read_question(approval), digest) if approval else None
    fields = question.read(posted).inputs() if question else []
    return seal([*fields, (ASKED, digest)])


def carry_reason(posted: QueryDict) -> str:
    """Seal the posted reason for a rejection, to be carried through a login."""
    return seal([(REASON, posted.get(REASON, ""))])


def keep_carried(user: User, path: str, carried: str) -> None:
    """Keep what was carried through a login as the user's draft for the page at `path`."""
    fields = unseal(carried)
    try:
        approval = inbox.get_approval_for(
            user, resolve(f"/{path.removeprefix(get_script_prefix())}").kwargs["approval_id"]
        )
    except (Resolver404, KeyError, Http404):
        return
    if fields is None:
        return
    posted = as_posted(fields)
    asked = find_asked(approval, read_question(approval), posted.get(ASKED, ""))
    answers = [(name, text) for name, text in fields if name.startswith(f"{ROOT}.")]
    unsent = Unsent(
        schema=asked.stored if asked else "",
        fields=answers if asked and ASKED in posted else None,
        reason=posted.get(REASON),
    )
    if drafts.save_draft(approval, user=user, unsent=unsent) is Saving.ENDED:
        drafts.save_leftover(approval, user=user, unsent=unsent)


def as_posted(fields: Iterable[tuple[str, str]]) -> QueryDict:
    posted = QueryDict(mutable=True)
    for name, value in fields:
        posted.appendlist(name, value)
    return posted

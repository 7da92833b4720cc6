"""A vote binds to what its voter saw: changed content voids it, and says so."""

import hashlib
import json
from datetime import UTC, datetime

from django.db.models import QuerySet

from approvals.models import STANDING, Approval, Vote
from approvals.services.sources import find_source
from flowruns.domain.errors import FlowRunNotFound

_MAX_ARTIFACTS = 500
CHANGED = "What is asked has changed since."


def digest_content(approval: Approval) -> str:
    """Return a short name of all that a reviewer looks at before answering.

    A progress bar moves by itself and is left out.
    """
    connector = find_source(approval)
    form = connector.read_pause_form(approval.flow_run_id, approval.pause_state_id)
    artifacts = connector.list_artifacts(approval.flow_run_id, limit=_MAX_ARTIFACTS)
    versions = [
        (str(head.id), head.updated.isoformat()) for head in artifacts if head.type != "progress"
    ]
    try:
        parameters = connector.read_flow_run(approval.flow_run_id).parameters
    except FlowRunNotFound:  # deleted while it was looked at
        parameters = {}
    content = json.dumps([form.description, form.schema, versions, parameters], default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def void_outdated(approval: Approval) -> int:
    """Void the yes votes whose voters have seen something else; returns how many."""
    standing = _standing(approval)
    if not standing.exists():
        return 0
    outdated = standing.exclude(seen_digest=digest_content(approval))
    return void_votes(outdated, because=CHANGED)


def void_votes(votes: QuerySet[Vote], *, because: str) -> int:
    return votes.update(voided_at=datetime.now(UTC), voided_because=because)


def _standing(approval: Approval) -> QuerySet[Vote]:
    return approval.votes.filter(STANDING, kind=Vote.Kind.YES, is_key=False)

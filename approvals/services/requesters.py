"""Who asked for the run of an approval."""

from django.contrib.auth.models import User
from django.db.models import QuerySet

from approvals.models import Approval
from approvals.services.sources import find_source
from flowruns.domain.errors import FlowRunNotFound


def find_requesters(approval: Approval) -> QuerySet[User]:
    """Return who asked for the run, as its policies have it or as the run was made."""
    if approval.is_guarded:
        return User.objects.filter(pk__in=approval.askers.values("user"))
    try:
        requester = find_source(approval).read_requester(approval.flow_run_id)
    except FlowRunNotFound:
        return User.objects.none()
    if requester.user is None:
        return User.objects.none()
    return User.objects.filter(pk=requester.user.id)

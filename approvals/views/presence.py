"""An open page says that somebody looks at an approval."""

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from approvals.services import inbox
from approvals.services.presence import note_presence
from approvals.web.pages import Request, fragment, unchanged


@require_POST
@fragment
def record_presence(request: Request, approval_id: UUID) -> HttpResponse:
    """Take in that a page is open; it reports again every 20 seconds."""
    note_presence(inbox.get_approval_for(request.user, approval_id), user=request.user)
    return unchanged()

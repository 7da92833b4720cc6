"""What goes when an approval ends: what only those read who could have answered it."""

from collections.abc import Callable

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import UUIDField

from approvals.models import Approval
from approvals.services.drafts import drop_asked, drop_draft
from approvals.services.facets import drop_facets
from approvals.services.plans import drop_steps
from approvals.services.presence import delete_presence
from approvals.services.uploads import drop_uploads

_IDS = UUIDField()


def leave_inbox(approval: Approval, *, winner: User | None) -> None:
    """Drop what waited for an answer, so that the lists of what waits stay short.

    The draft of whoever decided goes; those of the others stay for their authors to read. It
    belongs into the transaction that ends the approval, after whose end nothing comes to it.
    """
    if winner is not None:
        drop_draft(approval, user=winner)
    drop_facets(approval)
    for (_, drop), is_there in zip(_RARE, _look_for_rare(approval), strict=True):
        if is_there:
            drop(approval)


def _look_for_rare(approval: Approval) -> tuple[bool, ...]:
    """Return of each of `_RARE` whether there is any: one statement, where most have nothing."""
    own = _IDS.get_db_prep_value(approval.pk, connection)
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, {"approval": own})
        found: tuple[bool, ...] = cursor.fetchone()
    return found


def _close_seats(approval: Approval) -> None:
    approval.seats.filter(is_open=True).update(is_open=False)


def _close_votes(approval: Approval) -> None:
    approval.votes.filter(is_open=True).update(is_open=False)


def _drop_put_offs(approval: Approval) -> None:
    approval.put_offs.all().delete()


_OWN = "WHERE approval_id = %(approval)s"
_RARE: tuple[tuple[str, Callable[[Approval], None]], ...] = (
    (f"approvals_seat {_OWN} AND is_open", _close_seats),
    (f"approvals_vote {_OWN} AND is_open", _close_votes),
    (f"approvals_step {_OWN} AND taken_at IS NULL", drop_steps),
    (f"approvals_upload {_OWN}", drop_uploads),
    (f"approvals_askedschema {_OWN}", drop_asked),
    (f"approvals_presence {_OWN}", delete_presence),
    (f"approvals_putoff {_OWN}", _drop_put_offs),
)
_LOOK = f"SELECT {', '.join(f'EXISTS (SELECT 1 FROM {rows})' for rows, _ in _RARE)}"  # noqa: S608 -- of the lines above

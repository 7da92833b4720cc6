"""Files that reviewers have chosen: kept until the approval ends, then in the answer alone."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Sum

from approvals.models import Approval, Draft, Upload
from approvals.schemaforms import FileNotStored
from approvals.services.drafts import hold_waiting

# Bytes of all files that are kept for one person; one file is bounded by the form
MAX_PERSON_BYTES = 50_000_000

# How long a file is kept that its reviewer does not come back to
ABANDONED_AFTER = timedelta(days=14)

_BATCH = 200


@dataclass(frozen=True, slots=True)
class ReviewersFiles:
    """The files that one reviewer has chosen in the form of one approval."""

    approval: Approval
    user: User

    def keep(self, name: str, content: bytes) -> Upload:
        """Keep a file while the approval waits; raises `FileNotStored`."""
        with transaction.atomic():
            if not hold_waiting(self.approval):
                raise FileNotStored("This can no longer be answered, so no file is taken.")
            used = Upload.objects.filter(reviewer=self.user).aggregate(bytes=Sum("size"))["bytes"]
            if (used or 0) + len(content) > MAX_PERSON_BYTES:
                limit = MAX_PERSON_BYTES // 1_000_000
                raise FileNotStored(
                    f"Your files in answers that you have not sent yet come to {limit} MB with "
                    "this one. Send or discard some of them first."
                )
            return Upload.objects.create(
                approval=self.approval,
                reviewer=self.user,
                name=name.replace("\x00", ""),
                size=len(content),
                content=content,
                kept_at=datetime.now(UTC),
            )

    def find(self, token: str) -> Upload | None:
        try:
            found = UUID(token)
        except ValueError:
            return None
        mine = Upload.objects.filter(approval=self.approval, reviewer=self.user)
        return mine.defer("content").filter(pk=found).first()

    def drop(self, token: str) -> None:
        if found := self.find(token):
            found.delete()


def drop_uploads(approval: Approval, *, user: User | None = None) -> None:
    """Delete the files chosen for an approval: those of one reviewer, or all when it has ended."""
    kept = Upload.objects.filter(approval=approval)
    (kept if user is None else kept.filter(reviewer=user)).delete()


def drop_abandoned_uploads() -> int:
    """Delete files whose reviewer has neither chosen nor typed anything there for long."""
    long_ago = datetime.now(UTC) - ABANDONED_AFTER
    typing = Draft.objects.filter(
        approval=OuterRef("approval"), reviewer=OuterRef("reviewer"), saved_at__gte=long_ago
    )
    old = Upload.objects.filter(~Exists(typing), kept_at__lt=long_ago).values_list("pk", flat=True)
    return Upload.objects.filter(pk__in=list(old[:_BATCH])).delete()[0]

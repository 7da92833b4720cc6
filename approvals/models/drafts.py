"""What a reviewer has typed and uploaded, and not sent yet."""

from django.conf import settings
from django.db import models

from approvals.models.approvals import Approval
from flowruns.domain.ids import new_id


class Draft(models.Model):
    """What one reviewer has typed into an approval's form and not sent.

    `fields` is a JSON list of the names and texts that make the same form again, without secrets
    and without the content of files; `schema_digest` says which schema it was typed into.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="drafts")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts"
    )
    fields = models.TextField(default="[]")
    schema_digest = models.CharField(max_length=64, blank=True)
    reason = models.TextField(blank=True)
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["approval", "reviewer"], name="one_draft_per_approval_and_reviewer"
            )
        ]

    def __str__(self) -> str:
        return f"{self.reviewer}: {self.approval}"


class Upload(models.Model):
    """A file that a reviewer has chosen in an approval's form and not sent."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="uploads")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads"
    )
    name = models.TextField()
    size = models.PositiveIntegerField()  # bytes
    content = models.BinaryField()
    kept_at = models.DateTimeField()

    class Meta:
        # Read by drop_abandoned_uploads, oldest first
        indexes = [models.Index(fields=["kept_at"], name="upload_by_age")]

    def __str__(self) -> str:
        return f"{self.name} ({self.size} bytes): {self.approval}"

    @property
    def token(self) -> str:
        return str(self.pk)

    def read(self) -> bytes:
        return bytes(self.content)

"""The tables of the reviewers' side. Only `approvals.services` writes them."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from flowruns.domain.ids import new_id


class Approval(models.Model):
    """One pause as a reviewer meets it, local or on another server.

    It points at its run by id, not by foreign key: it outlives the run.
    """

    class Outcome(models.TextChoices):
        WAITING = "waiting", "Waiting"
        ANSWERED = "answered", "Answered"
        REJECTED = "rejected", "Rejected"
        EXPIRED = "expired", "Expired"
        WITHDRAWN = "withdrawn", "Withdrawn"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    connector = models.TextField(default="local")
    flow_run_id = models.UUIDField()
    pause_state_id = models.UUIDField()
    pause_key = models.TextField(blank=True)
    flow_name = models.TextField()
    flow_run_name = models.TextField()
    tags = models.JSONField(default=list, blank=True)
    question = models.TextField(blank=True)
    asks_for_input = models.BooleanField(default=False)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.TextField(blank=True)  # an actor as its `str` says, "" where unknown
    outcome = models.CharField(max_length=16, choices=Outcome.choices, default=Outcome.WAITING)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connector", "pause_state_id"], name="one_approval_per_pause"
            ),
            models.CheckConstraint(
                condition=Q(outcome="waiting", closed_at__isnull=True)
                | (~Q(outcome="waiting") & Q(closed_at__isnull=False)),
                name="an_approval_waits_until_closed",
            ),
        ]
        indexes = [
            # read by list_waiting, most urgent first
            models.Index(
                fields=["expires_at", "opened_at"],
                condition=Q(outcome="waiting"),
                name="approval_waiting",
            ),
            models.Index(fields=["flow_run_id"], name="approval_by_flow_run"),
            # read by list_history, newest first
            models.Index(
                fields=["-closed_at"], condition=~Q(outcome="waiting"), name="approval_closed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.flow_name} / {self.flow_run_name}"

    @property
    def is_waiting(self) -> bool:
        return self.outcome == self.Outcome.WAITING


class Decision(models.Model):
    """What somebody answered, when and as whom, beside what they were asked.

    `decided_by` keeps the name when the account is gone; it is an API key's where no person
    answered. `answer` is the JSON text as the flow received it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    approval = models.OneToOneField(Approval, on_delete=models.CASCADE, related_name="decision")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="decisions"
    )
    decided_by = models.TextField()
    decided_at = models.DateTimeField()
    answer = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    description = models.TextField(blank=True)
    schema = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.decided_by}: {self.approval}"


class AskedSchema(models.Model):
    """A schema that an approval has shown, kept for what was typed into it.

    Names of fields are places in the schema, so what was typed is read with this one, even when
    the flow has stored another one since.
    """

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="asked_schemas")
    digest = models.CharField(max_length=64)
    schema = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["approval", "digest"], name="one_schema_per_digest")
        ]

    def __str__(self) -> str:
        return f"{self.digest}: {self.approval}"


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
        # read by drop_abandoned_uploads, oldest first
        indexes = [models.Index(fields=["kept_at"], name="upload_by_age")]

    def __str__(self) -> str:
        return f"{self.name} ({self.size} bytes): {self.approval}"

    @property
    def token(self) -> str:
        return str(self.pk)

    def read(self) -> bytes:
        return bytes(self.content)

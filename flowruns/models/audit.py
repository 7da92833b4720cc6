"""What people and programs did to the server itself."""

from django.db import models

from flowruns.domain.ids import new_id


class AuditEntry(models.Model):
    """One act that an auditor asks for, written in its transaction. It points at nothing.

    `actor` is an actor as its `str` says, "" where nobody is known.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    at = models.DateTimeField(db_index=True)
    action = models.TextField(db_index=True)
    actor = models.TextField(blank=True)
    subject = models.TextField(blank=True)
    address = models.TextField(blank=True)
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name_plural = "audit log"

    def __str__(self) -> str:
        return f"{self.actor or 'somebody'}: {self.action} {self.subject}"

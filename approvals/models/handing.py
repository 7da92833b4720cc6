"""The tables of approvals that somebody hands to another, or looks at later."""

from django.conf import settings
from django.db import models

from approvals.models.approvals import Approval


class HandOver(models.Model):
    """Somebody who was asked has asked another person, too, with a note."""

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="hand_overs")
    by_name = models.TextField()
    to_name = models.TextField()
    note = models.TextField(blank=True)
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.by_name} to {self.to_name}: {self.approval}"


class PutOff(models.Model):
    """An approval that somebody does not want to see in their own list until then."""

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="put_offs")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="put_offs"
    )
    until = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "approval"], name="one_put_off_per_user")
        ]

    def __str__(self) -> str:
        return f"{self.approval} until {self.until}"

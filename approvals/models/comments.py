"""The table of what people say to each other about an approval; flows never get it."""

from django.conf import settings
from django.db import models

from flowruns.domain.ids import new_id


class Comment(models.Model):
    """What somebody said of an approval, as Markdown; one that is deleted leaves a mark.

    `name` keeps the name when the account is gone. `asks_requester` where whoever asked for the
    run is to reply.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    approval = models.ForeignKey(
        "approvals.Approval", on_delete=models.CASCADE, related_name="comments"
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="comments"
    )
    name = models.TextField()
    text = models.TextField(blank=True)
    asks_requester = models.BooleanField(default=False)
    written_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        # Read by list_comments, oldest first
        indexes = [models.Index(fields=["approval", "written_at"], name="comment_by_approval")]

    def __str__(self) -> str:
        return f"{self.name}: {self.approval}"

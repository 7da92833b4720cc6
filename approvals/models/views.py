"""Choices of the inbox that are kept under a name."""

from django.conf import settings
from django.db import models

from flowruns.domain.ids import new_id


class SavedView(models.Model):
    """A choice of the inbox under a name: `query` is what its address says.

    One that is shared is for everybody; what it shows is what its reader may see.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views"
    )
    name = models.CharField(max_length=60)
    query = models.TextField()
    is_shared = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="one_view_per_owner_and_name")
        ]

    def __str__(self) -> str:
        return self.name

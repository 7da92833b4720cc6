"""Processes of this server that flows can reach."""

import uuid

from django.db import models


class Listener(models.Model):
    """A web process: since when flows have been able to tell it that they are there."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    since = models.DateTimeField()
    seen = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"since {self.since}"

"""Named values that flows share."""

from django.db import models

from flowruns.domain.ids import new_id


class Variable(models.Model):
    """A JSON value that flows read by its name; it may be confidential.

    `value` is JSON text, so that an object's keys keep their order.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    name = models.TextField(unique=True)
    value = models.TextField()
    tags = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.name

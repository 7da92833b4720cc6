"""Events: what happened to runs and other things, as their processes or this server tell it."""

from django.db import models


class Event(models.Model):
    """Something that happened to a resource. Its id is its sender's, so that none is kept twice."""

    id = models.UUIDField(primary_key=True, editable=False)
    occurred = models.DateTimeField()
    received = models.DateTimeField()
    event = models.TextField()
    resource_id = models.TextField()
    # Of the resource and all related ones
    resource_ids = models.JSONField(default=list)
    resource = models.JSONField()
    related = models.JSONField(default=list)
    payload = models.JSONField(default=dict)
    follows = models.UUIDField(null=True, blank=True)

    class Meta:
        indexes = [
            # Read by read_events, in the order in which pages go through them
            models.Index(fields=["occurred", "id"], name="event_by_time"),
            models.Index(fields=["resource_id", "occurred"], name="event_by_resource"),
            # Read by delete_old_events
            models.Index(fields=["received"], name="event_by_receipt"),
        ]

    def __str__(self) -> str:
        return self.event

"""What flows leave for people to look at."""

from django.db import models

from flowruns.domain.ids import new_id


class Artifact(models.Model):
    """A report, table, picture, link or progress that a run made; with a key, one version of it.

    The latest version of a key is the one made last. `data` is JSON text, so that a table's
    columns keep their order. The run may be unknown here.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    key = models.TextField(null=True, blank=True)
    type = models.TextField(null=True, blank=True)
    description = models.TextField(null=True, blank=True)
    data = models.TextField(null=True, blank=True)
    metadata = models.JSONField(null=True, blank=True)
    flow_run_id = models.UUIDField(null=True, blank=True)
    task_run_id = models.UUIDField(null=True, blank=True)

    class Meta:
        indexes = [
            # Read by list_run_artifacts
            models.Index(fields=["flow_run_id", "created"], name="artifact_by_flow_run"),
            # Read by read_latest_artifact and read_latest_artifacts
            models.Index(fields=["key", "created"], name="artifact_by_key"),
        ]

    def __str__(self) -> str:
        return self.key or str(self.pk)

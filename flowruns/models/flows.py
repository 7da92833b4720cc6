"""Flows, and the deployments that start them."""

from django.db import models

from flowruns.domain.ids import new_id
from flowruns.models.blocks import BlockDocument
from flowruns.models.concurrency import ConcurrencyLimit


class Flow(models.Model):
    """A flow by its name; it exists as soon as somebody runs it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True, db_index=True)
    updated = models.DateTimeField(auto_now=True)
    name = models.TextField(unique=True)
    tags = models.JSONField(default=list, blank=True)
    labels = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return self.name


class Deployment(models.Model):
    """A flow that some process serves: what starts a scheduled run, or a resumed one again."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="deployments")
    name = models.TextField()
    paused = models.BooleanField(default=False)
    enforce_parameter_schema = models.BooleanField(default=True)
    parameter_openapi_schema = models.JSONField(null=True, blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    tags = models.JSONField(default=list, blank=True)
    labels = models.JSONField(default=dict, blank=True)
    work_queue_name = models.TextField(null=True, blank=True)
    description = models.TextField(null=True, blank=True)
    path = models.TextField(null=True, blank=True)
    version = models.TextField(null=True, blank=True)
    entrypoint = models.TextField(null=True, blank=True)
    pull_steps = models.JSONField(null=True, blank=True)
    job_variables = models.JSONField(default=dict, blank=True)
    last_polled = models.DateTimeField(null=True, blank=True)
    concurrency_limit = models.ForeignKey(
        ConcurrencyLimit,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="deployments",
    )
    concurrency_options = models.JSONField(null=True, blank=True)
    storage_document = models.ForeignKey(
        BlockDocument, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    infrastructure_document = models.ForeignKey(
        BlockDocument, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["flow", "name"], name="one_deployment_per_name")
        ]

    def __str__(self) -> str:
        return f"{self.flow}/{self.name}"

"""The keys of flows and scripts."""

from django.db import models

from flowruns.domain.ids import new_id


class ApiKey(models.Model):
    """A bearer key of a flow or an operator's script. Only its hash is stored."""

    class Scope(models.TextChoices):
        FLOWS = "flows", "run flows: create, read and change runs, inputs and logs"
        RESUME = "resume", "read runs and answer those that wait"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    name = models.TextField(unique=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return self.name

    def allows(self, scope: str) -> bool:
        return scope in self.scopes

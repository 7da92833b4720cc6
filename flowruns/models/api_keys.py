"""The keys of flows and scripts."""

from django.conf import settings
from django.db import models

from flowruns.domain.actors import Actor, Owner, api_key
from flowruns.domain.ids import new_id


class ApiKey(models.Model):
    """A bearer key of a flow or an operator's script. Only its hash is stored."""

    class Scope(models.TextChoices):
        FLOWS = "flows", "run flows: create, read and change runs, inputs and logs"
        RESUME = "resume", "read runs and answer those that wait"
        DESK = "desk", "say at the desk when the key's owner, or for staff anybody, is away"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    name = models.TextField(unique=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="api_keys",
        help_text="Who answers for what is done with the key, such as asking for a run.",
    )
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return self.name

    @property
    def actor(self) -> Actor:
        owner = Owner(id=self.owner.pk, name=self.owner.get_username()) if self.owner else None
        may_resume = self.allows(self.Scope.RESUME)
        return api_key(self.name, key_id=self.pk, owner=owner, may_resume=may_resume)

    def allows(self, scope: str) -> bool:
        return scope in self.scopes

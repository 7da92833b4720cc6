"""The columns that say who did something."""

from typing import Any

from django.db import models

from flowruns.domain.actors import Actor, ActorKind, Owner
from flowruns.models.fields import choices_of


class Acted(models.Model):
    """A row with the actor who made it.

    The key and its owner are told by number, not by foreign key: the record outlives them.
    """

    actor_kind = models.CharField(max_length=16, choices=choices_of(ActorKind))
    actor_name = models.TextField()
    actor_key_id = models.UUIDField(null=True, blank=True)
    actor_owner_id = models.BigIntegerField(null=True, blank=True)
    actor_owner = models.TextField(blank=True)

    class Meta:
        abstract = True

    @property
    def actor(self) -> Actor:
        owner = None
        if self.actor_owner_id is not None:
            owner = Owner(id=self.actor_owner_id, name=self.actor_owner)
        kind = ActorKind(self.actor_kind)
        return Actor(kind, self.actor_name, key_id=self.actor_key_id, owner=owner)


def dump_actor(actor: Actor) -> dict[str, Any]:
    """Write an actor as the columns of a row that it made."""
    return {
        "actor_kind": actor.kind,
        "actor_name": actor.name,
        "actor_key_id": actor.key_id,
        "actor_owner_id": actor.owner.id if actor.owner else None,
        "actor_owner": actor.owner.name if actor.owner else "",
    }

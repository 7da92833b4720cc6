"""How much may go on at once, and who takes part in it."""

from django.db import models
from django.utils import timezone

from flowruns.domain.ids import new_id


class ConcurrencyLimit(models.Model):
    """A named number of slots; `version` is what compare-and-set compares when one is taken.

    Slots are taken with a lease, which is counted while it lasts, or without one: those are
    counted in `loose_slots`, as of `counted_at`, and decay where the limit says so.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    version = models.PositiveBigIntegerField(default=0)
    name = models.TextField(unique=True)
    limit = models.PositiveIntegerField()
    active = models.BooleanField(default=True)
    loose_slots = models.FloatField(default=0)
    counted_at = models.DateTimeField(default=timezone.now)
    slot_decay_per_second = models.FloatField(default=0)

    def __str__(self) -> str:
        return self.name


class SlotLease(models.Model):
    """Slots held by a process until it gives them back or, without a renewal, `expires_at`.

    `flow_run` is set where a deployment's limit holds the run back: the slot goes with the run.
    `renewed_for` is how long the holder asks to keep it, in seconds, None before it first does.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    limits = models.ManyToManyField(ConcurrencyLimit, related_name="leases")
    slots = models.PositiveIntegerField(default=1)
    expires_at = models.DateTimeField(null=True, blank=True, db_index=True)
    renewed_for = models.FloatField(null=True, blank=True)
    holder_type = models.TextField(blank=True)
    holder_id = models.UUIDField(null=True, blank=True)
    flow_run = models.OneToOneField(
        "FlowRun", on_delete=models.CASCADE, null=True, blank=True, related_name="slot_lease"
    )

    def __str__(self) -> str:
        return str(self.pk)

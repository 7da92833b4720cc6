"""When deployments run by themselves."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from flowruns.domain.ids import new_id
from flowruns.models.flows import Deployment


class DeploymentSchedule(models.Model):
    """A schedule of a deployment. `next_check_at` is when the scheduler must look at it again.

    It is also what compare-and-set compares: whoever changes a schedule or its deployment moves
    it first, so that no runs are made by what has changed.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="schedules")
    schedule = models.JSONField()
    active = models.BooleanField(default=True)
    max_scheduled_runs = models.PositiveIntegerField(null=True, blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    slug = models.TextField(null=True, blank=True)
    next_check_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-updated", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["deployment", "slug"], name="one_schedule_per_slug")
        ]
        indexes = [
            # Read by schedule_runs
            models.Index(
                fields=["next_check_at"], condition=Q(active=True), name="schedule_by_next_check"
            )
        ]

    def __str__(self) -> str:
        kinds = {"interval": "IntervalSchedule", "cron": "CronSchedule", "rrule": "RRuleSchedule"}
        return self.slug or next(kinds[name] for name in kinds if name in self.schedule)

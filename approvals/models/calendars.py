"""The tables of when groups work, and of the days on which nobody does."""

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q


class GroupHours(models.Model):
    """When the people of a group work: a line such as `Mon-Fri 09:00-17:00 Europe/Berlin`."""

    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="hours")
    line = models.TextField()

    class Meta:
        verbose_name = "working hours of a group"
        verbose_name_plural = "working hours of groups"

    def __str__(self) -> str:
        return f"{self.group}: {self.line}"


class DayOff(models.Model):
    """A day on which a group does not work, or without one nobody."""

    day = models.DateField()
    group = models.ForeignKey(
        Group, on_delete=models.CASCADE, null=True, blank=True, related_name="days_off"
    )
    name = models.CharField(max_length=100, blank=True, help_text="Such as: New Year's Day")

    class Meta:
        verbose_name_plural = "days off"
        constraints = [
            models.UniqueConstraint(fields=["day", "group"], name="one_day_off_per_group"),
            models.UniqueConstraint(
                fields=["day"], condition=Q(group=None), name="one_day_off_for_everybody"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.name}".strip()

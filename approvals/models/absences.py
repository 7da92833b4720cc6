"""The table of who is away, and who answers meanwhile. Only `services.absences` writes it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from flowruns.domain.ids import new_id


class Absence(models.Model):
    """A time in which a stand-in may take somebody's seats; the absent one may still answer.

    It is over at `until`, at the latest; one that was removed before is kept, with who did it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="absences"
    )
    stand_in = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="stands_in"
    )
    since = models.DateTimeField()
    until = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True)
    set_by = models.TextField()  # an actor as its `str` says
    set_at = models.DateTimeField(auto_now_add=True)
    removed_by = models.TextField(blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(since__lt=F("until")), name="an_absence_ends_after_it_begins"
            ),
            models.CheckConstraint(
                condition=~Q(person=F("stand_in")), name="nobody_stands_in_for_themselves"
            ),
        ]
        # Read by list_absent
        indexes = [
            models.Index(
                fields=["stand_in", "until"],
                condition=Q(removed_at__isnull=True),
                name="absence_by_stand_in",
            )
        ]

    def __str__(self) -> str:
        return f"{self.stand_in} for {self.person}"

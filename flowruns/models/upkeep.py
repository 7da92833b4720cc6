"""What the background loops have done."""

from django.db import models


class LoopRound(models.Model):
    """The last rounds of one background loop on one host."""

    loop = models.TextField()
    host = models.TextField()
    started_at = models.DateTimeField()  # of the process that runs it
    succeeded_at = models.DateTimeField(null=True, blank=True)
    seconds = models.FloatField(default=0)  # that the last round took
    failures = models.PositiveIntegerField(default=0)  # since the last round that succeeded
    error = models.TextField(blank=True)
    noted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["loop", "host"], name="one_row_per_loop_and_host")
        ]

    def __str__(self) -> str:
        return f"{self.loop} on {self.host}"

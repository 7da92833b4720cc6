"""The table of what happens to approvals while nobody answers. Only `services` writes it."""

from django.db import models
from django.db.models import Q

from approvals.models.approvals import Approval


class Step(models.Model):
    """What happens to an approval at a moment, unless it has ended by then.

    `line` is the number of the policy that says so; of a last call it is None. `text` is the step
    as the policy writes it, and `problem` says why it cannot happen. One that is taken is kept.
    """

    class Kind(models.TextChoices):
        REMIND = "remind", "Remind"
        ASK = "ask", "Ask others, too"
        LAST_CALL = "last call", "Last call"
        REJECT = "reject", "Reject"
        ANSWER = "answer", "Answer"

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    origin = models.TextField(blank=True)  # whose policy says so, as `services.policies` has it
    line = models.PositiveSmallIntegerField(null=True)
    text = models.TextField(blank=True)
    at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True)

    class Meta:
        indexes = [
            # Read by take_due_steps
            models.Index(fields=["at"], condition=Q(taken_at__isnull=True), name="step_due")
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.approval}"

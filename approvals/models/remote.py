"""The tables of approvals whose runs live on other servers: what was read, what is being sent."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from approvals.models.approvals import Approval
from approvals.models.votes import Via
from flowruns.domain.actors import Actor, ActorKind
from flowruns.domain.ids import new_id
from flowruns.domain.rejections import BY_POLICY


class Snapshot(models.Model):
    """What an approval's run was like on its server when it was read last.

    Pages show it, votes are judged by it, and it stays while the server is away. `run` and the
    lists are as on the wire, the log's newest lines first.
    """

    approval = models.OneToOneField(
        Approval, on_delete=models.CASCADE, primary_key=True, related_name="snapshot"
    )
    schema = models.TextField(null=True)
    description = models.TextField(null=True)
    policy = models.TextField(null=True)
    run = models.JSONField()
    deployment_name = models.TextField(blank=True)
    is_served = models.BooleanField(default=False)
    states = models.JSONField(default=list)
    logs = models.JSONField(default=list)
    log_count = models.PositiveIntegerField(default=0)
    artifacts = models.JSONField(default=list)
    is_deleted = models.BooleanField(default=False)  # the run, on its server
    read_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.approval} as of {self.read_at:%H:%M:%S}"


class Attempt(models.Model):
    """An answer or a rejection on its way to another server: a row before anything is sent.

    `value` is the answer as JSON text, emptied when the attempt is settled; `words` and `problems`
    say why it came to nothing.
    """

    class Kind(models.TextChoices):
        ANSWER = "answer", "Answer"
        REJECT = "reject", "Rejection"

    class Step(models.TextChoices):
        NEW = "new", "Not sent"
        CLAIMED = "claimed", "Claimed the pause"
        MOVED = "moved", "Moved the run"
        SETTLED = "settled", "Settled"

    class Outcome(models.TextChoices):
        OPEN = "open", "Not known yet"
        DONE = "done", "Done"
        LOST = "lost", "Too late"
        REFUSED = "refused", "Refused"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="attempts")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    name = models.TextField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    value = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    via = models.CharField(
        max_length=8, choices=Via.choices, default=Via.DESK, db_default=Via.DESK.value
    )
    step = models.CharField(max_length=8, choices=Step.choices, default=Step.NEW)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.OPEN)
    words = models.TextField(blank=True)
    problems = models.JSONField(default=list)
    tries = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    held_until = models.DateTimeField(null=True, blank=True)  # by the process that drives it
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["approval"],
                condition=~Q(step="settled"),
                name="one_open_attempt_per_approval",
            )
        ]
        indexes = [
            # Read by list_due
            models.Index(fields=["next_try_at"], condition=~Q(step="settled"), name="attempt_due")
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.kind} {self.approval}"

    @property
    def actor(self) -> Actor:
        """Who decided: `name` is an actor as its `str` says."""
        return Actor.parse(self.name)

    @property
    def told_name(self) -> str:
        """Who decided, as the flow is told."""
        return BY_POLICY if self.actor.kind is ActorKind.POLICY else self.name

    @property
    def is_open(self) -> bool:
        return self.step != self.Step.SETTLED


class Vanishing(models.Model):
    """Most of a server's open approvals are not there any more: what to do is for the staff to say.

    `flow_run_ids` are the runs that are missing; they are closed once `is_confirmed`.
    """

    connector = models.TextField(primary_key=True)
    flow_run_ids = models.JSONField(default=list)
    found_at = models.DateTimeField()
    is_confirmed = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{len(self.flow_run_ids)} missing on {self.connector}"

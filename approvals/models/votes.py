"""Who may answer, who voted, and what was decided."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from approvals.models.approvals import Approval
from flowruns.domain.ids import new_id


class Via(models.TextChoices):
    """Where somebody was when they said it."""

    DESK = "desk", "the desk"
    SLACK = "slack", "Slack"
    API = "api", "the API"


class Policy(models.Model):
    """Who may answer what: a line of text for a flow, a deployment, a tag, or for everything."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.TextField(unique=True)
    line = models.TextField(help_text="Such as: 2 of @finance + 1 of @data, not the requester")
    flow = models.TextField(blank=True, help_text="The name of a flow; any where it is empty.")
    deployment = models.TextField(blank=True, help_text="As flow/deployment; any where empty.")
    tag = models.TextField(blank=True, help_text="A tag of the run; any where it is empty.")
    requester_from = models.TextField(
        blank=True,
        help_text="Where a run names who asked for it: parameters.NAME or labels.NAME.",
    )

    class Meta:
        verbose_name_plural = "policies"

    def __str__(self) -> str:
        return self.name


class Seat(models.Model):
    """One of those who may sit in a part of an approval's policies: a group, a person, anyone.

    `is_open` while one more vote for the part would count.
    """

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="seats")
    line = models.PositiveSmallIntegerField()
    part = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8)  # a WhoKind
    name = models.TextField(blank=True)
    bars_askers = models.BooleanField(default=False)
    is_open = models.BooleanField(default=False)

    class Meta:
        # Read by list_waiting: what a person, or their groups, may answer
        indexes = [models.Index(fields=["kind", "name", "is_open", "approval"], name="seat_by_who")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.approval}"


TAKEN_BACK = "Taken back."
REPLACED = "Replaced by a later one."


# Chooses the votes that count: neither taken back, nor replaced, nor fallen, nor held
STANDING = Q(voided_at__isnull=True, takes_effect_at__isnull=True)
# Chooses the votes that can be undone, since they take effect a few seconds later
HELD = Q(voided_at__isnull=True, takes_effect_at__isnull=False)


class Vote(models.Model):
    """What one reviewer said of an approval; those that were taken back or fell are kept.

    `name` keeps the name when the account is gone; it is an API key's where `is_key`. `answer` is
    the JSON text as the flow would get it, without its secrets. `seen_digest` stands for what the
    voter looked at. With `takes_effect_at` it is held: it does not count yet and can be undone.
    `is_open` while its approval waits, so that the inbox need not look at what ended.
    """

    class Kind(models.TextChoices):
        YES = "yes", "Answer"
        NO = "no", "Rejection"
        OVERRIDE = "override", "Decision against the policy"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="votes")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="votes"
    )
    name = models.TextField()
    is_key = models.BooleanField(default=False)
    for_whom = models.TextField(blank=True)  # whose seat it takes, "" where the voter's own
    kind = models.CharField(max_length=8, choices=Kind.choices)
    answer = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    seen_digest = models.CharField(max_length=64, blank=True)
    # Where it counted when its approval ended: [number of the line, number of the part]
    sat_in = models.JSONField(default=list, blank=True)
    is_signed = models.BooleanField(default=False)
    via = models.CharField(
        max_length=8, choices=Via.choices, default=Via.DESK, db_default=Via.DESK.value
    )
    at = models.DateTimeField()
    takes_effect_at = models.DateTimeField(null=True, blank=True)
    is_open = models.BooleanField(default=True, db_default=True)
    voided_at = models.DateTimeField(null=True, blank=True)
    voided_because = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["approval", "name", "is_key"],
                condition=STANDING,
                name="one_standing_vote_per_voter",
            ),
            models.UniqueConstraint(
                fields=["approval", "name", "is_key"],
                condition=HELD,
                name="one_held_vote_per_voter",
            ),
        ]
        indexes = [
            # Read by visible_to, for one approval at a time
            models.Index(fields=["approval", "reviewer"], name="vote_by_approval"),
            # Read by list_waiting: what a person has answered, and what was answered for them
            models.Index(
                fields=["name", "approval"],
                condition=STANDING & Q(is_open=True, is_key=False),
                name="vote_open_by_name",
            ),
            models.Index(
                fields=["for_whom", "approval"],
                condition=STANDING & Q(is_open=True, is_key=False) & ~Q(for_whom=""),
                name="vote_open_for_whom",
            ),
            # Read by apply_held_votes
            models.Index(fields=["takes_effect_at"], condition=HELD, name="vote_held"),
            # Read by list_waiting: what has left a person's list
            models.Index(
                fields=["reviewer", "takes_effect_at"], condition=HELD, name="vote_held_by"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.kind}"

    @property
    def told_name(self) -> str:
        """Who voted, as it is told: `S for P` where S stood in for P."""
        return f"{self.name} for {self.for_whom}" if self.for_whom else self.name

    @property
    def fell(self) -> bool:
        """Whether something other than its voter has voided it."""
        return self.voided_because not in {"", TAKEN_BACK, REPLACED}


class Decision(models.Model):
    """What somebody answered, when and as whom, beside what they were asked.

    `decided_by` keeps the name when the account is gone; it is an API key's where no person
    answered. `answer` is the JSON text as the flow received it. `decided_at` is when the approval
    closed.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    approval = models.OneToOneField(Approval, on_delete=models.CASCADE, related_name="decision")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="decisions"
    )
    decided_by = models.TextField()
    decided_at = models.DateTimeField()
    answer = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    description = models.TextField(blank=True)
    schema = models.TextField(blank=True)
    overrode = models.BooleanField(default=False)  # the policy, for `reason`
    via = models.CharField(
        max_length=8, choices=Via.choices, default=Via.DESK, db_default=Via.DESK.value
    )

    class Meta:
        # Read by read_history: one entry a name, and what a person decided, newest first
        indexes = [
            models.Index(fields=["decided_by", "-decided_at", "-approval"], name="decision_by_name")
        ]

    def __str__(self) -> str:
        return f"{self.decided_by}: {self.approval}"

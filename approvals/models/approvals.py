"""The tables of approvals: what is asked, who may answer, and what was answered."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from flowruns.domain.ids import new_id


class Approval(models.Model):
    """One pause as a reviewer meets it, local or on another server.

    It points at its run by id, not by foreign key: it outlives the run.
    """

    class Outcome(models.TextChoices):
        WAITING = "waiting", "Waiting"
        ANSWERED = "answered", "Answered"
        REJECTED = "rejected", "Rejected"
        EXPIRED = "expired", "Expired"
        WITHDRAWN = "withdrawn", "Withdrawn"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    connector = models.TextField(default="local")
    flow_run_id = models.UUIDField()
    pause_state_id = models.UUIDField()
    pause_key = models.TextField(blank=True)
    flow_name = models.TextField()
    flow_run_name = models.TextField()
    tags = models.JSONField(default=list, blank=True)
    title = models.TextField(blank=True)  # the first heading of what is asked, "" without one
    question = models.TextField(blank=True)
    about = models.TextField(blank=True)  # the run's parameters in words, where nothing is asked
    asks_for_input = models.BooleanField(default=False)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    # From when on it counts as one that nobody answers, unless somebody has begun
    neglected_at = models.DateTimeField(null=True, blank=True)
    extended_by = models.TextField(blank=True)  # who moved the deadline last, "" for nobody
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.TextField(blank=True)  # an actor as its `str` says, "" where unknown
    outcome = models.CharField(max_length=16, choices=Outcome.choices, default=Outcome.WAITING)
    # The lines that hold for it, as `services.policies` freezes them; none where anyone answers
    policies = models.JSONField(default=list, blank=True)
    is_guarded = models.BooleanField(default=False)
    is_hidden = models.BooleanField(default=False)  # from all but those who may answer it
    askers_known = models.BooleanField(default=True)
    obstacle = models.TextField(blank=True)  # why nobody can answer it, "" where somebody can
    is_unsettled = models.BooleanField(default=False)  # people or groups changed: look again
    # Since when a question to the requester has no reply; nobody is reminded meanwhile
    asked_requester_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions = [
            ("override_policy", "Can decide against a policy"),
            ("extend_deadline", "Can extend the deadline of a run that waits"),
            ("view_all", "Can see what only those who may answer see"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["connector", "pause_state_id"], name="one_approval_per_pause"
            ),
            models.CheckConstraint(
                condition=Q(outcome="waiting", closed_at__isnull=True)
                | (~Q(outcome="waiting") & Q(closed_at__isnull=False)),
                name="an_approval_waits_until_closed",
            ),
        ]
        indexes = [
            # Read by list_waiting, most urgent first, and counted without a look at the rows
            models.Index(
                fields=[
                    "expires_at",
                    "opened_at",
                    "id",
                    "is_hidden",
                    "is_guarded",
                    "flow_name",
                    "outcome",
                ],
                condition=Q(outcome="waiting"),
                name="approval_waiting",
            ),
            models.Index(fields=["flow_run_id"], name="approval_by_flow_run"),
            # Read by settle_approvals
            models.Index(fields=["id"], condition=Q(is_unsettled=True), name="approval_unsettled"),
            # Read by list_obstructed
            models.Index(
                fields=["opened_at"],
                condition=Q(outcome="waiting") & ~Q(obstacle=""),
                name="approval_obstructed",
            ),
            # Read by list_history, newest first
            models.Index(
                fields=["-closed_at"], condition=~Q(outcome="waiting"), name="approval_closed"
            ),
            # Read by list_decided_flows, one entry a flow
            models.Index(fields=["is_hidden", "flow_name", "outcome"], name="approval_by_flow"),
        ]

    def __str__(self) -> str:
        return f"{self.flow_name} / {self.flow_run_name}"

    @property
    def is_waiting(self) -> bool:
        return self.outcome == self.Outcome.WAITING

    @property
    def server(self) -> str:
        """The name of the server on which its run lives, "" for this one."""
        return "" if self.connector == "local" else self.connector

    @property
    def heading(self) -> str:
        """What is asked, or whose question it is."""
        return self.title or f"{self.flow_name} · {self.flow_run_name}"

    @property
    def detail(self) -> str:
        """What a list says below the title: the rest of the question, or what the run is about."""
        if self.title:
            return self.question.removeprefix(self.title).lstrip() or self.about
        return self.question or self.about


class Via(models.TextChoices):
    """Where somebody was when they said it."""

    DESK = "desk", "the desk"
    SLACK = "slack", "Slack"
    API = "api", "the API"


class Decision(models.Model):
    """What somebody answered, when and as whom, beside what they were asked.

    `decided_by` keeps the name when the account is gone; it is an API key's where no person
    answered. `answer` is the JSON text as the flow received it.
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
        # Read by list_deciders, one entry a name
        indexes = [models.Index(fields=["decided_by"], name="decision_by_name")]

    def __str__(self) -> str:
        return f"{self.decided_by}: {self.approval}"


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


class Facet(models.Model):
    """The flow, a tag, a policy or another server that an approval is found by while it waits.

    `is_hidden` is the approval's own, so that a list of all names need not look at approvals.
    """

    class Kind(models.TextChoices):
        FLOW = "flow", "Flow"
        TAG = "tag", "Tag"
        POLICY = "policy", "Policy"
        SERVER = "server", "Server"

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="facets")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.TextField()
    is_hidden = models.BooleanField(default=False)

    class Meta:
        # Read by list_waiting and list_choices
        indexes = [
            models.Index(fields=["kind", "name", "is_hidden", "approval"], name="facet_by_name")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.approval}"


class SavedView(models.Model):
    """A choice of the inbox under a name: `query` is what its address says.

    One that is shared is for everybody; what it shows is what its reader may see.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views"
    )
    name = models.CharField(max_length=60)
    query = models.TextField()
    is_shared = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="one_view_per_owner_and_name")
        ]

    def __str__(self) -> str:
        return self.name


class Presence(models.Model):
    """Somebody who has the page of an approval open, as their browser said last."""

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="presences")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="presences"
    )
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["approval", "user"], name="one_presence_per_approval_and_user"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.approval}"


class Asker(models.Model):
    """Somebody who asked for the run of an approval."""

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="askers")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    name = models.TextField()

    class Meta:
        # Read by list_waiting and visible_to, for one approval at a time
        indexes = [models.Index(fields=["approval", "user"], name="asker_by_approval")]

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
    def stands(self) -> bool:
        """Whether it counts, as `STANDING` has it."""
        return self.voided_at is None and self.takes_effect_at is None

    @property
    def told_name(self) -> str:
        """Who voted, as it is told: `S for P` where S stood in for P."""
        return f"{self.name} for {self.for_whom}" if self.for_whom else self.name

    @property
    def fell(self) -> bool:
        """Whether something other than its voter has voided it."""
        return self.voided_because not in {"", TAKEN_BACK, REPLACED}


class AskedSchema(models.Model):
    """A schema that an approval has shown, kept for what was typed into it.

    Names of fields are places in the schema, so what was typed is read with this one, even when
    the flow has stored another one since.
    """

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="asked_schemas")
    digest = models.CharField(max_length=64)
    schema = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["approval", "digest"], name="one_schema_per_digest")
        ]

    def __str__(self) -> str:
        return f"{self.digest}: {self.approval}"


class Draft(models.Model):
    """What one reviewer has typed into an approval's form and not sent.

    `fields` is a JSON list of the names and texts that make the same form again, without secrets
    and without the content of files; `schema_digest` says which schema it was typed into.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="drafts")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts"
    )
    fields = models.TextField(default="[]")
    schema_digest = models.CharField(max_length=64, blank=True)
    reason = models.TextField(blank=True)
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["approval", "reviewer"], name="one_draft_per_approval_and_reviewer"
            )
        ]

    def __str__(self) -> str:
        return f"{self.reviewer}: {self.approval}"


class Upload(models.Model):
    """A file that a reviewer has chosen in an approval's form and not sent."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="uploads")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads"
    )
    name = models.TextField()
    size = models.PositiveIntegerField()  # bytes
    content = models.BinaryField()
    kept_at = models.DateTimeField()

    class Meta:
        # Read by drop_abandoned_uploads, oldest first
        indexes = [models.Index(fields=["kept_at"], name="upload_by_age")]

    def __str__(self) -> str:
        return f"{self.name} ({self.size} bytes): {self.approval}"

    @property
    def token(self) -> str:
        return str(self.pk)

    def read(self) -> bytes:
        return bytes(self.content)

"""What waits for a person: approvals, what they ask, and what lists find them by."""

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
                    "askers_known",
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
            # Read by read_history, newest first; a rare outcome is found, and all are counted,
            # without a look at the rows
            models.Index(
                fields=["-closed_at", "-id", "outcome", "is_hidden"],
                condition=~Q(outcome="waiting"),
                name="approval_closed",
            ),
            # … and of a flow
            models.Index(
                fields=["flow_name", "-closed_at", "-id", "outcome", "is_hidden"],
                condition=~Q(outcome="waiting"),
                name="approval_closed_of_flow",
            ),
            # Read by read_history, one entry a flow
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

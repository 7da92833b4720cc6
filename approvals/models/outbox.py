"""The tables of messages: where people hear, when they want to, and what they are to be told.

Only `approvals.messages` writes them.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q

from flowruns.domain.ids import new_id


class Profile(models.Model):
    """When a person wants to hear of approvals.

    `hours` is a line such as `Mon-Fri 09:00-17:00`, "" for any time; `zone` is an IANA name.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="profile"
    )
    zone = models.TextField(default="UTC")
    hours = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.user}: {self.hours or 'any time'} ({self.zone})"


class Channel(models.Model):
    """One way in which one person, or a group, hears of approvals.

    A person's mail goes to their account's address, and `address` is empty; elsewhere it is
    encrypted, since some addresses let whoever has them write there. `mark` tells browsers of one
    person apart. `verified_by` says how Slack's user was found to be the person: the e-mail
    address that both have, or `CODE`. A channel without `user` is a group's, and has a name; one
    without `group` either is told of what anyone may answer.
    `claimed_until` is the lease of the process that sends there now, so that one at a time does.
    """

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        SLACK = "slack", "Slack"
        PUSH = "push", "Browser"
        TEAMS = "teams", "Teams workflow"
        APPRISE = "apprise", "Apprise"

    CODE = "code"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="channels"
    )
    group = models.ForeignKey(
        "auth.Group", on_delete=models.CASCADE, null=True, blank=True, related_name="channels"
    )
    name = models.TextField(blank=True)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.EMAIL)
    address = models.TextField(blank=True)
    mark = models.CharField(max_length=64, blank=True)
    verified_by = models.TextField(blank=True)
    is_on = models.BooleanField(default=True)
    muted_until = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)  # when the last message went out
    claimed_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "kind", "mark"], name="one_channel_of_a_kind_per_user"
            ),
            models.UniqueConstraint(
                fields=["name"], condition=~Q(name=""), name="one_channel_of_a_name"
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=False, group__isnull=True, name="")
                | (Q(user__isnull=True) & ~Q(name="")),
                name="channel_of_a_person_or_of_many",
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"{self.kind} of {self.user}"


class Notification(models.Model):
    """One message to one channel, written in the transaction of its event and sent later.

    `content` is all that a message may tell of its approval: it was cut down to what the operator
    allows before the row was written. `why` says why it was skipped or is dead.
    """

    class Kind(models.TextChoices):
        WAITS = "waits", "Waits for an answer"
        REMINDER = "reminder", "Waits still"
        LAST_CALL = "last call", "Waits, and ends soon"
        ENDED = "ended", "Ended, to whoever was asked"
        OUTCOME = "outcome", "Ended, to the requester"
        OBSTRUCTED = "obstructed", "Nobody can answer"
        OVERRIDDEN = "overridden", "Decided against the policy"
        UNDELIVERED = "undelivered", "A message is dead"
        MENTIONED = "mentioned", "Mentioned in a comment"
        ASKED = "asked", "A question to the requester"
        REPLIED = "replied", "The requester's reply"
        TEST = "test", "Test"
        CODE = "code", "Code that links an account"

    class Outcome(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        SKIPPED = "skipped", "Skipped"
        DEAD = "dead", "Dead"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    approval = models.ForeignKey(
        "approvals.Approval", on_delete=models.CASCADE, null=True, related_name="notifications"
    )
    # That it tells of; there is one row for each, whatever else is told of the approval
    comment = models.ForeignKey(
        "approvals.Comment", on_delete=models.CASCADE, null=True, related_name="notifications"
    )
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    content = models.JSONField(default=dict)
    # Which step it was written for, or how many votes of theirs had fallen, 0 for none
    step = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.WAITING)
    ended_at = models.DateTimeField(null=True, blank=True)
    why = models.TextField(blank=True)
    # What the message that it went out with is called there: a mail's Message-ID, Slack's place
    receipt = models.TextField(blank=True)

    class Meta:
        constraints = [
            # Of a test there may be many: they have no approval
            models.UniqueConstraint(
                fields=["approval", "channel", "kind", "step"],
                condition=Q(comment__isnull=True),
                name="one_notification_per_event",
            ),
            models.UniqueConstraint(
                fields=["comment", "channel"], name="one_notification_per_comment"
            ),
        ]
        indexes = [
            # Read by the loops that deliver
            models.Index(
                fields=["next_try_at"], condition=Q(outcome="waiting"), name="notification_waiting"
            ),
            # Read by list_deliveries, newest first
            models.Index(fields=["outcome", "-id"], name="notification_by_outcome"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.channel}"


class Webhook(models.Model):
    """A program that is told of approvals by POST, as Standard Webhooks has it.

    `secrets` is encrypted: the keys that sign, and until when. `disabled_because` says why the
    server has switched it off, "" where an operator did or it is on.
    """

    name = models.TextField(unique=True)
    url = models.TextField("URL")
    secrets = models.TextField(editable=False)
    is_on = models.BooleanField(default=True)
    disabled_because = models.TextField(blank=True, editable=False)
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(models.Model):
    """One event for one webhook; `body` is what is posted, to the letter, whenever it is."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    approval = models.ForeignKey(
        "approvals.Approval", on_delete=models.CASCADE, null=True, related_name="+"
    )
    event = models.CharField(max_length=24)
    body = models.TextField()
    created_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    outcome = models.CharField(
        max_length=8,
        choices=Notification.Outcome.choices,
        default=Notification.Outcome.WAITING,
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    why = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["webhook", "approval", "event"], name="one_delivery_per_webhook_and_event"
            )
        ]
        indexes = [
            # Read by deliver_webhooks
            models.Index(
                fields=["next_try_at"],
                condition=Q(outcome="waiting"),
                name="webhook_delivery_waiting",
            )
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.webhook}"

"""Prefect servers elsewhere, whose waiting runs are answered here too."""

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import models

from flowruns.domain.ids import new_id


def validate_address(url: str) -> None:
    """Refuse what is no address of an API, and one with a password, which would be shown."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise ValidationError("The address must look like https://prefect.example.com/api.")
    if parts.username is not None or parts.password is not None:
        raise ValidationError("The address must not hold a password: give it apart from it.")


class RemoteServer(models.Model):
    """A Prefect server, how to reach it, and what was last found there.

    `credentials` and `headers` are Fernet tokens of JSON texts, "" for none. `clock_offset` is how
    many seconds its clock is ahead of ours. `error` says what the trouble is, "" for none.
    """

    class Kind(models.TextChoices):
        PREFECT = "prefect", "A Prefect server"
        CLOUD = "cloud", "A workspace of Prefect Cloud"

    class AnswerMode(models.TextChoices):
        CLAIM = "claim", "Claim the pause, then move the run"
        RESUME = "resume", "Call resume, then look"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    name = models.CharField(max_length=50, unique=True, validators=[validate_slug])
    url = models.TextField(
        validators=[validate_address], help_text="The address of its API, which ends with /api."
    )
    kind = models.TextField(choices=Kind.choices, default=Kind.PREFECT)
    credentials = models.TextField(blank=True, default="")
    headers = models.TextField(blank=True, default="")
    ca_file = models.TextField(
        blank=True, default="", help_text="A file of certificates to trust beside the usual ones."
    )
    # Only runs with one of these tags; all runs where there are none.
    tags = models.JSONField(default=list, blank=True)
    answer_mode = models.TextField(choices=AnswerMode.choices, default=AnswerMode.CLAIM)
    is_enabled = models.BooleanField(default=True)
    version = models.TextField(blank=True, default="")
    reached_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, default="")
    clock_offset = models.FloatField(default=0)
    streaming_since = models.DateTimeField(null=True, blank=True)
    walked_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    # The latest seconds between a state and its arrival here.
    freshness = models.JSONField(default=list, blank=True)
    lease_holder = models.TextField(blank=True, default="")
    leased_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            # That name is the connector's of our own tables.
            models.CheckConstraint(condition=~models.Q(name="local"), name="server_is_elsewhere")
        ]

    def __str__(self) -> str:
        return self.name

"""A Prefect server elsewhere, what waits there, and the loops that bring it here and back."""

from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User

from approvals.models import Approval, Attempt, Snapshot
from approvals.remote.attempting import drive
from approvals.remote.mirroring import Follower
from approvals.services.attempts import hold, list_due
from flowruns.connectors import get_remote_connector
from flowruns.services.servers import ServerSettings, add_server, draft_server, record_trouble
from tests.fake_prefect import FakePrefect

NAME = "staging"


def add(server: FakePrefect, name: str = NAME) -> None:
    add_server(draft_server(name, ServerSettings(url=server.url)))


def look(name: str = NAME) -> None:
    """Follow a server once: probe, walk, compare."""
    Follower(get_remote_connector(name)).do_round(wait=0)


def ask_there(
    server: FakePrefect, question: str = "# Refund?\n\nIt was late.", **fields: object
) -> Approval:
    """Have a run wait on a server, and return what reviewers get of it here."""
    run_id, pause_id = server.pause(**fields)  # type: ignore[arg-type]
    if fields.get("asks", True):
        base = "suspended-1" if fields.get("suspended") else "paused-1"
        server.store(run_id, f"{base}-description", f'"{question}"'.replace("\n", "\\n"))
    look()
    return Approval.objects.get(pause_state_id=pause_id)


def send() -> None:
    """Drive what is on its way, as if its time had come."""
    Attempt.objects.update(next_try_at=datetime.now(UTC))
    for attempt in list_due(100):
        assert hold(attempt)
        drive(attempt)


def let_time_pass(attempt: Attempt, *, seconds: float) -> None:
    """Have an attempt be so old, and nobody hold it."""
    moment = datetime.now(UTC) - timedelta(seconds=seconds)
    Attempt.objects.filter(pk=attempt.pk).update(created_at=moment, held_until=None)


def let_copy_age(approval: Approval, *, seconds: float = 60) -> None:
    moment = datetime.now(UTC) - timedelta(seconds=seconds)
    Snapshot.objects.filter(pk=approval.pk).update(read_at=moment)


def note_away(words: str = "The server cannot be reached.") -> None:
    """Have whoever follows the server note that it does not answer."""
    server = get_remote_connector(NAME).server
    record_trouble(server.pk, words=words)


def reviewer(name: str = "alice") -> User:
    return User.objects.get_or_create(username=name)[0]


def now(approval: Approval) -> Approval:
    """Return an approval as it is now."""
    return Approval.objects.select_related("decision__reviewer").get(pk=approval.pk)

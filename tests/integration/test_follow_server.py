"""Following a server: its stream is a hint, a look is the net, and one process does it."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from approvals.models import Approval
from approvals.remote import mirroring
from approvals.remote.mirroring import follow_servers
from flowruns.connectors import get_remote_connector
from flowruns.services.servers import read_server, remove_server, take_lease
from tests.fake_prefect import FakePrefect
from tests.integration.elsewhere import NAME, add

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
_PATIENCE = 30.0


@pytest.fixture
def server() -> Iterator[FakePrefect]:
    with FakePrefect().running() as running:
        add(running)
        yield running


@pytest.fixture
def follow(server: FakePrefect) -> Iterator[Callable[[], None]]:
    """Keep the followers until the test ends, as the loop does."""
    over = threading.Event()

    def keep() -> None:
        while not over.wait(0.2):
            follow_servers()
        connection.close()

    keeper = threading.Thread(target=keep)

    def begin() -> None:
        keeper.start()
        eventually(lambda: bool(read_server(NAME).streaming_since), "the stream is open")

    yield begin
    over.set()
    if keeper.ident:
        keeper.join()
    remove_server(NAME)
    followers = list(mirroring.list_followers())
    follow_servers()
    server.hang_up()
    for follower in followers:
        follower.join()


def eventually(question: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + _PATIENCE
    while not question():
        assert time.monotonic() < ends, f"Waited in vain until {what}"
        time.sleep(0.05)


def waiting() -> int:
    return Approval.objects.filter(outcome=Approval.Outcome.WAITING).count()


def test_what_the_stream_tells_is_here_at_once(
    server: FakePrefect, follow: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    follow()
    monkeypatch.setattr(mirroring, "_LOOKS_AFTER_OPENING", ())
    run_id, _ = server.pause()
    server.tell(run_id)
    eventually(lambda: waiting() == 1, "the approval is open")
    server.put(run_id, "CANCELLED")
    for _ in range(3):  # one event may come often
        server.tell(run_id)
    eventually(lambda: waiting() == 0, "the approval is closed")
    assert Approval.objects.count() == 1


def test_what_the_stream_does_not_tell_is_found(
    server: FakePrefect, follow: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirroring, "_LOOKS_WITH_STREAM", 0.5)
    follow()
    run_id, _ = server.pause()
    eventually(lambda: waiting() == 1, "the approval is open")
    del server.runs[run_id]
    eventually(lambda: waiting() == 0, "the approval is closed")


def test_a_stream_that_breaks_is_opened_again(
    server: FakePrefect, follow: Callable[[], None]
) -> None:
    follow()
    before = read_server(NAME).streaming_since
    server.hang_up()
    eventually(lambda: read_server(NAME).streaming_since not in {None, before}, "it is open again")
    run_id, _ = server.pause()
    server.tell(run_id)
    eventually(lambda: waiting() == 1, "the approval is open")


def test_a_server_whose_lease_another_process_has_is_left_to_it(server: FakePrefect) -> None:
    pk = get_remote_connector(NAME).server.pk
    until = datetime.now(UTC) + timedelta(minutes=5)
    assert take_lease(pk, holder="somebody else", until=until)
    server.pause()
    server.requests.clear()
    follow_servers()
    (follower,) = mirroring.list_followers()
    follower.stop()
    follower.join()
    assert server.requests == []
    remove_server(NAME)
    follow_servers()

"""The net under a stream: looks that come in time, walks of much, and one follower that writes."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest

from approvals.models import Approval
from approvals.remote import gathering, mirroring
from approvals.remote.mirroring import Follower
from approvals.remote.settling import settle_gathered
from flowruns.connectors import get_remote_connector
from flowruns.connectors.prefect.errors import RemoteTrouble
from flowruns.connectors.prefect.outcomes import Moved
from flowruns.models import RemoteServer
from flowruns.services.servers import (
    Credentials,
    CredentialsKind,
    lock_credentials,
    read_server,
    take_lease,
)
from tests.fake_prefect import FakePrefect
from tests.integration.elsewhere import NAME, look

pytestmark = pytest.mark.django_db
_SOON = 15.0  # seconds, within which an event that was lost is found


def waiting() -> int:
    return Approval.objects.filter(outcome=Approval.Outcome.WAITING).count()


def begin_following() -> Follower:
    """Look once, with the lease, as a follower's thread does."""
    follower = Follower(get_remote_connector(NAME))
    assert follower._renew()
    follower.do_round(wait=0)
    return follower


def hand_lease_over() -> None:
    """Have the lease run out, and another process take it."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    RemoteServer.objects.update(leased_until=past)
    later = datetime.now(UTC) + timedelta(minutes=5)
    assert take_lease(read_server(NAME).pk, holder="another process", until=later)


def test_a_look_that_finds_much_puts_the_next_one_off_for_no_longer(
    server: FakePrefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = begin_following()
    clock = SimpleNamespace(now=1_000_000.0)
    monkeypatch.setattr(mirroring, "time", SimpleNamespace(monotonic=lambda: clock.now))

    def take_long(request: str) -> None:
        clock.now += 0.5 if "/input" in request else 0.0

    server.before = take_long
    for _ in range(3):
        server.pause()
    began = clock.now
    follower._is_streaming.set()
    follower._look()
    assert waiting() == 3
    assert clock.now > began
    assert began < min(follower._looks_at) <= began + _SOON


def test_who_loses_the_lease_in_mid_walk_writes_nothing_more(
    server: FakePrefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = begin_following()
    for _ in range(5):
        server.pause()

    def stall_after_one(*known: object) -> object:
        settled = settle_gathered(*known)  # type: ignore[arg-type]
        hand_lease_over()
        follower._renewed_at = -mirroring._RENEWED_EVERY  # so long it stood still
        return settled

    monkeypatch.setattr(gathering, "_MOST_AT_ONCE", 1)
    monkeypatch.setattr(mirroring, "settle_gathered", stall_after_one)
    with pytest.raises(mirroring._LeaseLost):
        follower._walk()
    assert waiting() == 1
    assert read_server(NAME).lease_holder == "another process"
    monkeypatch.undo()
    look()  # as the other process does
    assert waiting() == 5


@pytest.mark.slow
def test_what_more_events_told_than_a_stream_holds_back_is_found_by_one_look(
    server: FakePrefect,
) -> None:
    follower = begin_following()
    runs = [server.pause()[0] for _ in range(260)]
    follower._look()
    assert waiting() == 260
    for run_id in runs[::2]:
        server.put(run_id, "CANCELLED")
    follower._look()
    assert waiting() == 130


@pytest.mark.slow
def test_a_walk_of_twenty_megabytes_opens_each_run_once(server: FakePrefect) -> None:
    for _ in range(20):
        run_id, _ = server.pause()
        server.runs[run_id]["parameters"] = {"text": "x" * 1_000_000}
    look()
    assert waiting() == 20


def test_a_socket_on_which_nothing_comes_keeps_no_run_hidden(server: FakePrefect) -> None:
    follower = begin_following()
    follower._is_streaming.set()  # it lives, and tells nothing
    server.pause()
    follower._looks_at = [0.0]
    follower.do_round(wait=0)
    assert waiting() == 1


def test_a_server_whose_address_leads_to_another_closes_nothing_by_itself(
    server: FakePrefect,
) -> None:
    for _ in range(6):
        server.pause()
    look()
    with FakePrefect().running() as other:
        RemoteServer.objects.filter(name=NAME).update(url=other.url)
        look()
        assert waiting() == 6
    RemoteServer.objects.filter(name=NAME).update(url=server.url)
    look()
    assert waiting() == 6
    assert Approval.objects.count() == 6


def test_credentials_that_change_there_are_told_and_followed_with_the_new_ones(
    server: FakePrefect,
) -> None:
    follower = begin_following()
    server.auth = "Basic YWRtaW46bmV3"  # admin:new
    run_id, pause_id = server.pause()
    state = server.runs[run_id]["state"]
    follower._hints.put(
        Moved(
            flow_run_id=UUID(run_id),
            state_id=UUID(str(pause_id)),
            state_type="PAUSED",
            occurred=datetime.fromisoformat(state["timestamp"]),
        )
    )
    with pytest.raises(RemoteTrouble) as caught:
        follower.do_round(wait=0)
    assert follower._note_trouble(caught.value, 1) > 0
    assert read_server(NAME).error
    assert waiting() == 0
    new = Credentials(kind=CredentialsKind.BASIC, secret="admin:new")
    RemoteServer.objects.filter(name=NAME).update(credentials=lock_credentials(new))
    look()
    assert waiting() == 1
    assert read_server(NAME).error == ""

"""What goes wrong between a desk and a server elsewhere, and what a reviewer gets all the same."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from approvals.models import Approval
from approvals.remote.mirroring import Follower
from flowruns.connectors import get_remote_connector
from flowruns.connectors.prefect.outcomes import Moved
from flowruns.services.servers import read_server
from tests.fake_prefect import FakePrefect
from tests.integration.elsewhere import NAME, ask_there, look, now
from tests.integration.pages import log_in, page_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def follower(server: FakePrefect) -> Follower:
    """One that has looked, and hears from now on what a test puts into its stream."""
    follower = Follower(get_remote_connector(NAME))
    follower.do_round(wait=0)
    server.requests.clear()
    return follower


def tell(follower: Follower, server: FakePrefect, run_id: str) -> None:
    state = server.runs[run_id]["state"]
    moved = Moved(
        flow_run_id=UUID(run_id),
        state_id=UUID(state["id"]),
        state_type=state["type"],
        occurred=datetime.fromisoformat(state["timestamp"]),
    )
    follower._hints.put(moved)


def waiting() -> int:
    return Approval.objects.filter(outcome=Approval.Outcome.WAITING).count()


def test_an_event_told_before_its_change_can_be_read_is_read_again(
    server: FakePrefect, follower: Follower
) -> None:
    run_id, _ = server.pause()
    tell(follower, server, run_id)
    committed = dict(server.runs[run_id])
    before = {"type": "RUNNING", "id": str(UUID(int=1)), "name": "Running", "state_details": {}}
    before["timestamp"] = "2026-01-01T00:00:00Z"
    server.runs[run_id] |= {"state": before, "state_type": "RUNNING"}

    def commit(request: str) -> None:
        if server.requests.count(request) == 3:
            server.runs[run_id] = committed

    server.before = commit
    follower.do_round(wait=0)
    assert waiting() == 1


def test_a_crowd_of_events_is_read_by_the_hundred_and_in_any_order(
    server: FakePrefect, follower: Follower
) -> None:
    runs = [server.pause()[0] for _ in range(12)]
    for run_id in (*runs, *reversed(runs)):
        tell(follower, server, run_id)
    follower.do_round(wait=0)
    assert waiting() == 12
    assert server.requests.count("POST /flow_runs/filter") == 1
    assert not any(request.startswith("GET /flow_runs/") for request in server.requests)
    server.requests.clear()
    for run_id in runs:
        server.put(run_id, "CANCELLED")
        tell(follower, server, run_id)
        tell(follower, server, run_id)
    follower.do_round(wait=0)
    assert waiting() == 0
    assert Approval.objects.count() == 12
    assert len(server.requests) == 1 + 2 * 12  # the history and the stored answer of each


def test_a_run_deleted_in_a_crowd_of_events_is_withdrawn(
    server: FakePrefect, follower: Follower
) -> None:
    kept, deleted = ask_there(server), ask_there(server)
    for approval in (kept, deleted):
        tell(follower, server, str(approval.flow_run_id))
    del server.runs[str(deleted.flow_run_id)]
    follower.do_round(wait=0)
    assert (now(kept).outcome, now(deleted).outcome) == ("waiting", "withdrawn")


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_clock_there_that_is_wrong_expires_nothing_and_tells_true_ages(
    server: FakePrefect, minutes: int
) -> None:
    server.clock_ahead = timedelta(minutes=minutes)
    deadline = datetime.now(UTC) + timedelta(minutes=minutes, seconds=30)
    approval = ask_there(server, deadline=deadline)
    look()
    assert now(approval).is_waiting
    assert "Submit" in text_of(log_in().get(page_of(approval)))
    assert abs(read_server(NAME).clock_offset - 60 * minutes) < 3


def test_a_deployment_that_is_deleted_leaves_the_approval_as_it_is(server: FakePrefect) -> None:
    gone = "0190f3a0-0000-7000-8000-00000000000e"
    approval = ask_there(server, suspended=True, deployment_id=gone)
    text = text_of(log_in().get(page_of(approval)))
    assert "Nobody serves this flow at the moment." in text
    assert "Submit" in text


def test_a_run_resumed_there_without_an_answer_is_told_as_answered_there(
    server: FakePrefect,
) -> None:
    approval = ask_there(server)
    server.put(str(approval.flow_run_id), "RUNNING")
    look()
    assert now(approval).outcome == "answered"
    assert "Somebody on staging answered this" in text_of(log_in().get(page_of(approval)))

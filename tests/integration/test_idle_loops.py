"""Loops sleep while nothing happens, and know when they have something to do."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from flowruns.models import FlowRun, LoopRound
from flowruns.pubsub.commits import CommitWatch
from flowruns.services.upkeep import abandoned, expiry, heartbeat, late_runs
from tests.integration.conftest import Make, Run

MOMENTS = sorted(set(settings.BACKGROUND_MOMENTS.values()))


def read(name: str) -> datetime | None:
    moment: datetime | None = import_string(name)()
    return moment


@pytest.mark.django_db
def test_nothing_is_to_be_done_where_nothing_has_happened() -> None:
    assert {name: read(name) for name in MOMENTS} == dict.fromkeys(MOMENTS)


def test_every_loop_of_seconds_sleeps_or_says_why_not() -> None:
    awake = {
        name.rpartition(".")[2]
        for name, seconds in settings.BACKGROUND_LOOPS.items()
        if seconds < 30 and name not in settings.BACKGROUND_MOMENTS
    }
    assert awake == {"follow_servers"}  # its followers end where nobody asks for them
    assert settings.BACKGROUND_MOMENTS.keys() <= settings.BACKGROUND_LOOPS.keys()


def test_a_pause_is_to_be_looked_at_when_its_time_is_over(run: Run) -> None:
    run.pause_for_input(seconds=60)
    assert expiry.find_next() == FlowRun.objects.get().expires_at


def test_a_run_is_to_be_looked_at_when_it_is_late(make_run: Make) -> None:
    make_run(state="SCHEDULED", deployed=True)
    start = FlowRun.objects.get().next_scheduled_start_time
    assert start
    assert late_runs.find_next() == start + timedelta(seconds=15)
    FlowRun.objects.update(state_name="Late")
    assert late_runs.find_next() is None


def test_a_run_is_to_be_looked_at_when_it_was_taken_for_too_long(make_run: Make) -> None:
    run = make_run(state="SCHEDULED", deployed=True)
    run.propose("PENDING")
    taken_at = FlowRun.objects.get().state_timestamp
    assert taken_at
    assert abandoned.find_next() == taken_at + abandoned.UNSTARTED_AFTER


def test_runs_are_watched_while_their_processes_say_that_they_are_there(run: Run) -> None:
    assert heartbeat.find_attended() is None
    heartbeat.note_heartbeat(run.uuid)
    assert heartbeat.find_attended()
    run.propose("COMPLETED")
    assert heartbeat.find_attended() is None


def commit() -> None:
    LoopRound.objects.create(
        loop="a", host="b", started_at=datetime.now(UTC), noted_at=datetime.now(UTC)
    )
    connection.close()


def is_noticed(watch: CommitWatch) -> bool:
    before = watch.count
    watch.look()
    return watch.count > before


@pytest.mark.django_db(transaction=True)
def test_a_commit_of_another_connection_is_noticed_once_and_reading_is_not() -> None:
    watch = CommitWatch()
    watch.look()

    def is_reading_noticed() -> bool:
        list(LoopRound.objects.all())
        return is_noticed(watch)

    # PostgreSQL counts the commits of its other databases too, where other tests write just now:
    # what reading would cause is seen each time, what they cause is not.
    assert not all(is_reading_noticed() for _ in range(200))
    writer = threading.Thread(target=commit)
    writer.start()
    writer.join()
    assert is_noticed(watch)
    assert not all(is_noticed(watch) for _ in range(200))


@pytest.mark.django_db(transaction=True)
def test_who_sleeps_is_woken_by_a_commit_and_by_a_database_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch = CommitWatch()
    monkeypatch.setattr("flowruns.pubsub.commits._QUESTIONS", {connection.vendor: "SELECT oops"})
    with pytest.raises(Exception, match="oops"):
        watch.look()
    watch.wait(beyond=0, seconds=3_600)

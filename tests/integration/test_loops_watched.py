"""A background loop that stands still is noticed: by probes, in the log, and by the staff."""

import asyncio
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from flowruns.models import LoopRound
from flowruns.services.upkeep.rounds import (
    LoopRecord,
    StillLoop,
    find_still_loops,
    note_rounds,
)
from flowruns.web import loop_watch, probes
from flowruns.web.types import Message
from tests.integration.pages import log_in, text_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
EXPIRE = "upkeep.expire_pauses"
LOOPS = {EXPIRE: 1.0, "services.drop_old_drafts": 600.0}
STILL = StillLoop(loop=EXPIRE, since=NOW, error="OSError: no route")


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def ran(loop: str, at: datetime | None, *, host: str = "a", started: float = 7_200) -> None:
    record = LoopRecord(loop=loop, started_at=ago(started), succeeded_at=at)
    note_rounds([record], host=host)


def find_still(*, watched: float = 3_600) -> dict[str, datetime]:
    found = find_still_loops(LOOPS, watched_since=ago(watched), now=NOW)
    return {each.name: each.since for each in found}


def test_loops_that_do_their_rounds_are_not_named() -> None:
    ran(EXPIRE, ago(50))
    ran("services.drop_old_drafts", ago(1_700))
    assert find_still() == {}


def test_a_loop_without_a_round_for_a_minute_stands_still_since_its_last_one() -> None:
    ran(EXPIRE, ago(70))
    ran("services.drop_old_drafts", ago(1_900))
    assert find_still() == {"expire_pauses": ago(70), "drop_old_drafts": ago(1_900)}


def test_one_host_that_runs_a_loop_is_enough() -> None:
    ran("services.drop_old_drafts", ago(10))
    ran(EXPIRE, ago(3_000), host="a")
    ran(EXPIRE, ago(3), host="b")
    assert find_still() == {}


def test_a_loop_that_has_just_started_has_its_time() -> None:
    ran(EXPIRE, None, started=20)
    ran("services.drop_old_drafts", ago(86_400), started=30)
    assert find_still() == {}


def test_a_loop_that_nobody_has_started_stands_still_since_somebody_watches() -> None:
    assert find_still(watched=30) == {}
    assert find_still(watched=90) == {"expire_pauses": ago(90)}


def test_a_server_that_was_off_for_a_night_gives_its_loops_their_time() -> None:
    ran(EXPIRE, ago(40_000), started=80_000)
    ran("services.drop_old_drafts", ago(40_000), started=80_000)
    assert find_still(watched=30) == {}
    assert find_still(watched=90) == {"expire_pauses": ago(40_000)}


def test_a_loop_that_only_fails_stands_still_and_says_why() -> None:
    record = LoopRecord(
        loop=EXPIRE, started_at=ago(500), failures=9, error="OSError: no route", seconds=0.5
    )
    note_rounds([record], host="a")
    [found] = find_still_loops({EXPIRE: 1.0}, watched_since=ago(500), now=NOW)
    assert str(found) == (
        "expire_pauses has not run since 2026-11-28 11:51:40 UTC: OSError: no route"
    )


def test_a_process_writes_one_row_for_each_loop_and_forgets_hosts_that_are_gone() -> None:
    ran(EXPIRE, ago(9), host="gone")
    LoopRound.objects.update(noted_at=datetime.now(UTC) - timedelta(days=8))
    ran(EXPIRE, ago(9))
    ran(EXPIRE, ago(3))
    [row] = LoopRound.objects.all()
    assert (row.host, row.succeeded_at) == ("a", ago(3))


@pytest.fixture
def watch() -> Iterator[loop_watch.LoopWatch]:
    watch = loop_watch.watch
    yield watch
    watch.note([])


def test_the_log_has_a_line_when_a_loop_stops_and_one_when_it_runs_again(
    watch: loop_watch.LoopWatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "flowruns.web.loop_watch"):
        for found in ([], [STILL], [STILL], [], []):
            watch.note(found)
    assert [record.getMessage() for record in caplog.records] == [
        f"{STILL}. Is `work` running?",
        "expire_pauses runs again.",
    ]


def probe(query: bytes) -> tuple[int, Any]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    async def nobody(*_: object) -> None:
        raise AssertionError

    scope = {"type": "http", "method": "GET", "path": "/api/ready", "query_string": query}

    async def ask() -> None:
        await probes.answer_probes(nobody)(scope, receive, send)

    asyncio.run(ask())
    return sent[0]["status"], json.loads(sent[1]["body"])


def test_a_probe_that_asks_for_loops_is_told_which_stand_still_and_since_when(
    watch: loop_watch.LoopWatch,
) -> None:
    assert probe(b"loops=1") == (200, {"message": "OK"})
    watch.note([STILL])
    loops = [{"loop": "expire_pauses", "since": "2026-11-28T12:00:00+00:00", "error": STILL.error}]
    assert probe(b"a=1&loops=1") == (
        503,
        {"message": "Background loops stand still", "loops": loops},
    )
    assert probe(b"") == (200, {"message": "OK"})


def test_staff_are_told_on_every_page_and_nobody_else(watch: loop_watch.LoopWatch) -> None:
    User.objects.create(username="alice", is_staff=True)
    watch.note([STILL])
    page = text_of(log_in("alice").get("/history/"))
    assert "Background work has stood still since 28 Nov 12:00" in page
    assert "expire_pauses" in page
    assert "stood still" not in text_of(log_in("bob").get("/history/"))
    watch.note([])
    assert "stood still" not in text_of(log_in("alice").get("/history/"))

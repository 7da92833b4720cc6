"""What the SDK makes of a server's answers, and of none."""

import logging

import pytest

from flowruns.exceptions import (
    NotAuthorized,
    ObjectAlreadyExists,
    ObjectNotFound,
    RequestRefused,
    ServerError,
    ServerUnreachable,
    StateHasChanged,
)
from flowruns.sdk.calls.asking import STARTING, ask
from flowruns.sdk.config import Config, override_config
from flowruns.sdk.steps.steps import Reply, Send
from tests.rehearsal import Away, Rehearsal

_JSON = {"content-type": "application/json"}
_REQUEST = Send(method="POST", path="/flows/")


def _answered(*replies: Reply) -> Rehearsal:
    left = list(replies)
    return Rehearsal(lambda _: left.pop(0) if len(left) > 1 else left[0])


@pytest.mark.parametrize(
    ("status", "error", "is_permanent"),
    [
        (400, RequestRefused, True),
        (409, ObjectAlreadyExists, True),
        (412, StateHasChanged, True),
        (404, ObjectNotFound, True),
        (422, RequestRefused, True),
        (301, RequestRefused, True),
        (429, ServerUnreachable, False),
        (500, ServerUnreachable, False),
        (503, ServerUnreachable, False),
    ],
)
def test_each_refusal_has_its_error(
    status: int, error: type[ServerError], is_permanent: bool
) -> None:
    stage = _answered(Reply(status, b'{"detail":"because"}', _JSON))
    with pytest.raises(error, match=f"POST /flows/ was answered {status}: because") as caught:
        stage.play(ask(_REQUEST, patience=1))
    assert caught.value.is_permanent is is_permanent


def test_a_refusal_after_an_absence_ends_it_too(caplog: pytest.LogCaptureFixture) -> None:
    away = Reply(503, b'{"detail":"starting"}', _JSON)
    stage = _answered(away, away, away, Reply(409, b'{"detail":"taken"}', _JSON))
    with caplog.at_level(logging.INFO), pytest.raises(ObjectAlreadyExists):
        stage.play(ask(_REQUEST))
    assert [record.message for record in caplog.records] == [
        "POST /flows/ was answered 503: starting. Trying again until it answers.",
        "The server answers again.",
    ]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_says_which_key_and_what_to_set(status: int) -> None:
    config = Config(
        api_url="http://x/api", api_key="k", key_source="the API key in FLOWRUNS_API_KEY"
    )
    previous = override_config(config)
    try:
        with pytest.raises(NotAuthorized) as caught:
            _answered(Reply(status, b'{"detail":"Unknown key"}', _JSON)).play(ask(_REQUEST))
    finally:
        override_config(previous)
    assert str(caught.value) == (
        "The server at http://x/api refused the API key in FLOWRUNS_API_KEY"
        f" ({status}: Unknown key); set FLOWRUNS_API_KEY to a key of that server"
    )


def test_a_page_of_html_is_no_api() -> None:
    stage = _answered(Reply(404, b"<h1>Not found</h1>", {"content-type": "text/html"}))
    with pytest.raises(ServerUnreachable, match="does FLOWRUNS_API_URL end in /api"):
        stage.play(ask(_REQUEST, patience=STARTING))


def test_an_answer_that_is_not_json_says_what_to_check() -> None:
    with pytest.raises(RequestRefused, match="FLOWRUNS_API_URL"):
        Reply(200, b"<html>").json()


def test_an_error_without_a_detail_shows_its_body() -> None:
    stage = _answered(Reply(422, b'["odd"]', _JSON))
    with pytest.raises(RequestRefused, match="odd"):
        stage.play(ask(_REQUEST))


def test_a_busy_server_is_asked_again_when_it_said() -> None:
    busy = Reply(503, b"", {"retry-after": "7"})
    stage = _answered(busy, busy, Reply(200, b"{}"))
    assert stage.play(ask(_REQUEST)).status == 200
    assert stage.slept == [7, 7]


def test_a_date_to_come_back_at_is_not_understood_but_survived() -> None:
    busy = Reply(503, b"", {"retry-after": "Sun, 01 Nov 2026 00:00:00 GMT"})
    stage = _answered(busy, Reply(200, b"{}"))
    stage.play(ask(_REQUEST))
    assert stage.slept[0] < 1


def test_delays_grow_to_a_few_seconds_and_differ() -> None:
    stage = _answered(*[Reply(503)] * 30, Reply(200, b"{}"))
    stage.play(ask(_REQUEST))
    assert stage.slept[0] <= 0.1
    assert all(1.5 <= delay <= 3 for delay in stage.slept[-10:])
    assert len(set(stage.slept[-10:])) > 1


def test_patience_has_an_end() -> None:
    away = Away(lambda _: Reply(200))
    away.leave()
    stage = Rehearsal(away)
    with pytest.raises(ServerUnreachable):
        stage.play(ask(_REQUEST, patience=STARTING))
    assert stage.seconds == STARTING


def test_one_lost_connection_is_not_worth_a_line(caplog: pytest.LogCaptureFixture) -> None:
    stage = _answered(Reply(503), Reply(200, b"{}"))
    stage.play(ask(_REQUEST))
    assert caplog.records == []

"""How a pause waits: held requests, deadlines, servers that are away; played by hand."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from approvals.policies.planning import Span, find_end
from flowruns.domain.rejections import rejected
from flowruns.domain.states import failed
from flowruns.exceptions import (
    ApprovalRejected,
    FlowPauseTimeout,
    NotAuthorized,
    PauseFailed,
    ServerUnreachable,
)
from flowruns.sdk.steps.steps import Reply, Send
from tests.paused_flows import PausedFlow


def test_a_server_that_holds_requests_is_asked_once_a_minute() -> None:
    flow = PausedFlow()
    flow.answer_at(150)
    flow.pause()
    reads = [s for s in flow.stage.sent if s.method == "GET"]
    paused_id = flow.run.history[2].id
    assert [s.headers["Prefer"] for s in reads] == ["wait=60, attend"] * 3
    assert {s.headers["If-None-Match"] for s in reads} == {f'"{paused_id}"'}
    assert sum(flow.stage.slept) == 0


def test_a_server_that_cannot_hold_is_asked_every_poll_interval() -> None:
    flow = PausedFlow(holds=False)
    flow.answer_at(25)
    flow.pause(poll_interval=10)
    assert flow.stage.slept == [10, 10, 10]


def test_a_server_that_ends_its_holds_early_is_not_asked_without_pause() -> None:
    flow = PausedFlow()
    flow.answer_at(5)

    def hurried(request: Send) -> Reply:
        if "wait" in request.headers.get("Prefer", "") and flow.stage.seconds < 4:
            return Reply(304, b"", {"preference-applied": "wait=60"})
        return flow.server.handle(request)

    flow.stage.server = hurried
    flow.pause()
    assert flow.stage.slept[:4] == [1.0] * 4


# --- how it ends when nobody answers


def _give_more_time(flow: PausedFlow, *, seconds: float) -> None:
    """Move the deadline in the state, as the server does, and leave the state what it is."""
    paused = flow.run.history[-1]
    assert paused.details.pause_timeout is not None
    later = paused.details.pause_timeout + timedelta(seconds=seconds)
    flow.run.history[-1] = replace(paused, details=replace(paused.details, pause_timeout=later))


@pytest.mark.parametrize("holds", [True, False])
def test_who_is_given_more_time_waits_on(holds: bool) -> None:
    flow = PausedFlow(holds=holds)
    flow.stage.at(30, lambda: _give_more_time(flow, seconds=3600))
    flow.stage.at(90, lambda: _give_more_time(flow, seconds=3600))
    flow.answer_at(7000, {"value": 7})
    assert flow.pause(int, timeout=60) == 7
    assert 7000 <= flow.stage.seconds < 7010


def test_more_time_runs_out_as_well() -> None:
    flow = PausedFlow()
    flow.stage.at(30, lambda: _give_more_time(flow, seconds=100))
    with pytest.raises(FlowPauseTimeout):
        flow.pause(timeout=60)
    assert 160 <= flow.stage.seconds < 160.01
    assert flow.run.names[-2:] == ["Paused", "Failed"]


def test_a_failure_within_the_new_deadline_is_no_expiry() -> None:
    flow = PausedFlow()
    flow.stage.at(30, lambda: _give_more_time(flow, seconds=100))
    fault = replace(failed("out of memory"), timestamp=flow.stage.now() + timedelta(seconds=70))
    flow.stage.at(70, lambda: flow.server.set_state(flow.run, fault))
    with pytest.raises(PauseFailed):
        flow.pause(timeout=60)


@pytest.mark.parametrize("holds", [True, False])
@pytest.mark.parametrize("timeout", [0.3, 2, 7.5, 61.2])
def test_a_pause_times_out_when_it_was_asked_to(timeout: float, holds: bool) -> None:
    flow = PausedFlow(holds=holds)
    with pytest.raises(FlowPauseTimeout, match="paused and never resumed"):
        flow.pause(timeout=timeout)
    assert timeout <= flow.stage.seconds <= timeout + 0.01


def test_no_request_is_held_beyond_the_deadline() -> None:
    flow = PausedFlow()
    with pytest.raises(FlowPauseTimeout):
        flow.pause(timeout=90.5)
    reads = [s for s in flow.stage.sent if s.method == "GET"]
    assert [s.headers.get("Prefer") for s in reads] == [
        *("wait=60, attend", "wait=30, attend", "attend", "attend")
    ]


def test_an_answer_at_the_last_moment_counts() -> None:
    flow = PausedFlow(holds=False)
    flow.answer_at(2, {"value": 1})
    assert flow.pause(int, timeout=2, poll_interval=10) == 1


def test_the_servers_word_ends_a_pause_before_this_clock_does() -> None:
    flow = PausedFlow()
    flow.at(3, failed("The flow was paused and never resumed."))
    with pytest.raises(FlowPauseTimeout):
        flow.pause(timeout=60)
    assert flow.stage.seconds == 3


def test_a_failure_at_the_deadline_is_an_expiry_whatever_its_message() -> None:
    flow = PausedFlow()
    late = replace(failed("Zeit abgelaufen"), timestamp=flow.stage.now() + timedelta(seconds=61))
    flow.stage.at(59, lambda: flow.server.set_state(flow.run, late))
    with pytest.raises(FlowPauseTimeout, match="Zeit abgelaufen"):
        flow.pause(timeout=60)


def test_giving_up_takes_the_run_out_of_its_pause() -> None:
    flow = PausedFlow()
    with pytest.raises(FlowPauseTimeout):
        flow.pause(timeout=5)
    assert flow.run.names[-2:] == ["Paused", "Failed"]


def _just_before_giving_up(flow: PausedFlow, act: Callable[[], object]) -> None:
    def interleave(request: Send) -> Reply:
        if request.path.endswith("set_state") and flow.run.names[-1] == "Paused":
            act()
        return flow.server.handle(request)

    flow.stage.server = interleave


def test_an_answer_between_the_last_look_and_giving_up_counts() -> None:
    flow = PausedFlow()
    _just_before_giving_up(flow, lambda: flow.server._resume(flow.run, {"value": 8}))
    assert flow.pause(int, timeout=5) == 8
    assert flow.run.names[-1] == "Running"


def test_an_expiry_between_the_last_look_and_giving_up_is_one() -> None:
    flow = PausedFlow()
    _just_before_giving_up(flow, lambda: flow.server.set_state(flow.run, failed("expired")))
    with pytest.raises(FlowPauseTimeout):
        flow.pause(timeout=5)
    assert flow.run.state.message == "expired"


def test_a_rejection_between_the_last_look_and_giving_up_is_one() -> None:
    flow = PausedFlow()
    decision = rejected(reviewer="alice", reason="too much")
    _just_before_giving_up(flow, lambda: flow.server.set_state(flow.run, decision))
    with pytest.raises(ApprovalRejected, match="too much"):
        flow.pause(int, timeout=5)


@pytest.mark.parametrize("timeout", [0.5, 3, 75])
def test_a_server_that_hangs_does_not_prolong_it_by_a_minute(timeout: float) -> None:
    flow = PausedFlow()

    def hang(request: Send) -> Reply:
        if flow.run.names[-1] == "Running":
            return flow.server.handle(request)
        flow.stage.seconds += request.timeout
        raise ServerUnreachable("timed out")

    flow.stage.server = hang
    with pytest.raises(FlowPauseTimeout):
        flow.pause(timeout=timeout)
    assert timeout <= flow.stage.seconds < timeout + 60
    assert flow.run.names[-1] == "Paused"  # the server ends it, when it is back


def _lose_at_giving_up(flow: PausedFlow) -> None:
    def lose(request: Send) -> Reply:
        if request.path.endswith("set_state") and flow.run.names[-1] == "Paused":
            flow.away.leave()
        return flow.away(request)

    flow.stage.server = lose


def test_a_server_that_goes_away_at_the_deadline_does_not_prolong_it_by_a_minute() -> None:
    flow = PausedFlow()
    _lose_at_giving_up(flow)
    with pytest.raises(FlowPauseTimeout):
        flow.pause(timeout=5)
    assert 5 < flow.stage.seconds < 65


# --- answers that a server has taken before it goes away


@pytest.mark.parametrize("holds", [True, False])
def test_an_answer_that_a_server_took_before_it_died_counts_after_the_deadline(holds: bool) -> None:
    flow = PausedFlow(holds=holds)
    flow.stage.at(3, flow.away.leave)
    flow.answer_at(3.1, {"value": 8})
    flow.stage.at(30, flow.away.come_back)
    assert flow.pause(int, timeout=5) == 8
    assert flow.run.names[-1] == "Running"


def test_an_answer_that_comes_after_the_deadline_is_refused_while_the_flow_gives_up() -> None:
    flow = PausedFlow()
    _lose_at_giving_up(flow)
    answers: list[Reply] = []
    flow.stage.at(5.01, lambda: answers.append(flow.server._resume(flow.run, {"value": 8})))
    with pytest.raises(FlowPauseTimeout):
        flow.pause(int, timeout=5)
    assert [json.loads(each.content)["status"] for each in answers] == ["REJECT"]
    assert flow.run.names[-1] == "Failed"


def test_an_answer_counts_where_giving_up_was_not_heard() -> None:
    """The connection breaks on the way there; the answer is first, and the flow asks again."""
    flow = PausedFlow()
    broken: list[Send] = []

    def break_once(request: Send) -> Reply:
        if request.path.endswith("set_state") and flow.run.names[-1] == "Paused" and not broken:
            broken.append(request)
            flow.server._resume(flow.run, {"value": 8})
            raise ServerUnreachable("reset")
        return flow.server.handle(request)

    flow.stage.server = break_once
    assert flow.pause(int, timeout=5) == 8


def test_a_flow_that_gave_up_and_heard_no_answer_has_given_up_once() -> None:
    flow = PausedFlow()
    lost: list[Send] = []

    def lose_the_answer(request: Send) -> Reply:
        is_giving_up = request.path.endswith("set_state") and flow.run.names[-1] == "Paused"
        reply = flow.server.handle(request)
        if is_giving_up and not lost:
            lost.append(request)
            raise ServerUnreachable("reset")
        return reply

    flow.stage.server = lose_the_answer
    with pytest.raises(FlowPauseTimeout):
        flow.pause(timeout=5)
    assert flow.run.names[-2:] == ["Paused", "Failed"]


# --- clocks that disagree


def _keep_deadlines_by_another_clock(flow: PausedFlow, *, ahead: float, late: float) -> None:
    """Let the server's clock be so many seconds ahead, and have it move deadlines accordingly.

    It hears of a pause `late`: what a header of whole seconds leaves out, and the way there.
    """
    flow.server._now = lambda: flow.stage.now() + timedelta(seconds=ahead)

    def correct(request: Send) -> Reply:
        body = json.loads(json.dumps(request.body or {}))
        if body.get("state", {}).get("type") == "PAUSED":
            details = body["state"]["state_details"]
            moment = datetime.fromisoformat(details["pause_timeout"])
            details["pause_timeout"] = (moment + timedelta(seconds=ahead + late)).isoformat()
        return flow.server.handle(request._replace(body=body or None))

    flow.stage.server = correct


@pytest.mark.parametrize("ahead", [-600, 0, 600])
@pytest.mark.parametrize("late", [0, 0.99, 4])
def test_a_flow_waits_as_long_as_the_server_whatever_their_clocks_say(
    ahead: float, late: float
) -> None:
    flow = PausedFlow()
    _keep_deadlines_by_another_clock(flow, ahead=ahead, late=late)
    with pytest.raises(FlowPauseTimeout):
        flow.pause(timeout=12)
    assert flow.stage.seconds == pytest.approx(12 + late)


@pytest.mark.parametrize("ahead", [-600, 0, 600])
def test_a_policy_decides_at_the_end_by_the_servers_clock_before_the_flow_gives_up(
    ahead: float,
) -> None:
    flow, timeout, late = PausedFlow(), timedelta(seconds=12), 3.0
    _keep_deadlines_by_another_clock(flow, ahead=ahead, late=late)
    begin = flow.stage.now() + timedelta(seconds=ahead)
    end = find_end(Span(begin=begin, end=begin + timeout + timedelta(seconds=late)))
    assert end is not None
    decision = rejected(reviewer="policy", reason="nobody answered")
    flow.stage.at((end - begin).total_seconds(), lambda: flow.server.set_state(flow.run, decision))
    with pytest.raises(ApprovalRejected, match="nobody answered"):
        flow.pause(timeout=timeout.total_seconds())


def test_a_pause_on_prefects_server_lasts_as_long_as_this_clock_says() -> None:
    flow = PausedFlow(holds=False)
    _keep_deadlines_by_another_clock(flow, ahead=600, late=0)
    corrects = flow.stage.server

    def forget_tags(request: Send) -> Reply:
        reply = corrects(request)
        return reply._replace(headers={k: v for k, v in reply.headers.items() if k != "etag"})

    flow.server._now = flow.stage.now
    flow.stage.server = forget_tags
    with pytest.raises(FlowPauseTimeout):
        flow.pause(timeout=12)
    assert flow.stage.seconds == 12


# --- how it ends when the run does


def test_a_server_that_is_away_for_minutes_does_not_end_the_pause(
    caplog: pytest.LogCaptureFixture,
) -> None:
    flow = PausedFlow()
    flow.stage.at(10, flow.away.leave)
    flow.stage.at(310, flow.away.come_back)
    flow.answer_at(400, {"value": 5})
    with caplog.at_level(logging.INFO):
        assert flow.pause(int) == 5
    assert flow.stage.seconds == 400
    warnings = [r.message for r in caplog.records if r.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "cannot be reached" in warnings[0]
    assert [r.message for r in caplog.records].count("The server answers again.") == 1


def test_its_return_is_noticed_within_seconds() -> None:
    flow = PausedFlow(holds=False)
    flow.stage.at(1, flow.away.leave)
    flow.answer_at(299)
    flow.stage.at(300, flow.away.come_back)
    flow.pause(poll_interval=0.5)
    assert flow.stage.seconds <= 304


def test_the_deadline_holds_to_a_minute_while_the_server_is_away() -> None:
    flow = PausedFlow()
    flow.stage.at(1, flow.away.leave)
    with pytest.raises(FlowPauseTimeout):
        flow.pause(timeout=62.5)
    assert 62.5 < flow.stage.seconds < 62.5 + 60


def test_an_acceptance_whose_answer_was_lost_is_an_acceptance() -> None:
    flow = PausedFlow()
    lost: list[Send] = []

    def lose_once(request: Send) -> Reply:
        reply = flow.server.handle(request)
        if request.path.endswith("set_state") and not lost:
            lost.append(request)
            flow.away.leave()
            flow.stage.at(flow.stage.seconds + 0.05, flow.away.come_back)
            return flow.away(request)
        return flow.away(request) if request.path.endswith("set_state") else reply

    flow.stage.server = lose_once
    flow.answer_at(30, {"value": 9})
    assert flow.pause(int) == 9
    assert flow.run.names.count("Paused") == 1


def test_a_refused_key_ends_the_pause() -> None:
    flow = PausedFlow()

    def refuse(request: Send) -> Reply:
        if request.method == "GET":
            return Reply(401, b'{"detail":"Unknown key"}', {"content-type": "application/json"})
        return flow.server.handle(request)

    flow.stage.server = refuse
    with pytest.raises(NotAuthorized, match="FLOWRUNS_API_KEY"):
        flow.pause()

"""Messages between flow runs, played by hand or through a fake server."""

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Optional
from uuid import uuid4

import pydantic
import pytest

from flowruns import RunInput, asend_input, receive_input, send_input
from flowruns.domain.keysets import key_from_name
from flowruns.exceptions import ObjectNotFound, SenderIsNoFlowRun
from flowruns.sdk.context import in_flow_run
from flowruns.testing import served_by
from flowruns.wire import RunInput as RunInputOnTheWire
from tests.paused_flows import PausedFlow


class Question(RunInput):
    text: str


class Legal_Review(RunInput):  # noqa: N801 -- a name that is no key
    text: str


class Prüfung(RunInput):  # noqa: PLC2401 -- as flow authors may name theirs
    text: str


class Item(pydantic.BaseModel):
    name: str
    secret: pydantic.SecretStr = pydantic.SecretStr("")


type Count = int | None


@dataclass
class Point:
    x: int
    y: int = 0


@pytest.fixture
def flow() -> Iterator[PausedFlow]:
    """A flow run whose code this test is: it sends to itself."""
    flow = PausedFlow()
    with served_by(flow.server.handle), in_flow_run(flow.context):
        yield flow


def _keys(flow: PausedFlow) -> list[str]:
    return list(flow.run.inputs)


def _received(kind: Any, **options: Any) -> list[Any]:
    return list(receive_input(kind, timeout=0, **options))


def test_a_message_arrives_with_its_sender(flow: PausedFlow) -> None:
    Question(text="Why?").send_to(flow.id)
    (key,) = _keys(flow)
    assert key.startswith("question-auto-")
    (question,) = Question.receive(timeout=0)
    assert question.text == "Why?"
    assert question.metadata.key == key
    assert question.metadata.sender == f"prefect.flow-run.{flow.id}"
    assert question.metadata.receiver == flow.id


def test_messages_arrive_in_their_order_and_once(flow: PausedFlow) -> None:
    for text in "abc":
        Question(text=text).send_to(flow.id)
    assert [question.text for question in Question.receive(timeout=0)] == ["a", "b", "c"]
    assert _received(Question) == []


def test_in_async_code_everything_is_awaited(flow: PausedFlow) -> None:
    async def talk() -> list[Any]:
        await asend_input("first", flow.id)
        await send_input("second", flow.id)  # type: ignore[func-returns-value, misc]
        await Question(text="third").asend_to(flow.id)
        texts = [text async for text in receive_input(str, timeout=0)]
        reader = Question.receive(timeout=0)
        question = await reader.anext()
        await question.arespond("fourth")
        await reader.aacknowledge()
        return [*texts, question.text, await receive_input(str, timeout=0).next()]  # type: ignore[misc]

    flow.context.is_async = True
    assert asyncio.run(talk()) == ["first", "second", "third", "fourth"]


# --- acknowledging


def test_asking_for_the_next_one_deletes_the_last_one_from_the_server(flow: PausedFlow) -> None:
    send_input("a", flow.id)
    send_input("b", flow.id)
    reader = receive_input(str, timeout=0)
    assert next(reader) == "a"
    assert len(_keys(flow)) == 2
    assert next(reader) == "b"
    assert [json.loads(text) for text in flow.run.inputs.values()] == [{"value": "b"}]
    reader.acknowledge()
    assert _keys(flow) == []


def test_a_restarted_reader_gets_again_only_what_it_was_working_on(flow: PausedFlow) -> None:
    for text in "abc":
        send_input(text, flow.id)
    reader = receive_input(str, timeout=0)
    assert [next(reader), next(reader)] == ["a", "b"]
    flow.context.messages.clear()  # as in a process that has just begun
    assert _received(str) == ["b", "c"]


def test_two_readers_of_one_run_share_its_messages(flow: PausedFlow) -> None:
    for text in "abc":
        send_input(text, flow.id)
    one, other = receive_input(str, timeout=0), receive_input(str, timeout=0)
    assert [next(one), next(other), next(one)] == ["a", "b", "c"]


def test_a_message_that_another_reader_takes_meanwhile_is_left_to_it(flow: PausedFlow) -> None:
    send_input("a", flow.id)
    send_input("b", flow.id)
    first, _ = _keys(flow)
    reader = receive_input(str, timeout=0)
    read = reader.read

    def be_late(found: RunInputOnTheWire) -> str:
        if found.key == first:
            flow.context.messages[first] = object()
        return read(found)

    reader.read = be_late
    assert list(reader) == ["b"]


def test_a_message_that_somebody_else_deleted_is_acknowledged_all_the_same(
    flow: PausedFlow,
) -> None:
    send_input("a", flow.id)
    reader = receive_input(str, timeout=0)
    next(reader)
    flow.run.inputs.clear()
    reader.acknowledge()
    reader.acknowledge()


def test_excluded_keys_are_left_alone(flow: PausedFlow) -> None:
    send_input("a", flow.id)
    send_input("b", flow.id)
    first, _ = _keys(flow)
    assert _received(str, exclude_keys={first}) == ["b"]
    assert _keys(flow) == [first]


# --- what can be sent


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (int, 7),
        (str, "text"),
        (list[Item], [Item(name="a", secret=pydantic.SecretStr("s"))]),
        (Literal["yes", "no"], "no"),
        (Optional[int], 3),  # noqa: UP045 -- flow authors write it so
        (Optional[int], None),  # noqa: UP045 -- authors write it
        (int | None, 4),
        (Count, 5),
        (Point, Point(1, 2)),
        (dict[str, int], {"a": 1}),
    ],
)
def test_any_type_arrives_as_it_was_sent(flow: PausedFlow, kind: Any, value: Any) -> None:
    send_input(value, flow.id)
    assert _received(kind) == [value]


def test_a_pydantic_model_arrives_with_its_secrets(flow: PausedFlow) -> None:
    send_input(Item(name="a", secret=pydantic.SecretStr("s")), flow.id)
    (item,) = _received(Item)
    assert (item.name, item.secret.get_secret_value()) == ("a", "s")
    assert item.metadata.sender == f"prefect.flow-run.{flow.id}"


def test_a_value_may_come_in_a_wrapper_that_knows_its_sender(flow: PausedFlow) -> None:
    send_input(1, flow.id, sender="the-night-shift")
    (wrapped,) = _received(int, with_metadata=True)
    assert (wrapped.value, wrapped.metadata.sender) == (1, "the-night-shift")
    with pytest.raises(SenderIsNoFlowRun):
        wrapped.respond(2)


def test_a_response_goes_to_the_sender(flow: PausedFlow) -> None:
    send_input(1, flow.id)
    (wrapped,) = _received(int, with_metadata=True)
    wrapped.respond(Question(text="Why 1?"), key_prefix="replies")
    assert [key.startswith("replies-") for key in _keys(flow)] == [True]
    assert [q.text for q in _received(Question, key_prefix="replies")] == ["Why 1?"]


@pytest.mark.parametrize("sender", ["prefect.flow-run.7", "somebody.else", None])
def test_nobody_responds_to_who_is_no_flow_run(flow: PausedFlow, sender: str | None) -> None:
    flow.run.inputs[f"question-auto-{uuid4()}"] = '{"text": "Why?"}'
    flow.run.senders |= dict.fromkeys(flow.run.inputs, sender)
    (question,) = _received(Question)
    with pytest.raises(SenderIsNoFlowRun):
        question.respond("no")


def test_sending_to_a_run_that_does_not_exist_is_an_error(flow: PausedFlow) -> None:
    with pytest.raises(ObjectNotFound):
        send_input("a", uuid4())


# --- keys


@pytest.mark.parametrize(
    ("name", "key"),
    [("Approval", "approval"), ("Legal_Review", "legal-review"), ("Größe", "gr-f6--df-e")],
)
def test_every_class_name_makes_a_key(name: str, key: str) -> None:
    assert key_from_name(name) == key


@pytest.mark.parametrize("kind", [Legal_Review, Prüfung])
def test_a_class_whose_name_is_no_key_can_be_sent(flow: PausedFlow, kind: type[Question]) -> None:
    kind(text="a").send_to(flow.id)
    assert [message.text for message in kind.receive(timeout=0)] == ["a"]


@pytest.mark.parametrize("prefix", ["", "Grp", "grp_1", "grp%", "grüße"])
def test_a_prefix_that_is_no_key_is_refused_before_anything_is_stored(
    flow: PausedFlow, prefix: str
) -> None:
    with pytest.raises(ValueError, match="key prefix"):
        send_input("a", flow.id, key_prefix=prefix)
    with pytest.raises(ValueError, match="key prefix"):
        receive_input(str, key_prefix=prefix)
    assert flow.run.inputs == {}


def test_a_prefix_does_not_catch_the_messages_of_a_longer_one(flow: PausedFlow) -> None:
    for prefix in ("grp2", "grp-2", "grp"):
        send_input(prefix, flow.id, key_prefix=prefix)
    assert _received(str, key_prefix="grp") == ["grp"]
    assert _received(str, key_prefix="grp-2") == ["grp-2"]
    assert _received(str, key_prefix="grp2") == ["grp2"]


def test_a_key_that_another_program_chose_is_read_too(flow: PausedFlow) -> None:
    flow.run.inputs["grp-1"] = '{"value": "by hand"}'
    assert _received(str, key_prefix="grp") == ["by hand"]


def test_lists_of_different_things_do_not_mix(flow: PausedFlow) -> None:
    send_input([1, 2], flow.id)
    send_input(["1", "2"], flow.id)
    assert _received(list[str]) == [["1", "2"]]
    assert _received(list[int]) == [[1, 2]]


# --- bad messages


@pytest.mark.parametrize("text", ['{"text": 7, "pin": "0815"}', "[]", "no JSON", "null"])
def test_a_bad_message_is_reported_and_skipped(
    flow: PausedFlow, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    key = f"question-auto-{uuid4()}"
    flow.run.inputs[key] = text
    Question(text="good").send_to(flow.id)
    assert [question.text for question in Question.receive(timeout=0)] == ["good"]
    (record,) = [one for one in caplog.records if one.name == "flowruns.test"]
    assert record.levelno == logging.WARNING
    assert key in record.message
    assert "0815" not in record.message
    assert _keys(flow) == [key]


# --- time


@pytest.mark.parametrize("timeout", [0, 2.5, 7])
def test_the_reader_ends_on_time(timeout: float) -> None:
    flow = PausedFlow()
    reader = Question.receive(timeout=timeout, poll_interval=3, flow_run_id=flow.id)
    with pytest.raises(TimeoutError, match="No input came"):
        flow.stage.play(reader._next_steps())
    assert flow.stage.seconds == timeout


def test_a_message_is_found_within_the_poll_interval() -> None:
    flow = PausedFlow()
    flow.stage.at(10, lambda: flow.run.inputs.update({f"question-auto-{uuid4()}": '{"text":"a"}'}))
    reader = Question.receive(timeout=None, poll_interval=3, flow_run_id=flow.id)
    assert flow.stage.play(reader._next_steps()).text == "a"
    assert flow.stage.seconds == 12


def test_a_reader_survives_the_servers_absence_and_ends_on_time_in_it() -> None:
    flow = PausedFlow()
    flow.away.leave()
    flow.stage.at(40, flow.away.come_back)
    flow.stage.at(40, lambda: flow.run.inputs.update({f"question-auto-{uuid4()}": '{"text":"a"}'}))
    reader = Question.receive(timeout=60, poll_interval=3, flow_run_id=flow.id)
    assert flow.stage.play(reader._next_steps()).text == "a"
    flow.away.leave()
    reader = Question.receive(timeout=5, poll_interval=3, flow_run_id=flow.id)
    began = flow.stage.seconds
    with pytest.raises(TimeoutError):
        flow.stage.play(reader._next_steps())
    assert flow.stage.seconds - began <= 6


def test_the_timeout_may_be_raised_in_loops_too(flow: PausedFlow) -> None:
    with pytest.raises(TimeoutError):
        _received(int, raise_timeout_error=True)

    async def read() -> None:
        async for _ in receive_input(int, timeout=0, raise_timeout_error=True):
            raise AssertionError

    with pytest.raises(TimeoutError):
        asyncio.run(read())


def test_another_runs_messages_can_be_read_from_outside() -> None:
    flow = PausedFlow()
    with served_by(flow.server.handle):
        send_input("a", flow.id)
        assert _received(str, flow_run_id=flow.id) == ["a"]
    assert flow.run.senders == dict.fromkeys(flow.run.senders)

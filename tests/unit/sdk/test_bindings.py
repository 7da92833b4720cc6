"""An answer belongs to the question that its person saw."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flowruns import Flow, RunInput, pause_flow_run
from flowruns.exceptions import AnswerBelongsElsewhere
from flowruns.sdk.inputs.questions import Call, Likeness, Place, Question, compare
from flowruns.testing import FakeServer, reviewed_by
from tests.paused_flows import PausedFlow
from tests.served_runs import Served


class Approval(RunInput):
    approve: bool


class Refund(RunInput):
    approve: bool


_CALL = Call("main", "c0de", 10, "ok = suspend_flow_run(Ok)")
_PLACE = Place(calls=(_CALL,), line="line 3 of main in flow.py")
_ASKED = Question(title="Ok", description="Drop it?", asker="", given="", place=_PLACE, number="1")


def _at(*, description: str = "Drop it?", time: int = 0, **call: Any) -> Question:
    place = Place(calls=(_CALL._replace(**call),))
    return replace(_ASKED, description=description, time=time, place=place)


def _stored(line: str | None, description: str = "Drop it?", number: str = "1") -> Question:
    """What an earlier release stored, or Prefect's client."""
    return Question(title="Ok", description=description, line=line, number=number)


_STILL_THERE = replace(_ASKED, place=replace(_PLACE, lines=frozenset({"x = suspend_flow_run(Ok)"})))
_UNTOLD = replace(_ASKED, description="")

IDENTITY = {
    "the very same": (_ASKED, _ASKED, Likeness.SAME),
    "other words at its place": (_ASKED, _at(description="Wire it?"), Likeness.REWORDED),
    "other initial data at its place": (_ASKED, replace(_ASKED, given="7"), Likeness.REWORDED),
    "another model at its place": (_ASKED, replace(_ASKED, title="No"), Likeness.REWORDED),
    "another place": (_ASKED, _at(offset=20), Likeness.OTHER),
    "another call of a task": (_ASKED, replace(_ASKED, asker="/ask(2)"), Likeness.OTHER),
    "another call of the asking task": (
        replace(_ASKED, asker="/all(0)/ask(1)"),
        replace(_ASKED, asker="/all(0)/ask(2)"),
        Likeness.RECALLED,
    ),
    "a call of another task": (
        replace(_ASKED, asker="/ask(1)"),
        replace(_ASKED, asker="/all(0)/ask(1)"),
        Likeness.OTHER,
    ),
    "another call of the asking task, elsewhere": (
        replace(_ASKED, asker="/ask(1)"),
        replace(_at(offset=20), asker="/ask(2)"),
        Likeness.OTHER,
    ),
    "another time": (_ASKED, _at(time=1), Likeness.OTHER),
    "edited elsewhere": (_ASKED, _at(code="01d", offset=4), Likeness.SAME),
    "edited, and other words": (_ASKED, _at(code="01d", description="Wire?"), Likeness.OTHER),
    "edited, with its statement": (_ASKED, _at(code="01d", statement="x = 1"), Likeness.SAME),
    "edited, the statement is still there": (
        _STILL_THERE,
        _at(code="01d", statement="x = suspend_flow_run(Ok)"),
        Likeness.OTHER,
    ),
    "edited, without a text, one statement": (
        _UNTOLD,
        _at(code="01d", description=""),
        Likeness.SAME,
    ),
    "edited, without a text, another statement": (
        _UNTOLD,
        _at(code="01d", description="", statement="x = suspend_flow_run(Ok)"),
        Likeness.OTHER,
    ),
    "of an earlier release, its line": (_ASKED, _stored(_PLACE.line), Likeness.SAME),
    "of an earlier release, another line": (
        _ASKED,
        _stored("line 2 of main in flow.py"),
        Likeness.SAME,
    ),
    "of an earlier release, without a text": (
        _UNTOLD,
        _stored("line 2 of main in flow.py", ""),
        Likeness.OTHER,
    ),
    "of an earlier release, other words": (_ASKED, _stored(_PLACE.line, "Wire?"), Likeness.OTHER),
    "of an earlier release, a key": (
        _ASKED,
        _stored("the pause with the key 'a'"),
        Likeness.OTHER,
    ),
    "of another client, by number": (_ASKED, _stored(None), Likeness.SAME),
    "of another client, another number": (_ASKED, _stored(None, number="2"), Likeness.OTHER),
}


@pytest.mark.parametrize("case", IDENTITY)
def test_whose_answer_it_is(case: str) -> None:
    asked, earlier, likeness = IDENTITY[case]
    assert compare(asked, earlier) is likeness


def _answered(wanted: Any, given: Any, **options: Any) -> PausedFlow:
    flow = PausedFlow()
    flow.answer_at(1, given)
    flow.pause(wanted, **options)
    flow.begin_again()
    return flow


@pytest.mark.parametrize(
    ("wanted", "given", "other"),
    [
        (Approval, {"approve": True}, Refund),
        (Approval, {"approve": True}, None),
        (None, None, Approval),
        (bool, {"value": True}, int),
        (bool, {"value": True}, bool | None),
    ],
)
def test_another_question_does_not_get_the_answer_under_a_key(
    wanted: Any, given: Any, other: Any
) -> None:
    flow = _answered(wanted, given, key="a-key")
    with pytest.raises(AnswerBelongsElsewhere, match="stored answer of pause"):
        flow.pause(other, key="a-key")
    assert flow.run.names.count("Paused") == 1


def test_pauses_with_keys_may_come_in_any_order_and_from_anywhere() -> None:
    flow = _answered(bool, {"value": False}, key="order-7")
    flow.answer_at(2, {"value": True})
    assert flow.pause(bool, key="order-8") is True
    assert flow.pause(bool, key="order-7") is False


def test_whose_a_question_is_is_an_input_that_no_pause_names() -> None:
    flow = _answered(bool, {"value": True})
    step = json.loads(flow.run.inputs["paused-1-step"])
    assert step["calls"][0][0] == "PausedFlow.pause"
    assert "paused-1-step" not in (flow.run.history[2].details.run_input_keyset or {}).values()


HEAD = """
import datetime
from flowruns import RunInput, flow, pause_flow_run, suspend_flow_run, task

said = []

class Ok(RunInput):
    ok: bool
    {field}

def confirm(what):
    return suspend_flow_run(wait_for_input=Ok.with_initial_data(description=what)).ok

@flow(persist_result=True)
def main():
"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeServer]:
    monkeypatch.setenv("HOME", str(tmp_path))
    with reviewed_by(lambda _: None) as server:
        yield server


class Edited:
    """A run whose flow is edited while it is suspended."""

    def __init__(self, server: FakeServer, folder: Path) -> None:
        self.folder = folder
        self.served: Served
        self.server = server
        self.said: list[Any] = []
        self._editions = 0

    def edit(self, body: str, *, field: str = "") -> None:
        """Write the flow's function anew."""
        self._editions += 1
        file = self.folder / str(self._editions) / "flow.py"
        file.parent.mkdir()
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        file.write_text(HEAD.format(field=field) + lines)
        names: dict[str, Any] = {"__name__": "flow_file"}
        exec(compile(file.read_text(), str(file), "exec"), names)
        names["said"] = self.said
        main: Flow[..., Any] = names["main"]
        if self._editions == 1:
            self.served = Served(self.server, main)
        self.served.flow = main


@pytest.fixture
def edited(server: FakeServer, tmp_path: Path) -> Edited:
    return Edited(server, tmp_path)


OLD = 'said.append(confirm("Drop the old table?"))'


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (f"{OLD}", ""),
        (f"print('hello')\nvalue = 1\n# a comment\n{OLD}", ""),
        (OLD, "note: str = ''"),
        (f"{OLD}\nprint('afterwards')", "more: list[int] | None = None"),
    ],
)
def test_an_edit_keeps_the_answer(edited: Edited, body: str, field: str) -> None:
    edited.edit(OLD)
    edited.served.suspend()
    edited.served.answer(ok=True)
    edited.edit(body, field=field)
    edited.served.play()
    assert edited.said == [True]
    assert edited.served.fake.names[-1] == "Completed"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Drop the old table?", "Is it late?"),
        ("Drop the old table?", "Drop the new table?"),
    ],
)
def test_a_question_that_is_put_before_is_asked_and_the_old_answer_is_kept(
    edited: Edited, old: str, new: str
) -> None:
    edited.edit(f'said.append(confirm("{old}"))')
    edited.served.suspend()
    edited.served.answer(ok=True)
    edited.edit(f'said.append(confirm("{new}"))\nsaid.append(confirm("{old}"))')
    edited.served.suspend()
    assert edited.served.asks == new
    edited.served.answer(ok=False)
    edited.served.play()
    assert edited.said == [False, True]


def test_a_question_without_a_text_is_put_before_another(edited: Edited) -> None:
    edited.edit("old = suspend_flow_run(bool)\nsaid.append(old)")
    edited.served.suspend()
    edited.served.answer(value=True)
    edited.edit(
        "new = suspend_flow_run(bool)\nold = suspend_flow_run(bool)\nsaid.append((new, old))"
    )
    edited.served.suspend()
    edited.served.answer(value=False)
    edited.served.play()
    assert edited.said == [(False, True)]


def test_another_branch_that_asks_by_the_same_helper_asks_anew(edited: Edited) -> None:
    edited.edit(
        "if not said:\n"
        "    said.append('first')\n"
        '    confirm("drop the old table?")\n'
        "else:\n"
        '    said.append(confirm("wire 1,000,000 EUR?"))'
    )
    edited.served.suspend()
    edited.served.answer(ok=True)
    edited.served.suspend()
    assert edited.served.asks == "wire 1,000,000 EUR?"
    edited.served.answer(ok=False)
    edited.served.play()
    assert edited.said == ["first", False]


def test_a_text_that_changes_whenever_it_is_asked_is_noticed(edited: Edited) -> None:
    edited.edit('said.append(1)\nconfirm(f"At {len(said)} o\'clock?")')
    edited.served.suspend()
    edited.served.answer(ok=True)
    edited.served.play()
    message = edited.served.fake.state.message or ""
    assert 'asks "At 2 o\'clock?" where an earlier process asked "At 1 o\'clock?"' in message
    assert "key=" in message
    assert edited.served.fake.names.count("Suspended") == 1


def test_a_changing_text_behind_a_fixed_one_does_not_ask_for_ever(edited: Edited) -> None:
    edited.edit("said.append(1)\nfor what in ('Begin?', f'Now {len(said)}?'):\n    confirm(what)")
    for _ in range(3):
        edited.served.suspend()
        edited.served.answer(ok=True)
    edited.served.play()
    assert edited.served.fake.names[-1] == "Failed"


def test_a_loop_in_another_order_gets_each_answer(edited: Edited) -> None:
    edited.edit(
        "orders = ['1', '2'] if len(said) < 2 else ['2', '1']\n"
        "said.append('began')\n"
        "said.append({order: confirm(order) for order in orders})"
    )
    for ok in (True, False):
        edited.served.suspend()
        edited.served.answer(ok=ok)
    edited.served.play()
    assert edited.said[-1] == {"1": True, "2": False}


def test_a_loop_asks_the_same_until_it_has_what_it_wants(edited: Edited) -> None:
    edited.edit("tries = 1\nwhile not confirm('Is it 7?'):\n    tries += 1\nsaid.append(tries)")
    for ok in (False, False, True):
        edited.served.suspend()
        edited.served.answer(ok=ok)
    edited.served.play()
    assert edited.said == [3]


def test_a_form_that_the_answer_does_not_fit_is_asked_anew(edited: Edited) -> None:
    edited.edit(OLD)
    edited.served.suspend()
    edited.served.answer(ok=True)
    edited.edit(OLD, field="iban: str")
    edited.served.suspend()
    edited.served.answer(ok=False, iban="DE1")
    edited.served.play()
    assert edited.said == [False]


@pytest.mark.parametrize("line", [9, 2])
def test_an_answer_that_an_earlier_release_stored_is_used(edited: Edited, line: int) -> None:
    edited.edit(OLD)
    edited.served.suspend()
    step = f"line {line} of confirm in flow.py"
    edited.served.fake.inputs["suspended-1-step"] = json.dumps(step)
    edited.served.answer(ok=True)
    edited.served.play()
    assert edited.said == [True]


def test_an_answer_that_prefects_client_asked_for_is_used(edited: Edited) -> None:
    edited.edit(OLD)
    edited.served.suspend()
    del edited.served.fake.inputs["suspended-1-step"]
    edited.served.answer(ok=True)
    edited.served.play()
    assert edited.said == [True]


def test_tasks_that_ask_on_one_line_get_their_own_answers(edited: Edited) -> None:
    edited.edit(
        "@task(persist_result=False)\n"
        "def ask(order):\n"
        "    return order, pause_flow_run(int)\n"
        "orders = [1, 2] if not said else [2, 1]\n"
        "said.append([ask.submit(order).result() for order in orders])\n"
        "suspend_flow_run()"
    )
    edited.server._reviewer = lambda asked: {"value": int(asked.key) * 10} if asked.schema else {}
    edited.served.suspend()
    edited.served.play()
    assert edited.said == [[(1, 10), (2, 20)], [(2, 20), (1, 10)]]


def test_a_retry_asks_again(server: FakeServer) -> None:
    from flowruns import flow

    answers = iter([{"value": 1}, {"value": 20}])
    server._reviewer = lambda _: next(answers)

    @flow(retries=1)
    def retried() -> int:
        answer = pause_flow_run(int)
        if answer == 1:
            raise ValueError("not this one")
        return answer

    assert retried() == 20

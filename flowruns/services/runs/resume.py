"""Resuming a paused flow run, with the answer it waits for."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from flowruns.domain.actors import Actor, ActorKind
from flowruns.domain.errors import SchemaTooSlow
from flowruns.domain.rules import judge
from flowruns.domain.states import State, StateType, resuming, running
from flowruns.domain.transitions import Abort, Accept, Reject, Transition, Verdict
from flowruns.evaluation.answers import AnswerRefused, Checked, check_answer
from flowruns.evaluation.problems import Problem, describe_problem
from flowruns.evaluation.processes import evaluate
from flowruns.models import FlowRun
from flowruns.services.limits.slots import read_facts
from flowruns.services.lookups import current_state
from flowruns.services.runs.run_inputs import find_run_input, write_run_input
from flowruns.services.runs.states import (
    MAX_LOSSES,
    StateContended,
    ask_reviewers,
    get_flow_run,
)
from flowruns.services.runs.verdicts import Outcome, write_verdict
from flowruns.services.variables import read_variable_value

_NOT_PAUSED = Abort("Cannot resume a flow run that is not paused.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeOutcome(Outcome):
    """Also says everything that is wrong with the answer."""

    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What somebody answers, and whether it may use variables."""

    run_input: dict[str, Any]
    may_read_variables: bool = False


def resume_flow_run(
    flow_run_id: UUID,
    *,
    run_input: dict[str, Any] | None,
    actor: Actor,
    pause_state_id: UUID | None = None,
    may_read_variables: bool = False,
) -> ResumeOutcome:
    """Store the answer and let the run go on, in one transaction; raises `FlowRunNotFound`.

    Of two callers exactly one is accepted; the other gets ABORT, as for any run that is not
    paused. A refused answer is REJECT and the run still waits. With `pause_state_id` only that
    pause is resumed, never a later one of the same run. An answer uses variables only if its author
    may read them.
    """
    answer = _Answer(run_input=run_input or {}, may_read_variables=may_read_variables)
    for _ in range(MAX_LOSSES):
        run = get_flow_run(flow_run_id)
        state = current_state(run)
        if state is None or not _is_the_pause(state, pause_state_id):
            return ResumeOutcome(verdict=_NOT_PAUSED, state=None, is_new=False)
        schema = _read_schema(run, state)
        try:
            # Before the transaction, in which others would wait for as long as it takes
            checked = _check(schema, answer) if state.asks_for_input else None
        except (AnswerRefused, SchemaTooSlow) as refusal:
            return ResumeOutcome(verdict=Reject(str(refusal)), state=state, is_new=False)
        with transaction.atomic():
            if _read_schema(run, state) != schema:
                continue
            outcome = _resume(run, state, checked=checked, actor=actor)
            if outcome is not None:
                return outcome
    raise StateContended


def _check(schema: str | None, answer: _Answer) -> Checked:
    find_variable = read_variable_value if answer.may_read_variables else None
    return evaluate(check_answer, schema, answer.run_input, find_variable=find_variable)


def write_answer(checked: Checked | None) -> str | None:
    """Write an answer as it is stored; None where none is asked."""
    return None if checked is None else json.dumps(checked.value, ensure_ascii=False)


def check_answer_to(
    flow_run_id: UUID, *, run_input: dict[str, Any], pause_state_id: UUID
) -> ResumeOutcome | str | None:
    """Check an answer as `resume_flow_run` would, and leave the run as it is.

    Returns the answer as it would be stored, None where nothing is asked, or what refuses it.
    Raises `FlowRunNotFound`.
    """
    run = get_flow_run(flow_run_id)
    state = current_state(run)
    if state is None or not _is_the_pause(state, pause_state_id):
        return ResumeOutcome(verdict=_NOT_PAUSED, state=None, is_new=False)
    if not state.asks_for_input:
        return None
    try:
        schema = _read_schema(run, state)
        checked = _check(schema, _Answer(run_input=run_input))
    except (AnswerRefused, SchemaTooSlow) as refusal:
        return ResumeOutcome(verdict=Reject(str(refusal)), state=state, is_new=False)
    return _refuse_problems(checked, state) or write_answer(checked)


def _refuse_problems(checked: Checked, state: State) -> ResumeOutcome | None:
    if not checked.problems:
        return None
    verdict = Reject(f"Reason: {describe_problem(checked.problems[0])}")
    return ResumeOutcome(verdict=verdict, state=state, is_new=False, problems=checked.problems)


def _is_the_pause(state: State, pause_state_id: UUID | None) -> bool:
    return state.type is StateType.PAUSED and pause_state_id in {None, state.id}


def _resume(
    run: FlowRun, state: State, *, checked: Checked | None, actor: Actor
) -> ResumeOutcome | None:
    now = datetime.now(UTC)
    proposed = resuming(at=now) if state.details.pause_reschedule else running()
    text = write_answer(checked)
    withheld = ask_reviewers(run, state, None, proposed=proposed, actor=actor, run_input=text)
    facts = replace(read_facts(run), answer_accepted=True, withheld=withheld)
    was_due = actor.kind is ActorKind.POLICY
    t = Transition(initial=state, proposed=proposed, run=facts, now=now, was_due=was_due)
    verdict = judge(t)
    if checked and isinstance(verdict, Accept) and (refused := _refuse_problems(checked, state)):
        return refused
    return _write(run, t, verdict, checked=checked, actor=actor)


def _read_schema(run: FlowRun, state: State) -> str | None:
    keyset = state.details.run_input_keyset
    if keyset is None:
        return None  # an answer that nobody asked for is dropped, as Prefect 3.9 does
    found = find_run_input(run.pk, keyset["schema"])
    return found[0] if found else None


def _write(
    run: FlowRun, t: Transition, verdict: Verdict, *, checked: Checked | None, actor: Actor
) -> ResumeOutcome | None:
    text = write_answer(checked) if isinstance(verdict, Accept) else None
    outcome = write_verdict(run, t, verdict, actor=actor, run_input=text)
    if outcome is None:
        return None
    if text is not None:
        _store_answer(run, t.initial, text, actor=actor)
    return ResumeOutcome(verdict=verdict, state=outcome.state, is_new=outcome.is_new)


def _store_answer(run: FlowRun, state: State | None, text: str, *, actor: Actor) -> None:
    keyset = (state.details.run_input_keyset if state else None) or {}
    write_run_input(run.pk, key=keyset["response"], value=text, actor=actor)

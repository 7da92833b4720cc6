"""Our verdicts and our bookkeeping beside those recorded from a Prefect 3.9.1 server."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from flowruns.domain.bookkeeping import facts_after
from flowruns.domain.rules import FLOW_RUN_RULES, FORCED_RULES, judge
from flowruns.domain.states import State, StateDetails, StateType, failed
from flowruns.domain.transitions import Abort, Accept, Reject, RunFacts, Transition, Verdict, Wait

type Json = dict[str, Any]

DATA = Path(__file__).parents[1] / "data"
RECORDING: Json = json.loads((DATA / "prefect-3.9.1-transitions.json").read_text())
KINDS: Mapping[str, Json] = RECORDING["kinds"]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

ALL = frozenset(KINDS)
PAUSES = frozenset({"Paused", "Suspended"})
SCHEDULED = frozenset({"Scheduled", "Late", "Resuming", "AwaitingRetry"})
GOING_ON = frozenset({"Running", "Scheduled", "Resuming", "AwaitingRetry"})
ENDED = frozenset({"Completed", "Failed", "Crashed", "Cancelled"})


@dataclass(frozen=True, kw_only=True)
class Case:
    """One transition that was put to Prefect, and what came of it."""

    initial: str
    proposed: str
    given: frozenset[str]
    outcome: Json = field(hash=False)
    books: Json | None = field(hash=False)

    def __str__(self) -> str:
        conditions = ", ".join(sorted(self.given))
        return f"{self.initial} to {self.proposed}{conditions and f' ({conditions})'}"


def read_case(recorded: Json) -> Case:
    return Case(
        initial=recorded["from"],
        proposed=recorded["to"],
        given=frozenset(recorded["given"]),
        books=recorded.get("run"),
        outcome={k: recorded[k] for k in recorded.keys() - {"from", "to", "given", "run"}},
    )


CASES = [read_case(recorded) for recorded in RECORDING["cases"]]


def verdict_on(case: Case, transition: Transition) -> Verdict:
    return judge(transition, FORCED_RULES if "forced" in case.given else FLOW_RUN_RULES)


def make_transition(case: Case) -> Transition:
    initial = make_state(case, case.initial, "initial")
    return Transition(
        initial=replace(initial, timestamp=NOW - timedelta(seconds=10)),
        proposed=make_state(case, case.proposed, "proposed"),
        run=make_run(case, initial),
        now=NOW,
    )


def make_state(case: Case, kind: str, role: str) -> State:
    state = KINDS[kind]
    details = state.get("state_details", {})
    for condition in case.given:
        added = RECORDING["conditions"][condition].get(role, {})
        details = details | added.get("state_details", {})
        state = state | added
    return State(
        type=StateType(state["type"]),
        name=state.get("name", ""),
        message=state.get("message"),
        data=state.get("data"),
        details=make_details(details),
        timestamp=NOW,
    )


def make_details(recorded: Json) -> StateDetails:
    details = dict(recorded)
    for name in details.keys() & {"scheduled_time", "pause_timeout"}:
        details[name] = NOW + timedelta(seconds=details[name])
    known = {f.name for f in fields(StateDetails)}
    extra = {name: details.pop(name) for name in details.keys() - known}
    return StateDetails(**details, extra=extra)


def make_run(case: Case, initial: State) -> RunFacts:
    facts: Json = {}
    for condition in case.given:
        facts |= RECORDING["conditions"][condition].get("run", {})
    new = RunFacts(
        has_deployment=facts.get("deployed", False),
        is_subflow=facts.get("subflow", False),
        infrastructure_pid=facts.get("infrastructure_pid"),
        retries=facts.get("retries"),
        retry_delay=facts.get("retry_delay"),
        answer_accepted=not initial.asks_for_input,
    )
    run = facts_after(Transition(initial=None, proposed=initial, run=new, now=NOW), initial)
    keys = frozenset(facts.get("pause_keys", ()))
    return replace(run, pause_keys=keys, resuming=facts.get("resuming", False))


def written_state(verdict: Verdict) -> State | None:
    return verdict.state if isinstance(verdict, Accept | Reject) else None


def tell(verdict: Verdict, transition: Transition) -> Json:
    """Say what Prefect's API would answer."""
    written = written_state(verdict)
    shown = written or transition.initial
    assert shown is not None
    status = status_of(verdict)
    due = shown.details.scheduled_time
    told = {
        "http": 201 if written else 200,
        "status": status,
        "state": [shown.type, shown.name, shown.message],
        "details": f"{status.lower()}_details",
        "reason": None if isinstance(verdict, Accept) else verdict.reason,
        "delay": verdict.delay_seconds if isinstance(verdict, Wait) else None,
        "due": due and round((due - NOW).total_seconds()),
    }
    return {name: value for name, value in told.items() if value is not None}


def status_of(verdict: Verdict) -> str:
    names = {Accept: "ACCEPT", Reject: "REJECT", Abort: "ABORT", Wait: "WAIT"}
    return names[type(verdict)]


def tell_books(run: RunFacts) -> Json:
    return {
        "run_count": run.run_count,
        "pause_keys": sorted(run.pause_keys),
        "resuming": run.resuming,
        "retry_type": run.retry_type,
        "started": run.start_time is not None,
        "ended": run.end_time is not None,
        "scheduled": run.next_scheduled_start_time is not None,
    }


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Cases in which we differ from Prefect on purpose: why, which ones, and what we do."""

    why: str
    initial: frozenset[str]
    proposed: frozenset[str]
    given: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()

    def covers(self, case: Case) -> bool:
        return (
            case.initial in self.initial
            and case.proposed in self.proposed
            and self.given <= case.given
            and not self.never & case.given
        )


@dataclass(frozen=True, kw_only=True)
class Improvement(Listed):
    ours: Callable[[Transition], Verdict]


def waits_for_an_answer(t: Transition) -> Verdict:
    return Reject("The flow run waits for an answer; use resume with run_input.")


def fails_as_suspended(t: Transition) -> Verdict:
    reason = "The flow run pause has timed out and can no longer resume."
    return Reject(reason, failed("The flow was suspended and never resumed."))


def fails_as_paused(t: Transition) -> Verdict:
    reason = "The flow run pause has timed out and can no longer resume."
    return Reject(reason, failed("The flow was paused and never resumed."))


def stays_paused(t: Transition) -> Verdict:
    return Reject("This run cannot transition to the PENDING state from the PAUSED state.")


LISTED_IMPROVEMENTS = (
    Improvement(
        why="a pause that asks for input ends with its answer, not around it (D3)",
        initial=frozenset({"Paused"}),
        proposed=GOING_ON,
        given=frozenset({"asks for input"}),
        never=frozenset({"forced"}),
        ours=waits_for_an_answer,
    ),
    Improvement(
        why="a suspension that asks for input ends with its answer, not around it (D3)",
        initial=frozenset({"Suspended"}),
        proposed=GOING_ON,
        given=frozenset({"asks for input", "deployed"}),
        never=frozenset({"forced"}),
        ours=waits_for_an_answer,
    ),
    Improvement(
        why="force is no way around the answer either, in one step or in two (D3)",
        initial=PAUSES,
        proposed=GOING_ON | PAUSES | {"Late", "Pending"},
        given=frozenset({"asks for input", "forced"}),
        ours=waits_for_an_answer,
    ),
    Improvement(
        why="a suspended run that nothing can resume can at least be ended (D8)",
        initial=frozenset({"Suspended"}),
        proposed=ENDED,
        never=frozenset({"deployed", "forced", "overdue"}),
        ours=lambda t: Accept(t.proposed),
    ),
    Improvement(
        why="an overdue suspension without a deployment ends like any other (D8)",
        initial=frozenset({"Suspended"}),
        proposed=ENDED,
        given=frozenset({"overdue"}),
        never=frozenset({"deployed", "forced"}),
        ours=fails_as_suspended,
    ),
    Improvement(
        why="the message names the state that was left, not the one that was proposed",
        initial=frozenset({"Paused"}),
        proposed=GOING_ON | ENDED,
        given=frozenset({"overdue"}),
        never=frozenset({"forced"}),
        ours=fails_as_paused,
    ),
    Improvement(
        why="the message names the state that was left, not the one that was proposed",
        initial=frozenset({"Suspended"}),
        proposed=GOING_ON | ENDED,
        given=frozenset({"overdue", "deployed"}),
        never=frozenset({"forced"}),
        ours=fails_as_suspended,
    ),
    Improvement(
        why="the reason names states, not Python's members of an enumeration",
        initial=PAUSES,
        proposed=frozenset({"Pending"}),
        never=frozenset({"forced"}),
        ours=stays_paused,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Bookkeeping(Listed):
    ours: Json


LISTED_BOOKKEEPING = (
    Bookkeeping(
        why="a run that goes on after a pause is still the same execution (D2)",
        initial=PAUSES,
        proposed=frozenset({"Running"}),
        never=frozenset({"overdue", "forced", "resuming"}),
        ours={"run_count": 0},
    ),
    Bookkeeping(
        why="so it is when it was forced to go on (D2)",
        initial=PAUSES,
        proposed=frozenset({"Running"}),
        given=frozenset({"forced"}),
        never=frozenset({"resuming"}),
        ours={"run_count": 0},
    ),
    Bookkeeping(
        why="a run that runs again, or has ended, is no longer resuming",
        initial=PAUSES,
        proposed=ENDED | {"Running"},
        never=frozenset({"forced"}),
        ours={"resuming": False},
    ),
    Bookkeeping(
        why="a run that failed because it was resumed too late is not resuming",
        initial=PAUSES,
        proposed=GOING_ON,
        given=frozenset({"overdue"}),
        never=frozenset({"forced"}),
        ours={"resuming": False},
    ),
    Bookkeeping(
        why="a run that was forced out of its suspension is on its way back all the same",
        initial=frozenset({"Suspended"}),
        proposed=SCHEDULED | {"Pending"},
        given=frozenset({"forced"}),
        never=frozenset({"resuming"}),
        ours={"resuming": True},
    ),
    Bookkeeping(
        why="so is one whose process waits, as long as that process may go on",
        initial=frozenset({"Paused"}),
        proposed=frozenset({"Pending"}),
        given=frozenset({"forced"}),
        never=frozenset({"resuming"}),
        ours={"resuming": True},
    ),
    Bookkeeping(
        why="a run that its process waits with begins anew, also where it is forced to",
        initial=frozenset({"Paused"}),
        proposed=SCHEDULED,
        given=frozenset({"forced"}),
        ours={"resuming": False, "pause_keys": [], "retry_type": "reschedule"},
    ),
    Bookkeeping(
        why="force changes nothing in what is written of cancelling a pause",
        initial=frozenset({"Paused"}),
        proposed=frozenset({"Cancelling"}),
        given=frozenset({"forced"}),
        ours={"resuming": True},
    ),
    Bookkeeping(
        why="a pause that was forced has fired too; a retry must clear its inputs (D1)",
        initial=ALL - ENDED,
        proposed=PAUSES,
        given=frozenset({"forced"}),
        never=frozenset({"key seen", "no key"}),
        ours={"pause_keys": ["1"]},
    ),
    Bookkeeping(
        why="a key that nobody knows can never fire again, so none is made up",
        initial=frozenset({"Running"}),
        proposed=PAUSES,
        given=frozenset({"no key"}),
        never=frozenset({"forced"}),
        ours={"pause_keys": []},
    ),
    Bookkeeping(
        why="a run that is forced to start over asks again (D1)",
        initial=ENDED,
        proposed=frozenset({"Pending", "Scheduled", "Running"}),
        given=frozenset({"forced", "key seen"}),
        ours={"pause_keys": []},
    ),
    Bookkeeping(
        why="a run that is forced to start over is rescheduled like any other",
        initial=ENDED,
        proposed=SCHEDULED,
        given=frozenset({"forced"}),
        ours={"retry_type": "reschedule"},
    ),
)


def test_recording_holds_every_pair_of_states_in_all_four_ways() -> None:
    ways = [{}, {"deployed"}, {"forced"}, {"deployed", "forced"}]
    recorded = {(case.initial, case.proposed, case.given) for case in CASES}
    assert recorded >= set(product(KINDS, KINDS, map(frozenset, ways)))
    assert len(KINDS) == 13


@pytest.mark.parametrize("initial", KINDS)
def test_verdict_is_prefects_or_a_listed_improvement(initial: str) -> None:
    compared = {str(case): compare_verdicts(case) for case in CASES if case.initial == initial}
    assert compared
    assert {case: found for case, found in compared.items() if found} == {}


def compare_verdicts(case: Case) -> Json:
    """Return what is wrong with our verdict on a case: nothing if it is as it should be."""
    transition = make_transition(case)
    ours = tell(verdict_on(case, transition), transition)
    listed = [improvement for improvement in LISTED_IMPROVEMENTS if improvement.covers(case)]
    if not listed:
        return {} if ours == case.outcome else {"ours": ours, "Prefect's": case.outcome}
    if len(listed) > 1:
        return {"listed twice": [improvement.why for improvement in listed]}
    (improvement,) = listed
    expected = tell(improvement.ours(transition), transition)
    if ours != expected:
        return {"ours": ours, "listed": expected, "why": improvement.why}
    return {"no longer differs": improvement.why} if ours == case.outcome else {}


def wrote_a_state(case: Case) -> bool:
    """Whether the case led to a state with Prefect and with us, so that books can be compared."""
    written = written_state(verdict_on(case, make_transition(case)))
    return case.books is not None and written is not None


CASES_WITH_BOOKS = [case for case in CASES if wrote_a_state(case)]


@pytest.mark.parametrize("initial", KINDS)
def test_books_are_prefects_or_a_listed_difference(initial: str) -> None:
    compared = {
        str(case): compare_books(case) for case in CASES_WITH_BOOKS if case.initial == initial
    }
    assert compared
    assert {case: found for case, found in compared.items() if found} == {}


def compare_books(case: Case) -> Json:
    """Return what is wrong with our bookkeeping in a case: nothing if it is as it should be."""
    transition = make_transition(case)
    written = written_state(verdict_on(case, transition))
    assert written is not None
    assert case.books is not None
    expected = dict(case.books)
    for listed in (entry for entry in LISTED_BOOKKEEPING if entry.covers(case)):
        if case.books | listed.ours == case.books:
            return {"no longer differs": listed.why}
        expected |= listed.ours
    ours = tell_books(facts_after(transition, written))
    return {} if ours == expected else {"ours": ours, "expected": expected}


@pytest.mark.parametrize(
    ("listed", "compared"),
    [(LISTED_IMPROVEMENTS, CASES), (LISTED_BOOKKEEPING, CASES_WITH_BOOKS)],
    ids=["improvements", "bookkeeping"],
)
def test_every_listed_difference_covers_a_recorded_case(
    listed: tuple[Listed, ...], compared: list[Case]
) -> None:
    unused = [entry for entry in listed if not any(entry.covers(case) for case in compared)]
    assert unused == []

"""Verdicts as Prefect 3.9's OrchestrationResult."""

from django.http import HttpResponse

from flowruns.api.http import respond
from flowruns.domain.transitions import Abort, Accept, Reject, Verdict, Wait
from flowruns.services.runs.resume import ResumeOutcome
from flowruns.services.runs.verdicts import Outcome
from flowruns.wire import InputProblem, OrchestrationResult, SetStateStatus, State, VerdictDetails


def respond_verdict(outcome: Outcome) -> HttpResponse:
    """Answer 201 where a state was written and 200 where none was, with the state's entity tag."""
    status, details = _describe(outcome.verdict)
    state = State.from_domain(outcome.state) if outcome.state else None
    result = OrchestrationResult(state=state, status=status, details=details)
    tag = {"ETag": f'"{state.id}"'} if state else {}
    return respond(result, status=201 if outcome.is_new else 200, headers=tag)


def respond_resumed(outcome: ResumeOutcome) -> HttpResponse:
    """Like `respond_verdict`, with what is wrong with a refused answer.

    A refusal that writes nothing says "abort_details", as Prefect 3.9's resume does.
    """
    if not isinstance(outcome.verdict, Reject) or outcome.is_new:
        return respond_verdict(outcome)
    problems = [
        InputProblem(path=list(problem.path), message=problem.message)
        for problem in outcome.problems
    ]
    details = VerdictDetails(
        type="abort_details", reason=outcome.verdict.reason, problems=problems or None
    )
    state = State.from_domain(outcome.state) if outcome.state else None
    return respond(OrchestrationResult(state=state, status=SetStateStatus.REJECT, details=details))


def _describe(verdict: Verdict) -> tuple[SetStateStatus, VerdictDetails]:
    match verdict:
        case Accept():
            return SetStateStatus.ACCEPT, VerdictDetails(type="accept_details")
        case Reject(reason):
            return SetStateStatus.REJECT, VerdictDetails(type="reject_details", reason=reason)
        case Abort(reason):
            return SetStateStatus.ABORT, VerdictDetails(type="abort_details", reason=reason)
        case Wait(delay, reason):
            details = VerdictDetails(type="wait_details", reason=reason, delay_seconds=delay)
            return SetStateStatus.WAIT, details

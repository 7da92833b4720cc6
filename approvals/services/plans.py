"""The steps of an approval: planned when it opens, by the policies that hold then."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache

from approvals.models import Approval, Step
from approvals.policies import planning
from approvals.policies.hours import WorkingHours
from approvals.services.calendars import find_hours, list_hours
from approvals.services.policies import Found
from approvals.services.sources import find_source
from flowruns.domain.errors import EvaluationBusy, FlowRunNotFound, Unprocessable
from flowruns.domain.policies import Policy, PolicyUnreadable, parse_policy
from flowruns.domain.policy_steps import EndKind
from flowruns.domain.policy_steps import Step as Rule
from flowruns.models.prepared import PreparedInsert, PreparedQuery

ENDS = {EndKind.REJECT: Step.Kind.REJECT, EndKind.ANSWER: Step.Kind.ANSWER}
_new_steps = PreparedInsert(Step)
_planned = PreparedQuery(Step.objects.filter(taken_at__isnull=True), by="approval")


def begin_steps(opening: Iterable[tuple[Approval, Sequence[Found]]]) -> None:
    """Plan what policies do while nobody answers approvals that open, and their last calls."""
    # Working hours are read once for all that have the same policies
    list_hours_of, find_hours_of = cache(_list_hours), cache(find_hours)
    steps: list[Step] = []
    for approval, found in opening:
        hours = list_hours_of(_lines_of(approval))
        last_call = planning.find_last_call(_span_of(approval), hours)
        steps += [
            step for each in found for step in _plan(approval, each, last_call, find_hours_of)
        ]
        if last_call:
            steps.append(Step(approval=approval, kind=Step.Kind.LAST_CALL, at=last_call))
    _new_steps.insert_all(steps)
    for approval in dict.fromkeys(s.approval for s in steps if s.kind in ENDS.values()):
        check_ends(approval)


def add_steps(approval: Approval, found: Sequence[Found]) -> None:
    """Plan what policies do that came later, and the last call anew: it may be due earlier."""
    last_call = find_last_call(approval)
    steps = [step for each in found for step in _plan(approval, each, last_call, find_hours)]
    _new_steps.insert_all(steps)
    plan_last_call_again(approval)
    check_ends(approval)


def plan_last_call_again(approval: Approval) -> None:
    """Plan the last call anew unless it has come: others are asked, who work at other hours."""
    if not approval.steps.filter(kind=Step.Kind.LAST_CALL, taken_at__isnull=False).exists():
        _plan_last_call(approval)


def check_ends(approval: Approval) -> None:
    """Say what keeps policies from answering by themselves, as far as that is known now."""
    ends = list(approval.steps.filter(kind__in=ENDS.values(), taken_at__isnull=True))
    rejects = any(step.kind == Step.Kind.REJECT for step in ends)
    answers = [step for step in ends if step.kind == Step.Kind.ANSWER]
    for step in answers:
        step.problem = _find_problem(approval, step, answers, rejects=rejects)
        step.save(update_fields=["problem"])


def move_steps(approval: Approval) -> None:
    """Plan steps and end anew, because the deadline has moved that had held some of them back."""
    _plan_last_call(approval)
    _plan_again(approval)
    if end := planning.find_end(_span_of(approval)):
        approval.steps.filter(kind__in=ENDS.values(), taken_at__isnull=True).update(at=end)


def _plan_again(approval: Approval) -> None:
    """Plan what has not come as the new deadline lets it come, and repeat what repeats."""
    last_call = find_last_call(approval)
    for each in approval.policies:
        found = Found(line=each["line"], origin=each["origin"])
        for step in _plan(approval, found, last_call, find_hours):
            alike = approval.steps.filter(origin=step.origin, line=step.line, text=step.text)
            if step.kind in ENDS.values() or alike.filter(taken_at__isnull=True).update(at=step.at):
                continue
            if not alike.exists():
                step.save()
    _repeat_again(approval)


def _repeat_again(approval: Approval) -> None:
    """Go on with reminders that repeat, from now on: they had stopped for the last call."""
    of_anyone = approval.steps.filter(kind=Step.Kind.REMIND, line=None)
    reminders = [
        *of_anyone.order_by("id").values_list("origin", "line", "text"),
        *(
            (each["origin"], number, str(rule))
            for number, each in enumerate(approval.policies)
            for rule in parse_policy(each["line"]).steps
            if not rule.who
        ),
    ]
    unspent = approval.steps.filter(taken_at__isnull=True)
    planned = set(unspent.values_list("origin", "line", "text"))
    for origin, line, text in dict.fromkeys(reminders):
        if (origin, line, text) not in planned:
            now = datetime.now(UTC)
            plan_next(_step(approval, Step.Kind.REMIND, origin, line, text=text, at=now))


def drop_steps(approval: Approval) -> None:
    """Forget what will not happen, because an approval has ended."""
    _planned.delete(approval.pk)


def plan_next(step: Step) -> None:
    """Plan a step that repeats once more, unless the last call comes before."""
    rule = find_rule(step)
    if rule is None or not rule.repeats:
        return
    span, hours = _span_of(step.approval), find_hours(_find_policy(step.approval, step.line))
    moment = planning.add_span(rule, step.at, span, hours)
    latest = find_last_call(step.approval) or span.end
    if latest is None or moment < latest:
        step.approval.steps.create(
            kind=step.kind, origin=step.origin, line=step.line, text=step.text, at=moment
        )


def find_rule(step: Step) -> Rule | None:
    """Return a step as its policy says it, None for what no step says."""
    if step.kind not in {Step.Kind.REMIND, Step.Kind.ASK}:
        return None
    return parse_policy(f"anyone; {step.text}").steps[0]


def find_last_call(approval: Approval) -> datetime | None:
    """Return when everybody who is asked hears of the deadline in time, by their working hours.

    Of those who were asked later, by a step or by hand, the hours from now on count.
    """
    span, now = _span_of(approval), datetime.now(UTC)
    lines = {f"1 of {who}" for each in approval.policies for _, who in each.get("added", [])}
    moments = [planning.find_last_call(span, _list_hours(_lines_of(approval)))]
    if lines:
        moments.append(planning.find_last_call(span, _list_hours(sorted(lines)), since=now))
    return min((moment for moment in moments if moment), default=None)


def _lines_of(approval: Approval) -> tuple[str, ...]:
    return tuple(each["line"] for each in approval.policies)


def _list_hours(lines: Sequence[str]) -> list[WorkingHours | None]:
    return list_hours(map(parse_policy, lines))


def _plan(
    approval: Approval,
    found: Found,
    last_call: datetime | None,
    find_hours_of: Callable[[Policy], WorkingHours | None],
) -> Iterator[Step]:
    try:
        policy = parse_policy(found.line)
    except PolicyUnreadable:
        return
    line = _find_line(approval, found, policy)
    span, hours = _span_of(approval), find_hours_of(policy) if policy.steps else None
    end = planning.find_end(span)
    for moment, rule in planning.plan_steps(policy.steps, span, hours, latest=last_call or end):
        kind = Step.Kind.ASK if rule.who else Step.Kind.REMIND
        # A last call reminds as well, and what was over before somebody came needs no reminder
        is_spent = moment == last_call or moment < datetime.now(UTC)
        if (kind is Step.Kind.REMIND and is_spent) or (kind is Step.Kind.ASK and line is None):
            continue
        yield _step(approval, kind, found.origin, line, text=str(rule), at=moment)
    if policy.at_end is None or policy.at_end.kind is EndKind.FAIL or end is None:
        return
    text = policy.at_end.answer or policy.at_end.reason
    yield _step(approval, ENDS[policy.at_end.kind], found.origin, line, text=text, at=end)


def _step(
    approval: Approval, kind: Step.Kind, origin: str, line: int | None, *, text: str, at: datetime
) -> Step:
    return Step(approval=approval, kind=kind, origin=origin, line=line, text=text, at=at)


def _plan_last_call(approval: Approval) -> None:
    """Plan the last call, in place of one that has not come."""
    approval.steps.filter(kind=Step.Kind.LAST_CALL, taken_at__isnull=True).delete()
    if moment := find_last_call(approval):
        approval.steps.create(kind=Step.Kind.LAST_CALL, at=moment)
        # Whoever has put it off until the last call is not to miss one that comes earlier
        approval.put_offs.filter(until__gt=moment).update(until=moment)


def _find_line(approval: Approval, found: Found, policy: Policy) -> int | None:
    """Return the number of a policy among those that the approval keeps; `anyone` has none."""
    kept = [(each["origin"], each["line"]) for each in approval.policies]
    place = (found.origin, str(policy))
    return kept.index(place) if place in kept else None


def _find_policy(approval: Approval, line: int | None) -> Policy | None:
    """Return one of the policies that an approval keeps, by its number; None where it is none."""
    if line is None or line >= len(approval.policies):
        return None
    return parse_policy(approval.policies[line]["line"])


def _span_of(approval: Approval) -> planning.Span:
    return planning.Span(begin=approval.opened_at, end=approval.expires_at)


def _find_problem(approval: Approval, step: Step, answers: Sequence[Step], *, rejects: bool) -> str:
    if rejects:
        return "Another policy rejects then."
    alike = {other.line for other in answers if other.text == step.text}
    if any(other.text != step.text for other in answers) or not alike.issuperset(
        range(len(approval.policies))
    ):
        return "Another policy does not let this happen by itself."
    try:
        checked = find_source(approval).check_answer(
            approval.flow_run_id,
            run_input=json.loads(step.text),
            pause_state_id=approval.pause_state_id,
        )
    except (EvaluationBusy, FlowRunNotFound, Unprocessable):  # looked at again when it happens
        return ""
    return "" if checked.reply.accepted else f"The answer does not fit. {checked.reply.reason}"

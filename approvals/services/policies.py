"""Which policies hold for an approval, and what an operator says about them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User

from approvals.models import Approval, Policy
from approvals.policies.judge import Facts, Line, find_obstacles, open_line
from approvals.services.members import read_people
from approvals.services.sources import find_source
from flowruns.connectors import PauseForm, list_answering_keys
from flowruns.domain.errors import DeploymentNotFound
from flowruns.domain.policies import (
    ANNOTATION,
    ANYONE,
    PolicyUnreadable,
    Who,
    WhoKind,
    parse_policy,
)
from flowruns.domain.policies import Policy as Rule
from flowruns.domain.policy_names import read_whos, split_line
from flowruns.domain.texts import read_json
from flowruns.models.prepared import PreparedQuery
from flowruns.wire import FlowRun

AUTHOR = "author"
_SOURCES = ("parameters", "labels")
_policies = PreparedQuery(Policy.objects.order_by("name"), by=())


class PolicyProblem(ValueError):
    """What an operator wrote is no policy, or names what is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One line that holds for an approval, and whose it is: a policy's name, or the author's."""

    line: str
    origin: str
    requester_from: str = ""


def check_policy(values: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of a policy with its line in canonical form; raises `PolicyProblem`."""
    try:
        rule = parse_policy(values["line"])
    except PolicyUnreadable as error:
        raise PolicyProblem(str(error)) from None
    _check_names(rule)
    source, dot, name = (requester := values.get("requester_from", "")).partition(".")
    if (source or dot) and (source not in _SOURCES or not name):
        raise PolicyProblem(
            "The requester is named by parameters.NAME or labels.NAME, such as parameters.who,"
            f" not by {requester!r}."
        )
    if deployment := values.get("deployment", ""):
        _check_deployment(deployment)
    return {**values, "line": str(rule)}


def _check_names(rule: Rule) -> None:
    """Raise `PolicyProblem` for a group or a person that is not there."""
    groups = list(Group.objects.values_list("name", flat=True))
    named = rule.names(WhoKind.GROUP) | rule.asks_later(WhoKind.GROUP)
    if unknown := sorted(named - set(groups)):
        raise PolicyProblem(
            f"There is no group @{unknown[0]}.{_suggest(unknown[0], groups, '@')}"
            " Groups are made in /admin/, or by createreviewer --group."
        )
    people = list(User.objects.filter(is_active=True).values_list("username", flat=True))
    named = rule.names(WhoKind.PERSON) | rule.asks_later(WhoKind.PERSON)
    if strangers := sorted(named - set(people)):
        group = Who(WhoKind.GROUP, strangers[0].lstrip("@"))
        raise PolicyProblem(
            f"There is nobody named {strangers[0]} who may log in."
            f"{_suggest(strangers[0], people)} For a group write {group}."
        )


def _suggest(name: str, known: Sequence[str], sign: str = "") -> str:
    by_lower = {each.lower(): each for each in known}
    close = get_close_matches(name.lower(), by_lower, n=1)
    return f" Is it {sign}{by_lower[close[0]]}?" if close else ""


def _check_deployment(deployment: str) -> None:
    flow, slash, name = deployment.partition("/")
    if not (flow and slash and name):
        raise PolicyProblem(
            f"A deployment is written FLOW/DEPLOYMENT, such as refund/nightly, not {deployment!r}."
        )


def set_policy(name: str, *, values: Mapping[str, str]) -> Policy:
    """Make a policy, or change it for what opens from now on; raises `PolicyProblem`."""
    if not name:
        raise PolicyProblem("A policy has a name, by which it is changed and removed.")
    checked = check_policy(values)
    policy, _ = Policy.objects.update_or_create(name=name, defaults=checked)
    return policy


def remove_policy(name: str) -> bool:
    """Remove a policy; what has opened under it keeps it. False where there is none."""
    return bool(Policy.objects.filter(name=name).delete()[0])


def list_policies() -> list[Policy]:
    return _policies.find_all()


def find_problem(policy: Policy) -> str:
    """Say what has become wrong with a policy since it was written, "" where nothing has."""
    try:
        check_policy({"line": policy.line})
    except PolicyProblem as problem:
        return str(problem)
    return ""


def find_warnings(policy: Policy) -> list[str]:
    """Say what is not wrong with a policy, but may not be what is meant."""
    rule = parse_policy(policy.line)
    people = read_people([rule])
    warnings = find_obstacles([open_line(rule, people)], people)
    flow = policy.flow or policy.deployment.partition("/")[0]
    if flow and not Approval.objects.filter(flow_name=flow).exists():
        warnings.append("No approval of that flow has been opened yet: is its name right?")
    keys = rule.names(WhoKind.KEY) - list_answering_keys()
    warnings += [
        f"No API key named {key} may answer yet. It is made by: createapikey {key} --scope resume"
        for key in sorted(keys)
    ]
    return warnings


def describe_scope(policy: Policy) -> str:
    """Say what a policy is for, and where its requester is named."""
    scope = [
        f"{word} {value}"
        for word, value in (
            ("flow", policy.flow),
            ("deployment", policy.deployment),
            ("tag", policy.tag),
            ("requester from", policy.requester_from),
        )
        if value
    ]
    return ", ".join(scope) or "everything"


def find_policies(
    approval: Approval, run: "LazyRun", form: PauseForm, *, among: Sequence[Policy]
) -> list[Found]:
    """Return what holds for an approval that opens: the operator's policies and its author's."""
    tags = {"", *map(str, approval.tags)}
    found = [
        Found(line=each.line, origin=each.name, requester_from=each.requester_from)
        for each in among
        if each.flow in {"", approval.flow_name} and each.tag in tags and run.is_of(each)
    ] or [Found(line=settings.DEFAULT_POLICY, origin="DEFAULT_POLICY")]
    return [*found, *find_authors(form)]


def find_authors(form: PauseForm) -> list[Found]:
    """Return what an author has written of who may answer: beside the schema, or in it."""
    lines = [form.policy] if form.policy else []
    if form.schema and ANNOTATION in form.schema:
        lines += _annotated(form.schema)
    return [Found(line=line, origin=AUTHOR) for line in dict.fromkeys(lines)]


def _annotated(schema: str) -> list[str]:
    try:
        stored: Any = read_json(schema)
    except (ValueError, RecursionError):
        return []
    if not isinstance(stored, dict) or ANNOTATION not in stored:
        return []
    annotation = stored[ANNOTATION]
    line = annotation.get("policy") if isinstance(annotation, dict) else None
    # What is no line at all is kept for what it is: nobody meets it
    return [line if isinstance(line, str) else f"{ANNOTATION} without a policy"]


def freeze_lines(found: Sequence[Found], facts: Facts) -> list[dict[str, Any]]:
    """Return lines as an approval keeps them; `anyone` asks for nothing."""
    return [frozen for each in found if (frozen := _freeze(each, facts)) is not None]


def _freeze(found: Found, facts: Facts) -> dict[str, Any] | None:
    try:
        rule = parse_policy(found.line)
    except PolicyUnreadable as error:
        return {"line": str(ANYONE), "seats": [1], "origin": found.origin, "problem": str(error)}
    if rule.lets_anyone:
        return None
    seats = list(open_line(rule, facts).seats)
    return {"line": str(rule), "seats": seats, "origin": found.origin, "problem": ""}


def read_lines(approval: Approval) -> list[Line]:
    """Return the lines that an approval has kept since it opened."""
    return [
        Line(
            policy=_add_people(parse_policy(frozen["line"]), frozen.get("added", [])),
            seats=tuple(frozen["seats"]),
            problem=frozen["problem"],
        )
        for frozen in approval.policies
    ]


def _add_people(rule: Rule, added: Sequence[tuple[int, str]]) -> Rule:
    """Return a policy with those who were asked, too, after it was frozen."""
    parts = list(rule.parts)
    for number, text in added:
        who = dict.fromkeys([*parts[number].who, *read_whos(split_line(text))])
        parts[number] = replace(parts[number], who=tuple(who))
    return replace(rule, parts=tuple(parts))


def read_rules(found: Sequence[Found]) -> Iterator[Rule]:
    for each in found:
        try:
            yield parse_policy(each.line)
        except PolicyUnreadable:
            continue


class LazyRun:
    """A run of an approval, read when a policy asks for more than its approval has."""

    def __init__(self, approval: Approval) -> None:
        self._approval = approval
        self._connector = find_source(approval)
        self._run: FlowRun | None = None

    @property
    def run(self) -> FlowRun:
        if self._run is None:
            self._run = self._connector.read_flow_run(self._approval.flow_run_id)
        return self._run

    def is_of(self, policy: Policy) -> bool:
        """Whether the run is of the deployment that a policy is for, if it names one."""
        return policy.deployment in {"", self._deployment() if policy.deployment else ""}

    def _deployment(self) -> str:
        if self.run.deployment_id is None:
            return ""
        try:
            name = self._connector.read_deployment_name(self.run.deployment_id)
        except DeploymentNotFound:
            return ""
        return f"{self._approval.flow_name}/{name}"

    def name_requester(self, source: str) -> str:
        """Return whom the run names as its requester, "" where it names nobody."""
        place, _, name = source.partition(".")
        named = (self.run.parameters if place == "parameters" else self.run.labels) or {}
        value = named.get(name)
        return value.strip() if isinstance(value, str) else ""

"""An approval's policies as they are kept: frozen when it opens, seats open while votes lack."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from approvals.models import STANDING, Approval, Asker, Seat, Vote
from approvals.models import Policy as StoredPolicy
from approvals.policies.judge import (
    Ballot,
    Facts,
    Judgement,
    Line,
    PartSeats,
    Voter,
    fill_seats,
    find_obstacles,
    is_eligible,
    judge_votes,
    list_voters,
)
from approvals.services.facets import keep_policies
from approvals.services.members import read_people
from approvals.services.plans import add_steps, begin_steps
from approvals.services.policies import (
    AUTHOR,
    Found,
    LazyRun,
    find_authors,
    find_policies,
    freeze_lines,
    list_policies,
    read_lines,
    read_rules,
)
from approvals.services.sources import find_source
from approvals.signals import approval_waits
from flowruns.connectors import PauseForm
from flowruns.domain.actors import Actor
from flowruns.domain.policies import Part, Policy, Who, WhoKind, Word
from flowruns.models.prepared import PreparedInsert, PreparedQuery

_BATCH = 200
_standing = PreparedQuery(Vote.objects.filter(STANDING).order_by("at", "id"), by="approval")
_new_askers, _new_seats = PreparedInsert(Asker), PreparedInsert(Seat)
_askers = PreparedQuery(Asker.objects.select_related("user"), by="approval")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The policies that an approval opens with, and whom they ask; its rows are not stored yet."""

    approval: Approval
    found: Sequence[Found]
    askers: Sequence[Asker] = ()
    seats: Sequence[Seat] = ()

    @property
    def is_needed(self) -> bool:
        """Whether policies ask for somebody; what nobody can read asks for more than anyone."""
        rules = list(read_rules(self.found))
        return len(rules) < len(self.found) or not all(rule.lets_anyone for rule in rules)


def draw_guards(
    opening: Iterable[tuple[Approval, PauseForm]], *, ballots: Sequence[Ballot] = ()
) -> list[Guard]:
    """Write into approvals that open which policies hold for them; nothing is stored.

    Policies, groups and people are read once for all.
    """
    policies, find_person = list_policies(), cache(_find_person)
    guards = [_find_guard(each, form, policies, find_person) for each, form in opening]
    needed = [guard for guard in guards if guard.is_needed]
    people = read_people([rule for guard in needed for rule in read_rules(guard.found)])
    return [_draw_guard(g, people, ballots) if g.is_needed else g for g in guards]


def store_guards(guards: Sequence[Guard]) -> None:
    """Store the rows of approvals that are stored by now."""
    _new_askers.insert_all(asker for guard in guards for asker in guard.askers)
    _new_seats.insert_all(seat for guard in guards for seat in guard.seats)
    begin_steps((guard.approval, guard.found) for guard in guards)


def _find_guard(
    approval: Approval,
    form: PauseForm,
    policies: Sequence[StoredPolicy],
    find_person: Callable[[str], User | None],
) -> Guard:
    run = LazyRun(approval)
    guard = Guard(approval=approval, found=find_policies(approval, run, form, among=policies))
    if not guard.is_needed:
        return guard
    return replace(guard, askers=_name_askers(approval, guard.found, run, find_person))


def _draw_guard(guard: Guard, people: Facts, ballots: Sequence[Ballot]) -> Guard:
    approval = guard.approval
    facts = _add_askers(people, approval, guard.askers)
    approval.policies = freeze_lines(guard.found, facts)
    lines = _mark_guarded(approval)
    approval.obstacle = " ".join(find_obstacles(lines, facts))
    return replace(guard, seats=_list_seats(approval, lines, facts, ballots))


def take_in_author(approval: Approval, form: PauseForm) -> None:
    """Keep what an author has written in a schema that came after its pause; the first counts."""
    authors = find_authors(form)
    if not authors or any(kept["origin"] == AUTHOR for kept in approval.policies):
        return
    if not approval.is_guarded:
        askers = _name_askers(approval, authors, LazyRun(approval), _find_person)
        _new_askers.insert_all(askers)
    facts = read_facts(approval, [*_rules_of(approval), *read_rules(authors)])
    approval.policies = [*approval.policies, *freeze_lines(authors, facts)]
    if approval.policies:
        _settle_lines(approval, facts)
    add_steps(approval, authors)


def add_people(approval: Approval, *, line: int, who: str) -> None:
    """Let others, too, take the seats of a line that are free now; nobody loses theirs."""
    _add(approval, line, _list_free(approval, line), who)
    _settle_lines(approval, facts_of(approval))


def add_person(approval: Approval, *, by: User, to: User) -> None:
    """Let a person, too, take the seats that are free now and could be another's."""
    facts, voter = facts_of(approval), Voter(by.get_username())
    who = str(Who(WhoKind.PERSON, to.get_username()))
    for number, line in enumerate(read_lines(approval)):
        free = _list_free(approval, number)
        parts = line.policy.parts
        mine = [place for place in free if is_eligible(line.policy, parts[place], voter, facts)]
        _add(approval, number, mine, who)
    _settle_lines(approval, facts_of(approval))


def _add(approval: Approval, line: int, places: Sequence[int], who: str) -> None:
    frozen = approval.policies[line]
    frozen["added"] = [*frozen.get("added", []), *([place, who] for place in places)]


def _list_free(approval: Approval, number: int) -> list[int]:
    """Return the parts of a line by number whose turn it is and that lack somebody."""
    line, ballots = read_lines(approval)[number], as_ballots(list_votes(approval))
    return [
        place
        for place, part in enumerate(fill_seats(line, ballots, facts_of(approval)))
        if part.missing and part.is_open and not part.part.is_anyone
    ]


def apply_again(approval_id: UUID) -> None:
    """Put the policies that hold now in the place of those of an open approval; votes stay."""
    with transaction.atomic():
        approval = Approval.objects.select_for_update(no_key=True).get(pk=approval_id)
        if not approval.is_waiting:
            return
        connector = find_source(approval)
        form = connector.read_pause_form(approval.flow_run_id, approval.pause_state_id)
        approval.askers.all().delete()
        approval.steps.filter(taken_at__isnull=True).delete()
        approval.seats.all().delete()
        approval.policies, approval.obstacle, approval.askers_known = [], "", True
        approval.is_guarded = approval.is_hidden = False
        guards = draw_guards([(approval, form)], ballots=as_ballots(list_votes(approval)))
        approval.save()
        store_guards(guards)
        keep_policies(approval)
        if approval.is_guarded:
            approval_waits.send(sender=Approval, approval=approval)


def read_facts(approval: Approval, rules: Sequence[Policy]) -> Facts:
    """Return who is in the groups of these rules now, and who asked for the run."""
    return _add_askers(read_people(rules), approval, _askers.find_all(approval.pk))


def _add_askers(people: Facts, approval: Approval, askers: Iterable[Asker]) -> Facts:
    names = (asker.user.get_username() if asker.user else asker.name for asker in askers)
    return replace(people, askers=frozenset(names), askers_known=approval.askers_known)


def facts_of(approval: Approval) -> Facts:
    """Return the facts for the policies that an approval has kept."""
    return read_facts(approval, _rules_of(approval))


def _rules_of(approval: Approval) -> list[Policy]:
    return [line.policy for line in read_lines(approval)]


def list_votes(approval: Approval) -> list[Vote]:
    """Return the votes that stand, in the order in which they were given."""
    return _standing.find_all(approval.pk)


def as_ballots(votes: Sequence[Vote]) -> list[Ballot]:
    return [
        Ballot(
            voter=_voter(vote),
            for_whom=vote.for_whom,
            is_yes=vote.kind == Vote.Kind.YES,
            is_signed=vote.is_signed,
        )
        for vote in votes
        if vote.kind != Vote.Kind.OVERRIDE
    ]


def judge_approval(
    approval: Approval, votes: Sequence[Vote], *, key: Actor | None = None
) -> Judgement:
    """Judge an approval by the votes that stand, and by an API key that answers now."""
    facts, ballots = facts_of(approval), as_ballots(votes)
    if key is not None:
        ballots.append(Ballot(voter=Voter(key.name, is_key=True)))
        if _is_of_askers(key, approval, facts):
            facts = replace(facts, keys_of_askers=frozenset({key.name}))
    return judge_votes(read_lines(approval), ballots, facts)


def _is_of_askers(key: Actor, approval: Approval, facts: Facts) -> bool:
    """Whether an API key is that of somebody who asked for the run, or has made it."""
    if key.owner is not None and key.owner.name in facts.askers:
        return True
    run = find_source(approval).read_flow_run(approval.flow_run_id)
    return run.created_by is not None and run.created_by.display_value == str(key)


def settle_seats(approval: Approval) -> None:
    """Open and close seats as the votes that stand have it, and say what nobody can meet."""
    _settle(approval, read_lines(approval), facts_of(approval))


def settle_approvals() -> int:
    """Look again at approvals whose people or groups have changed; returns how many."""
    stale = Approval.objects.filter(is_unsettled=True).values_list("pk", flat=True)[:_BATCH]
    for approval_id in list(stale):
        with transaction.atomic():
            approval = Approval.objects.select_for_update(no_key=True).get(pk=approval_id)
            if approval.is_waiting:
                settle_seats(approval)
            Approval.objects.filter(pk=approval_id).update(is_unsettled=False)
    return len(stale)


def find_unsettled() -> datetime | None:
    """Return now where an approval is to be looked at again."""
    return datetime.now(UTC) if Approval.objects.filter(is_unsettled=True).exists() else None


def _settle_lines(approval: Approval, facts: Facts) -> None:
    lines = _mark_guarded(approval)
    approval.save(update_fields=["policies", "is_guarded", "is_hidden", "askers_known"])
    keep_policies(approval)
    approval.seats.all().delete()
    ballots = as_ballots(list_votes(approval))
    _new_seats.insert_all(_list_seats(approval, lines, facts, ballots))
    _settle(approval, lines, facts)


def _mark_guarded(approval: Approval) -> list[Line]:
    """Write into an approval what its lines make of it, and return them."""
    lines = read_lines(approval)
    approval.is_guarded = True
    approval.is_hidden = any(Word.SEEN_BY_THEM_ONLY in line.policy.words for line in lines)
    return lines


def _list_seats(
    approval: Approval, lines: Sequence[Line], facts: Facts, ballots: Sequence[Ballot]
) -> list[Seat]:
    return [
        Seat(
            approval=approval,
            line=number,
            part=place,
            kind=who.kind,
            name=who.name,
            bars_askers=Word.NOT_THE_REQUESTER in line.policy.words,
            is_open=part.is_open,
        )
        for number, line in enumerate(lines)
        if not line.problem
        for place, part in enumerate(fill_seats(line, ballots, facts))
        for who in part.part.who
    ]


def _settle(approval: Approval, lines: Sequence[Line], facts: Facts) -> None:
    ballots = as_ballots(list_votes(approval))
    for number, line in enumerate(lines):
        for place, part in enumerate(fill_seats(line, ballots, facts)):
            _set_open(approval, number, place, part)
    approval.obstacle = " ".join(find_obstacles(lines, facts))
    approval.save(update_fields=["obstacle"])
    approval_waits.send(sender=Approval, approval=approval)


def _set_open(approval: Approval, line: int, place: int, part: PartSeats) -> None:
    seats = approval.seats.filter(line=line, part=place).exclude(is_open=part.is_open)
    seats.update(is_open=part.is_open)


def _name_askers(
    approval: Approval,
    found: Sequence[Found],
    run: LazyRun,
    find_person: Callable[[str], User | None],
) -> list[Asker]:
    """Return who asked for the run: the owner of its key, and whom the policies name.

    Writes into the approval whether all of them are known; nothing is stored.
    """
    requester = find_source(approval).read_requester(approval.flow_run_id)
    sources = {each.requester_from for each in found if each.requester_from}
    askers: list[Asker] = []
    if requester.user is not None:
        owner = User.objects.filter(pk=requester.user.id).first()
        askers.append(Asker(approval=approval, user=owner, name=requester.user.name))
    named = [find_person(run.name_requester(source)) for source in sorted(sources)]
    askers += [
        Asker(approval=approval, user=user, name=user.get_username()) for user in named if user
    ]
    approval.askers_known = all(named) and (requester.is_known or bool(named))
    return askers


def _find_person(named: str) -> User | None:
    """Return whom a run names, by user name or by e-mail address; None where that is unclear."""
    if not named:
        return None
    found = list(User.objects.filter(Q(username__iexact=named) | Q(email__iexact=named))[:2])
    return found[0] if len(found) == 1 else None


def mark_unsettled(*, groups: Sequence[str] = (), people: Sequence[str] = ()) -> None:
    """Have open approvals looked at again in which these groups or people may sit."""
    who = Q(kind=WhoKind.GROUP, name__in=groups) | Q(kind=WhoKind.PERSON, name__in=people)
    seats = Seat.objects.filter(who | Q(kind=WhoKind.ANYONE))
    votes = Vote.objects.filter(STANDING, name__in=people)
    waiting = Approval.objects.filter(outcome=Approval.Outcome.WAITING, is_guarded=True)
    waiting.filter(Q(pk__in=seats.values("approval")) | Q(pk__in=votes.values("approval"))).update(
        is_unsettled=True
    )


def list_obstructed(limit: int) -> list[Approval]:
    """Return what waits and nobody can answer, the oldest first."""
    waiting = Approval.objects.filter(outcome=Approval.Outcome.WAITING).exclude(obstacle="")
    return list(waiting.order_by("opened_at")[:limit])


def list_answerers(approval: Approval) -> list[str]:
    """Return by name who could take a seat of an approval, as people and groups are now."""
    facts, rules = facts_of(approval), _rules_of(approval)
    voters = {voter for rule in rules for voter in list_voters(rule, facts)}
    return sorted(voter.name for voter in voters if not voter.is_key)


def describe_who(part: PartSeats) -> str:
    return " or ".join(map(str, part.part.who))


def freeze_seats(approval: Approval) -> None:
    """Keep with each vote where it counted, for groups change after an approval has ended."""
    facts, votes = facts_of(approval), list_votes(approval)
    ballots = as_ballots(votes)
    for number, line in enumerate(read_lines(approval)):
        for place, part in enumerate(fill_seats(line, ballots, facts)):
            for vote in votes:
                if _voter(vote) in part.voters and [number, place] not in vote.sat_in:
                    vote.sat_in = [*vote.sat_in, [number, place]]
    Vote.objects.bulk_update(votes, ["sat_in"])


def read_seats(
    approval: Approval, votes: Sequence[Vote], facts: Facts
) -> list[tuple[PartSeats, ...]]:
    """Return who sits where in each line that can be read, or sat when the approval ended."""
    lines = list(enumerate(read_lines(approval)))
    if approval.is_waiting:
        ballots = as_ballots(votes)
        return [fill_seats(line, ballots, facts) for _, line in lines if not line.problem]
    return [_seats_at_end(line, number, votes) for number, line in lines if not line.problem]


def _seats_at_end(line: Line, number: int, votes: Sequence[Vote]) -> tuple[PartSeats, ...]:
    return tuple(
        PartSeats(
            part=part,
            count=line.seats[place],
            voters=tuple(_voter(vote) for vote in votes if [number, place] in vote.sat_in),
            is_open=False,
        )
        for place, part in enumerate(line.policy.parts)
    )


def list_parts(approval: Approval, vote: Vote) -> list[Part]:
    """Return the parts of an ended approval's policies in which a vote counted."""
    lines = read_lines(approval)
    return [lines[number].policy.parts[place] for number, place in vote.sat_in]


def _voter(vote: Vote) -> Voter:
    return Voter(vote.name, is_key=vote.is_key)


def dump_votes(approval: Approval) -> list[dict[str, Any]]:
    """Return who voted for what, as a flow is told it beside its answer."""
    return [
        {
            "name": vote.name,
            **({"for": vote.for_whom} if vote.for_whom else {}),
            "kind": vote.kind,
            "part": " and ".join(map(str, list_parts(approval, vote))),
            "at": vote.at.isoformat(),
            "signed": vote.is_signed,
        }
        for vote in list_votes(approval)
    ]

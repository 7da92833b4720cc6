"""Whether the votes of an approval meet its policies.

Seats are filled by maximum matching: somebody who may sit in two parts moves over for the second
one who comes. One person has one vote, and one seat a line.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from flowruns.domain.policies import Part, Policy, Quorum, Who, WhoKind, Word


@dataclass(frozen=True, slots=True)
class Voter:
    """A person by user name, or an API key by its name."""

    name: str
    is_key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """One vote that stands; `is_signed` says that its person has shown again who they are.

    `for_whom` names the absent person whose seat the voter takes, "" for one of their own.
    """

    voter: Voter
    for_whom: str = ""
    is_yes: bool = True
    is_signed: bool = False

    @property
    def holder(self) -> Voter:
        """Whose seat it takes."""
        return Voter(self.for_whom) if self.for_whom else self.voter


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a policy means now: who is in its groups, and who asked for the run.

    `groups` holds the groups there are, with their people; `people` are those who may log in.
    `askers_known` is False where nobody knows who asked. `keys_of_askers` are API keys by which
    they would answer themselves.
    """

    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    people: frozenset[str] = frozenset()
    askers: frozenset[str] = frozenset()
    askers_known: bool = True
    keys_of_askers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A policy as an approval holds it, with the seats that each part has had since it opened.

    `problem` says why an author's line cannot be read; nobody meets such a one.
    """

    policy: Policy
    seats: tuple[int, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSeats:
    """One part of a line: who sits there, and whether one more could vote for it now."""

    part: Part
    count: int
    voters: tuple[Voter, ...]
    is_open: bool

    @property
    def missing(self) -> int:
        return self.count - len(self.voters)


@dataclass(frozen=True, slots=True)
class Open:
    """The run waits; `missing` are the parts of each line, seats taken and not."""

    missing: tuple[tuple[PartSeats, ...], ...]


@dataclass(frozen=True, slots=True)
class Met:
    """All lines are met by these votes."""

    answer: tuple[tuple[PartSeats, ...], ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """These voters' no ends it."""

    by: tuple[Voter, ...]


type Judgement = Open | Met | Ended


def open_line(policy: Policy, facts: Facts) -> Line:
    """Return a policy as an approval that opens now holds it: `all` and `most` get their number."""
    return Line(policy=policy, seats=tuple(_count(policy, part, facts) for part in policy.parts))


def _count(policy: Policy, part: Part, facts: Facts) -> int:
    if isinstance(part.count, int):
        return part.count
    members = len(list_eligible(policy, part, facts))
    # Of nobody at least one is missing, so that an empty group lets nothing through
    return max(members if part.count is Quorum.ALL else members // 2 + 1, 1)


def judge_votes(lines: Sequence[Line], votes: Sequence[Ballot], facts: Facts) -> Judgement:
    """Judge all lines over the same votes, in the order in which they were given."""
    noes = tuple(vote.voter for line in lines for vote in _ending(line, votes, facts))
    if noes:
        return Ended(tuple(dict.fromkeys(noes)))
    seats = tuple(fill_seats(line, votes, facts) for line in lines)
    is_met = all(part.missing == 0 for parts in seats for part in parts)
    if is_met and not any(line.problem for line in lines):
        return Met(seats)
    return Open(seats)


def may_vote(
    lines: Sequence[Line],
    voter: Voter,
    votes: Sequence[Ballot],
    facts: Facts,
    *,
    for_whom: str = "",
) -> bool:
    """Whether a yes of this voter, in the place of an earlier one, would take a seat."""
    others = [vote for vote in votes if vote.voter != voter]
    ballot = Ballot(voter=voter, for_whom=for_whom, is_signed=True)
    return any(_fits(line, ballot, others, facts) for line in lines)


def may_reject(
    lines: Sequence[Line],
    voter: Voter,
    votes: Sequence[Ballot],
    facts: Facts,
    *,
    for_whom: str = "",
) -> bool:
    """Whether a no of this voter counts: their part's turn has come, whether it is full or not."""
    ballot = Ballot(voter=voter, for_whom=for_whom)
    if any(vote.holder == ballot.holder and vote.voter != voter for vote in votes):
        return False
    return any(
        may_sit(line.policy, part, ballot, facts)
        for line in lines
        if not line.problem
        for part, stage in zip(line.policy.parts, line.policy.stages, strict=True)
        if stage <= _Seating(line, facts).seat(votes).stage
    )


def is_eligible(policy: Policy, part: Part, voter: Voter, facts: Facts) -> bool:
    """Whether a voter may sit in a part at all."""
    askers = facts.keys_of_askers if voter.is_key else facts.askers
    is_asker = not facts.askers_known or voter.name in askers
    if Word.NOT_THE_REQUESTER in policy.words and is_asker:
        return False
    return any(_is_one_of(policy, who, voter, facts) for who in part.who)


def may_sit(policy: Policy, part: Part, ballot: Ballot, facts: Facts) -> bool:
    """Whether a voter may take a seat of a part, by their own right or for somebody absent.

    Nobody stands in for who asked for the run, and who asked stands in for nobody.
    """
    if ballot.for_whom and facts.askers & {ballot.for_whom, ballot.voter.name}:
        return False
    return is_eligible(policy, part, ballot.holder, facts)


def list_eligible(policy: Policy, part: Part, facts: Facts) -> frozenset[Voter]:
    """Return everybody who may sit in a part."""
    voters = {Voter(name) for who in part.who for name in _people_of(who, facts)}
    voters |= {Voter(who.name, is_key=True) for who in part.who if who.kind is WhoKind.KEY}
    return frozenset(voter for voter in voters if is_eligible(policy, part, voter, facts))


def list_voters(policy: Policy, facts: Facts) -> frozenset[Voter]:
    """Return everybody who may sit in any part of a policy."""
    return frozenset().union(*(list_eligible(policy, part, facts) for part in policy.parts))


def find_obstacles(lines: Sequence[Line], facts: Facts) -> list[str]:
    """Say why nobody can meet these policies as people and groups are now; empty if they can."""
    return [obstacle for line in lines for obstacle in _obstacles(line, facts)]


def fill_seats(line: Line, votes: Sequence[Ballot], facts: Facts) -> tuple[PartSeats, ...]:
    """Return who sits where in a line."""
    return _Seating(line, facts).seat(votes).describe()


def _obstacles(line: Line, facts: Facts) -> Iterable[str]:
    policy = line.policy
    if line.problem:
        yield f"The policy of its author cannot be read: {line.problem}"
        return
    if Word.NOT_THE_REQUESTER in policy.words and not facts.askers_known:
        yield "This flow does not say who asked."
        return
    missing = sorted(policy.names(WhoKind.GROUP) - facts.groups.keys())
    yield from (f"There is no group @{name}." for name in missing)
    strangers = sorted(policy.names(WhoKind.PERSON) - facts.people)
    yield from (f"{name} is not there to answer." for name in strangers)
    if not _could_be_met(line, list_voters(policy, facts), facts):
        yield f"Fewer people may answer than “{policy.rule}” asks for."


def _ending(line: Line, votes: Sequence[Ballot], facts: Facts) -> list[Ballot]:
    """Return the noes that end the approval by this line."""
    noes = [
        vote
        for vote in votes
        if not vote.is_yes
        and not line.problem
        and any(may_sit(line.policy, part, vote, facts) for part in line.policy.parts)
    ]
    if Word.A_NO_COUNTS not in line.policy.words or not noes:
        return noes
    deniers = {vote.holder for vote in noes}
    voters = list_voters(line.policy, facts)
    can = _could_be_met(line, voters, facts)
    return noes if can and not _could_be_met(line, voters - deniers, facts) else []


def _could_be_met(line: Line, voters: Iterable[Voter], facts: Facts) -> bool:
    ballots = [Ballot(voter=voter, is_signed=True) for voter in voters]
    seating = _Seating(line, facts).seat(ballots, at_once=True)
    return not any(part.missing for part in seating.describe())


def _fits(line: Line, ballot: Ballot, others: Sequence[Ballot], facts: Facts) -> bool:
    if line.problem:
        return False
    before = _Seating(line, facts).seat(others)
    return before.invite(ballot)


def _is_one_of(policy: Policy, who: Who, voter: Voter, facts: Facts) -> bool:
    if voter.is_key:
        is_named = who.kind is WhoKind.KEY and who.name == voter.name
        return is_named or (who.kind is WhoKind.ANYONE and policy.lets_anyone)
    return voter.name in _people_of(who, facts)


def _people_of(who: Who, facts: Facts) -> frozenset[str]:
    match who.kind:
        case WhoKind.ANYONE:
            return facts.people
        case WhoKind.GROUP:
            return facts.groups.get(who.name, frozenset())
        case WhoKind.PERSON:
            return facts.people & {who.name}
        case WhoKind.KEY:
            return frozenset()


class _Seating:
    """Fills the seats of one line, vote by vote."""

    def __init__(self, line: Line, facts: Facts) -> None:
        self._line = line
        self._facts = facts
        self._stages = line.policy.stages
        self._seated: list[list[Voter]] = [[] for _ in line.policy.parts]
        # Who may sit where: the stage at which somebody voted counts, not a later one
        self._choices: dict[Voter, list[int]] = {}
        # Whose seats are taken: nobody's twice, by themselves and by who stands in for them
        self._holders: set[Voter] = set()

    @property
    def stage(self) -> int:
        """The number of the stage whose turn it is."""
        open_stages = (
            stage
            for stage, seated, count in zip(
                self._stages, self._seated, self._line.seats, strict=True
            )
            if len(seated) < count
        )
        return min(open_stages, default=self._stages[-1])

    def seat(self, votes: Sequence[Ballot], *, at_once: bool = False) -> "_Seating":
        """Seat the yes votes; `at_once` leaves the order of the stages out of account."""
        for vote in votes:
            if vote.is_yes:
                self.invite(vote, at_once=at_once)
        return self

    def invite(self, vote: Ballot, *, at_once: bool = False) -> bool:
        """Give a voter a seat, if need be by moving others; False where there is none for them."""
        voter = vote.voter
        needs_signature = Word.SIGNED in self._line.policy.words and not voter.is_key
        is_second = voter in self._choices or vote.holder in self._holders
        if is_second or (needs_signature and not vote.is_signed):
            return False
        stage = self._stages[-1] if at_once else self.stage
        choices = [
            number
            for number, part in enumerate(self._line.policy.parts)
            if self._stages[number] <= stage and may_sit(self._line.policy, part, vote, self._facts)
        ]
        self._choices[voter] = choices
        if self._find_seat(voter, set()):
            self._holders.add(vote.holder)
            return True
        del self._choices[voter]
        return False

    def _find_seat(self, voter: Voter, tried: set[int]) -> bool:
        for number in self._choices[voter]:
            if number not in tried:
                tried.add(number)
                if self._make_room(number, tried):
                    self._seated[number].append(voter)
                    return True
        return False

    def _make_room(self, number: int, tried: set[int]) -> bool:
        """Leave a free seat in a part."""
        seated = self._seated[number]
        if len(seated) < self._line.seats[number]:
            return True
        for voter in list(seated):
            if self._find_seat(voter, tried):
                seated.remove(voter)
                return True
        return False

    def _could_make_room(self, number: int, tried: set[int]) -> bool:
        tried.add(number)
        if len(self._seated[number]) < self._line.seats[number]:
            return True
        others = (other for voter in self._seated[number] for other in self._choices[voter])
        return any(self._could_make_room(other, tried) for other in others if other not in tried)

    def describe(self) -> tuple[PartSeats, ...]:
        return tuple(
            PartSeats(
                part=part,
                count=self._line.seats[number],
                voters=tuple(self._seated[number]),
                is_open=not self._line.problem
                and self._stages[number] <= self.stage
                and self._could_make_room(number, set()),
            )
            for number, part in enumerate(self._line.policy.parts)
        )

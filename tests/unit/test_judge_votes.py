"""The judge: F1 and F2 are in finance, D1 in data, B in both; R asked and is in finance too."""

from dataclasses import replace
from itertools import permutations

import pytest

from approvals.policies.judge import (
    Ballot,
    Ended,
    Facts,
    Judgement,
    Line,
    Met,
    Open,
    Voter,
    find_obstacles,
    judge_votes,
    may_reject,
    may_vote,
    open_line,
)
from flowruns.domain.policies import parse_policy

FACTS = Facts(
    groups={
        "finance": frozenset({"F1", "F2", "B", "R"}),
        "data": frozenset({"D1", "B"}),
        "board": frozenset({"X1", "F1"}),
        "release": frozenset({"L1", "L2", "L3", "L4", "L5"}),
        "committee": frozenset({"L1", "L2", "L3", "L4", "L5"}),
        "hr": frozenset({"H1"}),
        "security": frozenset({"B"}),
        "qa": frozenset({"Q1"}),
        "empty": frozenset(),
    },
    people=frozenset("F1 F2 D1 B R X1 L1 L2 L3 L4 L5 H1 Q1 Z".split()),
    askers=frozenset({"R"}),
)


def lines_of(*lines: str, facts: Facts = FACTS) -> list[Line]:
    return [open_line(parse_policy(line), facts) for line in lines]


def vote(text: str) -> Ballot:
    """Read "F1" as a yes, "F1!" as a signed one, "-F1" as a no and "key:K" as that of a key."""
    name = text.strip("-!").removeprefix("key:")
    return Ballot(
        voter=Voter(name, is_key="key:" in text),
        is_yes=not text.startswith("-"),
        is_signed=text.endswith("!"),
    )


def judge(line: str | list[str], votes: str, facts: Facts = FACTS) -> Judgement:
    lines = lines_of(*([line] if isinstance(line, str) else line), facts=facts)
    return judge_votes(lines, [vote(each) for each in votes.split()], facts)


EXAMPLES: list[tuple[str | list[str], str, type[Judgement]]] = [
    ("anyone", "", Open),
    ("anyone", "Z", Met),
    ("anyone", "R", Met),
    ("anyone", "key:K", Met),
    ("anyone", "-Z", Ended),
    ("anyone, not the requester", "R", Open),
    ("anyone, not the requester", "-R", Open),
    ("anyone, not the requester", "Z", Met),
    ("anyone, not the requester", "key:K", Open),
    ("1 of F1 or F2", "F2", Met),
    ("1 of F1 or F2", "B", Open),
    ("1 of F1 or F2", "-B", Open),
    ("1 of F1 or F2", "key:F1", Open),
    ("1 of @finance", "R", Met),
    ("1 of @finance", "D1", Open),
    ("1 of @finance", "key:K", Open),
    ("2 of @finance, not the requester", "F1", Open),
    ("2 of @finance, not the requester", "F1 F1", Open),
    ("2 of @finance, not the requester", "F1 R", Open),
    ("2 of @finance, not the requester", "F1 B", Met),
    ("2 of @finance, not the requester", "F1 -F2", Ended),
    ("1 of @finance + 1 of @data", "B", Open),
    ("1 of @finance + 1 of @data", "B D1", Met),
    ("1 of @finance + 1 of @data", "D1 B", Met),
    ("1 of @finance + 1 of @data", "B F1", Met),
    ("1 of @finance + 1 of @data", "F1 F2", Open),
    ("1 of @finance then 1 of @board", "X1 F2", Open),
    ("1 of @finance then 1 of @board", "F2 X1", Met),
    ("1 of @finance then 1 of @board", "F1 F2", Open),
    ("1 of @finance then 1 of @board", "F1 X1", Met),
    ("all of @release", "L1 L2 L3 L4", Open),
    ("all of @release", "L1 L2 L3 L4 L5", Met),
    ("all of @release", "L1 -L2", Ended),
    ("most of @committee, a no counts", "L1 L2", Open),
    ("most of @committee, a no counts", "L1 -L2 L3 -L4", Open),
    ("most of @committee, a no counts", "L1 -L2 L3 -L4 L5", Met),
    ("most of @committee, a no counts", "L1 -L2 -L3 -L4", Ended),
    ("1 of @hr, seen by them only", "H1", Met),
    ("1 of @hr, seen by them only", "-Z", Open),
    (["1 of @security", "2 of @finance"], "F1 F2", Open),
    (["1 of @security", "2 of @finance"], "B", Open),
    (["1 of @security", "2 of @finance"], "B F1", Met),
    ("1 of @qa or key:ci, signed", "Q1", Open),
    ("1 of @qa or key:ci, signed", "Q1!", Met),
    ("1 of @qa or key:ci, signed", "key:ci", Met),
    ("1 of @qa or key:ci, signed", "key:K", Open),
    ("2 of anyone", "Z", Open),
    ("2 of anyone", "Z R", Met),
    ("1 of @nowhere", "Z", Open),
    ("all of @empty", "Z", Open),
    ("all of @empty", "", Open),
]


@pytest.mark.parametrize(("line", "votes", "expected"), EXAMPLES)
def test_votes_meet_a_policy_or_they_do_not(
    line: str | list[str], votes: str, expected: type[Judgement]
) -> None:
    assert type(judge(line, votes)) is expected


def test_nobody_who_may_sit_in_two_parts_strands_another_whatever_the_order() -> None:
    line = "2 of @finance + 2 of @data + 1 of @board"
    facts = replace(FACTS, groups={**FACTS.groups, "data": frozenset({"D1", "B", "F2"})})
    for order in permutations(["X1", "F1", "F2", "B", "D1"]):
        assert type(judge(line, " ".join(order), facts)) is Met, order


def test_who_sits_where_is_told() -> None:
    judged = judge("1 of @finance + 1 of @data", "B D1")
    assert isinstance(judged, Met)
    assert [[v.name for v in part.voters] for part in judged.answer[0]] == [["B"], ["D1"]]
    judged = judge("1 of @finance + 1 of @data", "B F1")
    assert isinstance(judged, Met)
    assert [[v.name for v in part.voters] for part in judged.answer[0]] == [["F1"], ["B"]]


@pytest.mark.parametrize(
    ("line", "votes", "open_parts"),
    [
        ("1 of @finance + 1 of @data", "", [True, True]),
        ("1 of @finance + 1 of @data", "F1", [False, True]),
        ("1 of @finance + 1 of @data", "B", [True, True]),
        ("1 of @finance then 1 of @board", "", [True, False]),
        ("1 of @finance then 1 of @board", "F2", [False, True]),
    ],
)
def test_a_part_is_open_while_one_more_could_vote_for_it(
    line: str, votes: str, open_parts: list[bool]
) -> None:
    judged = judge(line, votes)
    assert isinstance(judged, Open)
    assert [part.is_open for part in judged.missing[0]] == open_parts


@pytest.mark.parametrize(
    ("line", "votes", "voter", "answers", "rejects"),
    [
        ("1 of @finance + 1 of @data", "F1", "F2", False, True),
        ("1 of @finance + 1 of @data", "F1", "D1", True, True),
        ("1 of @finance + 1 of @data", "F1", "F1", True, True),
        ("1 of @finance + 1 of @data", "F1", "Z", False, False),
        ("1 of @finance then 1 of @board", "", "X1", False, False),
        ("1 of @finance then 1 of @board", "F2", "X1", True, True),
        ("2 of @finance, not the requester", "F1", "R", False, False),
        ("1 of @qa, signed", "", "Q1", True, True),
    ],
)
def test_who_may_answer_and_who_may_reject(
    line: str, votes: str, voter: str, answers: bool, rejects: bool
) -> None:
    lines, ballots = lines_of(line), [vote(each) for each in votes.split()]
    assert may_vote(lines, Voter(voter), ballots, FACTS) is answers
    assert may_reject(lines, Voter(voter), ballots, FACTS) is rejects


def test_a_vote_counts_as_long_as_its_voter_belongs_there() -> None:
    lines = lines_of("2 of @finance")
    left = replace(FACTS, groups={**FACTS.groups, "finance": frozenset({"F2"})})
    votes = [vote("F1"), vote("F2")]
    assert isinstance(judge_votes(lines, votes, FACTS), Met)
    assert isinstance(judge_votes(lines, votes, left), Open)


def test_all_are_those_who_were_there_when_it_opened() -> None:
    lines = lines_of("all of @release, not the requester")
    grown = replace(FACTS, groups={**FACTS.groups, "release": FACTS.groups["release"] | {"Z"}})
    assert lines[0].seats == (5,)
    votes = [vote(name) for name in ("L1", "L2", "L3", "L4", "Z")]
    assert isinstance(judge_votes(lines, votes, grown), Met)


@pytest.mark.parametrize(
    ("line", "facts", "said"),
    [
        ("1 of @finance", FACTS, ""),
        ("1 of @finance + 1 of @data + 1 of @security", FACTS, ""),
        ("1 of @nowhere", FACTS, "There is no group @nowhere."),
        ("1 of ghost", FACTS, "ghost is not there to answer."),
        ("3 of @data", FACTS, "Fewer people may answer"),
        ("1 of @data + 1 of @security + 1 of D1", FACTS, "Fewer people may answer"),
        ("1 of R, not the requester", FACTS, "Fewer people may answer"),
        ("all of @empty", FACTS, "Fewer people may answer"),
        (
            "anyone, not the requester",
            replace(FACTS, askers_known=False),
            "This flow does not say who asked.",
        ),
    ],
)
def test_what_nobody_can_meet_is_found_out(line: str, facts: Facts, said: str) -> None:
    found = find_obstacles(lines_of(line, facts=facts), facts)
    assert said in " ".join(found)
    assert bool(found) is bool(said)


def test_two_hundred_voters_on_nine_seats_are_judged() -> None:
    people = frozenset(f"p{number}" for number in range(200))
    facts = Facts(groups={"a": people, "b": people, "c": people}, people=people)
    line = "3 of @a + 3 of @b + 3 of @c"
    assert isinstance(judge(line, " ".join(sorted(people)), facts), Met)

import pytest

from flowruns.domain.policies import (
    Part,
    Policy,
    PolicyUnreadable,
    Quorum,
    Who,
    WhoKind,
    Word,
    parse_policy,
)

FINANCE = Who(WhoKind.GROUP, "finance")


@pytest.mark.parametrize(
    ("line", "canonical"),
    [
        ("anyone", "anyone"),
        ("  anyone ,not the   requester", "anyone, not the requester"),
        ("1 of F1 or F2", "1 of F1 or F2"),
        ("1 of @finance", "1 of @finance"),
        ("2 of @finance, not the requester", "2 of @finance, not the requester"),
        ("1 of @finance + 1 of @data", "1 of @finance + 1 of @data"),
        ("1 of @finance then 1 of @board", "1 of @finance then 1 of @board"),
        ("all of @release", "all of @release"),
        ("most of @committee, a no counts", "most of @committee, a no counts"),
        ("1 of @hr, seen by them only", "1 of @hr, seen by them only"),
        ("1 of @qa or key:ci, signed", "1 of @qa or key:ci, signed"),
        ("1 of anyone", "anyone"),
        ("2 of anyone", "2 of anyone"),
        ("02 of @a, signed, not the requester", "2 of @a, not the requester, signed"),
        ("1 of @a or @a or bob", "1 of @a or bob"),
        ('1 of @"Legal team" or "or"', '1 of @"Legal team" or "or"'),
        ('1 of "ann,b" or key:"my key"', '1 of "ann,b" or key:"my key"'),
        ("1 of a+b@example.com", "1 of a+b@example.com"),
    ],
)
def test_a_line_is_read_and_written_in_one_way(line: str, canonical: str) -> None:
    policy = parse_policy(line)
    assert str(policy) == canonical
    assert parse_policy(canonical) == policy


def test_a_line_is_parts_and_words() -> None:
    assert parse_policy("2 of @finance then all of bob or key:ci, signed") == Policy(
        (
            Part(2, (FINANCE,)),
            Part(Quorum.ALL, (Who(WhoKind.PERSON, "bob"), Who(WhoKind.KEY, "ci")), then=True),
        ),
        frozenset({Word.SIGNED}),
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "Say who answers"),
        (" , signed", "Say who answers"),
        ("two of @finance", '"two" is not how many'),
        ("0 of @finance", '"0" is not how many'),
        ("51 of @finance", '"51" is not how many'),
        ("@finance", '"@finance" is no part of a policy'),
        ("1 off @finance", '"1 off @finance" is no part'),
        ("1 of", 'A name is missing after "of"'),
        ("1 of @finance or", "A name is missing"),
        ("1 of @finance and @data", '"and" is unknown; between names stands "or"'),
        ("1 of @Legal team", 'A name that holds a space stands in quotes: @"Legal team"'),
        ("1 of @finance or 1 of @data", 'A part has one number: "1 of @finance or @data"'),
        ("1 of @finance, 1 of @data", 'between parts "+"'),
        ("1 of @finance +", "A part is missing"),
        ("then 1 of @finance", "A part is missing"),
        ("1 of @finance, not the asker", '"not the asker" is unknown'),
        ("1 of @finance,", "Nothing follows the last comma"),
        ("1 of @", '"@" is not the name'),
        ("1 of key:", '"key:" is not the name'),
        ("1 of of", '"of" is not the name'),
        ('1 of @"Legal', "A quotation mark is open"),
        ("all of anyone", '"all of anyone" never ends'),
        ("1 of anyone or bob", '"anyone" is not the name'),
        ("1 of @a" + " or @b" * 400, "1000 characters at most"),
        (" + ".join(["anyone"] * 21), "20 parts at most"),
    ],
)
def test_a_wrong_line_is_refused_with_the_word_that_is_wrong(line: str, said: str) -> None:
    with pytest.raises(PolicyUnreadable) as raised:
        parse_policy(line)
    assert said in str(raised.value)

"""Which words of a comment name somebody."""

import pytest

from approvals.display.mentions import find_mentions, spellings


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@bob look", ["bob"]),
        ("(@bob) and **@carol**, @bob", ["bob", "carol"]),
        ("- @bob\n- @carol", ["bob", "carol"]),
        ("bob@example.com `@carol` https://x.y/@dave", []),
        ("```\n@bob\n```", []),
        ("@", []),
        ("@anne.smith+x@corp.example", ["anne.smith+x@corp.example"]),
        ("@\u00e5sa", ["\u00e5sa"]),
    ],
)
def test_names_after_an_at_sign_are_mentions(text: str, names: list[str]) -> None:
    assert find_mentions(text) == names


def test_a_sentence_may_end_with_a_name() -> None:
    assert spellings("bob.") == ["bob.", "bob"]
    assert spellings("bob") == ["bob"]

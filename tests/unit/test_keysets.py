import pytest

from flowruns.domain.keysets import Keyset, is_valid_key, keyset_from_base, keyset_from_pause


@pytest.mark.parametrize("key", ["1", "approval", "paused-1-response", "0-9", "-", ""])
def test_keys_are_lower_case_letters_digits_and_dashes(key: str) -> None:
    assert is_valid_key(key)


@pytest.mark.parametrize(
    "key", ["approval_1", "Approval", "a b", "a.b", "é", "a\n", "\n", "a\x00", "\u0661", "a/b"]
)
def test_other_characters_make_a_key_invalid(key: str) -> None:
    assert not is_valid_key(key)


def test_a_pause_names_its_inputs_by_its_state_and_its_key() -> None:
    assert keyset_from_pause("Paused", "1") == Keyset(
        schema="paused-1-schema",
        description="paused-1-description",
        response="paused-1-response",
    )


def test_a_suspension_names_its_inputs_apart_from_a_pause_with_the_same_key() -> None:
    assert keyset_from_pause("Suspended", "ask") == keyset_from_base("suspended-ask")


def test_a_keyset_travels_as_the_three_names_that_prefect_sends() -> None:
    assert keyset_from_base("paused-1").as_dict() == {
        "schema": "paused-1-schema",
        "description": "paused-1-description",
        "response": "paused-1-response",
    }

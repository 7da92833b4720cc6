"""Secrets in the data of blocks: hidden, wherever they are, and kept when the mask comes back."""

from typing import Any

import pytest

from flowruns.domain.secret_fields import MASK, keep_masked, list_secret_fields, mask_secrets

CASES: dict[str, tuple[str, Any, Any]] = {
    "a field": ("a", {"a": "s", "b": 1}, {"a": MASK, "b": 1}),
    "a field that is not set": ("a", {"a": None}, {"a": None}),
    "a field that is missing": ("a", {"b": "open"}, {"b": "open"}),
    "an object": ("a", {"a": {"user": "ada"}}, {"a": MASK}),
    "within a field": ("a.b", {"a": {"b": "s", "c": 1}}, {"a": {"b": MASK, "c": 1}}),
    "within nothing": ("a.b", {"a": 1}, {"a": 1}),
    "within a list": ("a.b", {"a": [{"b": "s"}, {"c": 1}]}, {"a": [{"b": MASK}, {"c": 1}]}),
    "by key": ("a.b", {"a": {"x": {"b": "s"}}}, {"a": {"x": {"b": MASK}}}),
    "all below": ("a.*", {"a": {"x": {"y": 1}, "z": []}}, {"a": {"x": {"y": MASK}, "z": MASK}}),
    "all below nothing": ("a.*", {"b": 1}, {"b": 1}),
    "elsewhere": ("b", {"a": {"b": "open"}}, {"a": {"b": "open"}}),
}


@pytest.mark.parametrize(("path", "data", "masked"), CASES.values(), ids=CASES)
def test_a_secret_is_masked(path: str, data: Any, masked: Any) -> None:
    assert mask_secrets(data, [path]) == masked


@pytest.mark.parametrize(("path", "data", "masked"), CASES.values(), ids=CASES)
def test_a_mask_that_comes_back_changes_nothing(path: str, data: Any, masked: Any) -> None:
    assert keep_masked(masked, data, [path]) == data


def test_a_new_secret_takes_the_place_of_the_old() -> None:
    assert keep_masked({"a": "new"}, {"a": "old"}, ["a"]) == {"a": "new"}
    assert keep_masked({"a": None}, {"a": "old"}, ["a"]) == {"a": None}


def test_a_mask_for_what_was_not_there_is_a_value() -> None:
    assert keep_masked({"a": {"x": MASK}}, {"a": {}}, ["a.*"]) == {"a": {"x": MASK}}
    assert keep_masked({"a": [MASK]}, {}, ["a.*"]) == {"a": [MASK]}


@pytest.mark.parametrize("listed", [None, "a", {}, [1, None]])
def test_a_schema_may_list_nonsense(listed: Any) -> None:
    assert list_secret_fields({"secret_fields": listed}) == []

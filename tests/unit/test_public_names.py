"""The names that flows may import."""

import pytest

import flowruns
from flowruns import exceptions
from flowruns.sdk import errors


def test_every_public_name_exists_and_has_a_home() -> None:
    assert {name for name in flowruns.__all__ if not hasattr(flowruns, name)} == set()
    assert set(flowruns._HOME_OF) == set(flowruns.__all__)


def test_dir_shows_the_public_names_before_they_are_loaded() -> None:
    assert set(flowruns.__all__) <= set(dir(flowruns))


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'suspend_flow'"):
        _ = flowruns.suspend_flow


def test_every_exception_of_the_tree_is_public() -> None:
    tree = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert set(exceptions.__all__) == {name for name in tree if name[0].isupper()} - {
        "Any",
        "Sequence",
        "UUID",
    }


def test_the_documents_name_of_the_wait_timeout_is_the_same_class() -> None:
    assert exceptions.FlowWaitTimeout is exceptions.FlowRunWaitTimeout


def test_an_error_without_a_message_says_its_docstring() -> None:
    assert str(exceptions.FlowPauseTimeout()) == "Flow run was paused and never resumed."

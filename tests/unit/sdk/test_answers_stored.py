"""What a person answered is a result that another process reads."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flowruns import RunInput
from flowruns.sdk import pickles, storage
from flowruns.sdk.results import read_reference
from tests import answered_flows
from tests.answered_flows import KINDS, Approval, Person, ask

_READ = """
import json, sys
from flowruns.sdk.results import read_reference
from tests.answered_flows import KINDS
found = read_reference(json.loads(sys.argv[1]), trusted=None)
assert found == KINDS[sys.argv[2]][2], found
"""


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    storage._open.cache_clear()
    return tmp_path


@pytest.mark.parametrize("where", ["flow", "task", "subflow"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_is_stored_and_read_again(kind: str, where: str, home: Path) -> None:
    reference = ask(kind, where)
    assert read_reference(reference, trusted=None) == KINDS[kind][2]
    for stored in (home / ".flowruns" / "results").iterdir():
        assert pickles.load(stored.read_bytes()) == KINDS[kind][2]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_is_read_in_another_process(kind: str, home: Path) -> None:
    reference = ask(kind, "flow")
    command = [sys.executable, "-c", _READ, json.dumps(reference), kind]
    subprocess.run(command, check=True, env=os.environ | {"HOME": str(home)})


@pytest.mark.slow
def test_an_answer_to_a_script_is_read_by_who_imports_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = str(answered_flows.__file__)
    subprocess.run(
        [sys.executable, script, "model", "flow"],
        check=True,
        env=os.environ | {"HOME": str(home), "PYTHONPATH": str(Path.cwd())},
    )
    (stored,) = (home / ".flowruns" / "results").iterdir()
    monkeypatch.setitem(sys.modules, "answered_flows", answered_flows)
    assert pickles.load(stored.read_bytes()) == Person(name="Ada")


def test_answers_are_equal_by_the_authors_class_and_their_values() -> None:
    class Other(RunInput):
        approve: bool
        reason: str = ""

    class Frozen(RunInput, frozen=True):
        approve: bool

    made: Any = Approval.with_initial_data(reason="late")(approve=True)
    assert made == Approval(approve=True, reason="late")
    assert made != Approval(approve=False, reason="late")
    assert made != Other(approve=True, reason="late")
    assert RunInput.subclass_from_base_model_type(Person)(name="Ada") == Person(name="Ada")  # type: ignore[call-arg]
    assert len({Frozen(approve=True), Frozen(approve=True)}) == 1


def test_a_field_that_only_the_initial_data_has_is_stored() -> None:
    made: Any = Approval.with_initial_data(order=7)(approve=True)
    found = pickles.load(pickles.dump(made))
    assert (found, found.order) == (made, 7)


# The answer 7, as it was stored when these classes lay in modules of other names.
STORED_BEFORE = (
    "gASVawEAAAAAAACMG2Zsb3dydW5zLnNkay5iYXNlX3J1bl9pbnB1dJSMCF9yZXN0b3JllJOUjBZmbG93cnVucy5zZGsu"
    "cnVuX2lucHV0lIwRQXV0b21hdGljUnVuSW5wdXSUk5R9lH2UKIwIX19kaWN0X1+UfZSMBXZhbHVllEsHc4wSX19weWRh"
    "bnRpY19leHRyYV9flE6MF19fcHlkYW50aWNfZmllbGRzX3NldF9flI+UKGgKkIwUX19weWRhbnRpY19wcml2YXRlX1+U"
    "fZQojAxfZGVzY3JpcHRpb26UTowJX21ldGFkYXRhlGgAjBBSdW5JbnB1dE1ldGFkYXRhlJOUKYGUfZQoaAh9lCiMA2tl"
    "eZSMAWuUjAZzZW5kZXKUTowIcmVjZWl2ZXKUjAR1dWlklIwEVVVJRJSTlCmBlH2UjANpbnSUSwFzYowKZGVjaWRlZF9i"
    "eZQpdWgLTmgMj5QoaBpoF5BoDk51YnV1h5RSlC4="
)


def test_an_answer_that_was_stored_before_its_class_moved_is_read() -> None:
    answer = pickles.load(base64.b64decode(STORED_BEFORE))
    assert (answer.value, answer.metadata.key) == (7, "k")

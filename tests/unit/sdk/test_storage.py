"""Where results are kept: folders, URLs, and places that cannot be used."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from flowruns import State, StateType, flow, task
from flowruns.exceptions import ConfigurationError, MissingResult, ResultNotPersisted
from flowruns.sdk import storage as storages
from flowruns.sdk.results import StoredResult
from flowruns.sdk.storage import Remote, open_storage
from flowruns.testing import FakeServer, reviewed_by


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeServer]:
    monkeypatch.setenv("HOME", str(tmp_path))
    storages._open.cache_clear()
    with reviewed_by(lambda _: None) as fake:
        yield fake


@pytest.fixture(params=["folder", "file", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    places = {"folder": str(tmp_path / "f"), "file": (tmp_path / "g h").as_uri()}
    return places.get(request.param, f"memory://{tmp_path.name}/results")


def test_a_result_is_found_again_wherever_it_was_stored(place: str) -> None:
    storage = open_storage(place)
    stored = StoredResult(storage, "key", "task 'add'")
    assert stored.read() is None
    stored.write({"a": 1})
    stored.write({"a": 2})
    found = stored.read()
    assert found is not None
    assert found.value == {"a": 2}
    assert StoredResult(storage, "other", "task 'add'").read() is None


def test_a_folder_is_for_its_owner_and_holds_no_halves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(tmp_path / "results")
    assert (tmp_path / "results").stat().st_mode & 0o777 == 0o700

    def fail(*_: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    stored = StoredResult(storage, "key", "task 'add'")
    with pytest.raises(ResultNotPersisted, match=r"task 'add' cannot be written to .*No space"):
        stored.write(1)
    assert list((tmp_path / "results").iterdir()) == []


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("s4://bucket/results", "Protocol not known: s4"),
        ("gs://bucket/results", "gcsfs"),
        ("/proc/nowhere/results", "nowhere"),
    ],
)
def test_a_place_that_cannot_be_used_is_named_before_anything_is_done(
    place: str, why: str, server: FakeServer
) -> None:
    done: list[int] = []

    @flow(result_storage=place)
    def working() -> None:
        done.append(1)

    @task(result_storage=place)
    def step() -> None:
        done.append(2)

    with pytest.raises(ConfigurationError) as refusal:
        working()
    assert str(refusal.value).startswith(f"result_storage is '{place}', which cannot be used (")
    assert why in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "pip install 'approvals[s3]'" in str(refusal.value)
    assert server.run.names == ["Pending", "Failed"]
    with pytest.raises(ConfigurationError, match="result_storage"):
        flow(name="stepping")(step)()
    assert done == []


def test_without_the_extra_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(ConfigurationError, match=r"fsspec.*'approvals\[storage\]'"):
        open_storage("memory://results")
    assert open_storage(None).read("key") is None


class Refusing:
    """A store whose client raises errors of its own."""

    def cat_file(self, *_: object) -> bytes:
        raise RuntimeError("token expired")

    pipe_file = cat_file


def test_the_errors_of_a_store_name_the_task() -> None:
    stored = StoredResult(Remote("x://y", cast("Any", Refusing()), "y"), "key", "task 'add'")
    with pytest.raises(ResultNotPersisted, match=r"task 'add' cannot be written to x://y: Runtime"):
        stored.write(1)
    with pytest.raises(ResultNotPersisted, match=r"task 'add' in x://y cannot be read: Runtime"):
        stored.read()


# --- states that say where the result is


def _state_of(server: FakeServer) -> State[Any]:
    return State.model_validate(server.run.as_wire().model_dump()["state"])


def test_a_state_from_the_server_knows_its_stored_result(server: FakeServer) -> None:
    @flow(persist_result=True)
    def adding() -> int:
        return 3

    assert adding() == 3
    assert _state_of(server).result() == 3


def test_a_result_is_read_from_ones_own_storage_only(server: FakeServer, tmp_path: Path) -> None:
    """The server keeps the name of the place; what is read there gets unpickled."""

    @flow(result_storage=tmp_path / "theirs")
    def adding() -> int:
        return 3

    adding()
    state = _state_of(server)
    with pytest.raises(MissingResult, match="not the result_storage here"):
        state.result()
    data = state.data | {"storage": str(open_storage(None).url), "storage_key": "../theirs/x"}
    with pytest.raises(MissingResult):
        state.model_copy(update={"data": data}).result()

    @flow(result_storage=tmp_path / "theirs")
    def reading() -> Any:
        return state.result()

    assert reading() == 3


def test_an_unstored_result_stays_with_its_process(server: FakeServer) -> None:
    @flow
    def adding() -> int:
        return 3

    assert adding() == 3
    assert _state_of(server).type is StateType.COMPLETED
    with pytest.raises(MissingResult):
        _state_of(server).result()


def test_a_result_that_cannot_be_pickled_is_not_stored(server: FakeServer) -> None:
    @flow(persist_result=True)
    def making() -> Any:
        return lambda: 1

    assert making()() == 1
    assert server.run.state.type is StateType.COMPLETED
    with pytest.raises(MissingResult):
        _state_of(server).result()

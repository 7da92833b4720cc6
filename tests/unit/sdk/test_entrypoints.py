"""Finding a flow again in another process."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowruns import flow
from flowruns.exceptions import FlowNotServable, FlowRunsError
from flowruns.sdk.serving.entrypoints import entrypoint_of, load_flow


@flow
def add(a: int, b: int) -> int:
    return a + b


@pytest.fixture(autouse=True)
def _forget_imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    known = {*sys.modules}
    yield
    for name in {*sys.modules} - known:
        del sys.modules[name]


def write(path: Path, extra: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"from flowruns import flow\n{extra}\n@flow\ndef two() -> int:\n    return 2\n")
    return path


def test_an_entrypoint_is_the_whole_path_and_the_function() -> None:
    assert entrypoint_of(add) == f"{Path(__file__).resolve()}:add"


def test_a_flow_inside_of_a_function_cannot_be_served() -> None:
    @flow
    def inner() -> None: ...

    with pytest.raises(FlowNotServable, match="define it at the top"):
        entrypoint_of(inner)


def test_a_flow_in_no_file_cannot_be_served() -> None:
    namespace: dict[str, object] = {"flow": flow}
    exec("@flow\ndef typed_in() -> None: ...", namespace)
    with pytest.raises(FlowNotServable, match="in no file"):
        entrypoint_of(namespace["typed_in"])  # type: ignore[arg-type]


def test_a_script_finds_the_modules_beside_it(tmp_path: Path) -> None:
    (tmp_path / "beside_the_script.py").write_text("")
    script = write(tmp_path / "my-flow.py", "import beside_the_script")
    assert load_flow(f"{script}:two").fn() == 2


def test_a_script_that_is_called_as_a_module_is_not_taken_for_it(tmp_path: Path) -> None:
    import json

    assert load_flow(f"{write(tmp_path / 'json.py')}:two").fn() == 2
    assert sys.modules["json"] is json


def test_a_module_of_a_package_is_imported_as_one(tmp_path: Path) -> None:
    (tmp_path / "a_package").mkdir()
    (tmp_path / "a_package" / "__init__.py").write_text("")
    module = write(tmp_path / "a_package" / "inside.py", "from . import __name__ as package")
    assert load_flow(f"{module}:two").fn.__module__ == "a_package.inside"


def test_what_is_no_flow_is_refused(tmp_path: Path) -> None:
    script = write(tmp_path / "script.py")
    with pytest.raises(FlowNotServable, match="has no flow 'three'"):
        load_flow(f"{script}:three")
    with pytest.raises(FlowNotServable, match="is no Python file"):
        load_flow(f"{tmp_path / 'notes.txt'}:two")


def test_a_file_that_serves_when_it_is_imported_is_told_so(tmp_path: Path) -> None:
    script = write(tmp_path / "unguarded.py")
    script.write_text(script.read_text() + "two.serve('desk')\n")
    with pytest.raises(FlowRunsError, match="if __name__ == '__main__'"):
        load_flow(f"{script}:two")

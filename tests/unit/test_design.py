"""The chapter about the design, held against the tree and the import contracts."""

import re
import tomllib

import pytest

from tests.documents import DOCS
from tests.servers import ROOT

TEXT = (DOCS / "design.md").read_text()
CONTRACTS = {
    contract["containers"][0]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    if contract["type"] == "layers"
}
PACKAGES = ("flowruns", "approvals", "tests")
# Rooms on no floor: the SDK and its faces, and what Django or a shell calls.
FACES = {
    "sdk",
    "artifacts",
    "blocks",
    "exceptions",
    "preview",
    "schedules",
    "testing",
    "variables",
}


def read_section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    assert found, title
    return found[1]


def test_every_file_and_room_that_is_named_is_there() -> None:
    named = re.findall(r"`((?:flowruns|approvals|templates|static|tests)/[\w./]*)`", TEXT)
    assert len(named) > 60
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("package", ["flowruns", "approvals"])
def test_the_floors_are_those_of_the_import_contracts(package: str) -> None:
    floors: dict[int, set[str]] = {}
    for number, rooms in re.findall(
        r"^\| (\d+) \| (.+?) \|", read_section(f"Floors of {package}"), re.MULTILINE
    ):
        names = re.findall(rf"`{package}/(\w+)(?:\.py)?`", rooms)
        floors.setdefault(int(number), set()).update(names)
    layers = reversed(CONTRACTS[package]["layers"])
    assert floors == {
        number: set(re.findall(r"\w+", layer)) for number, layer in enumerate(layers, 1)
    }


def test_the_rooms_beside_the_floors_are_named() -> None:
    ignored = set(CONTRACTS["flowruns"]["exhaustive_ignores"]) - {"apps", "migrations"}
    assert ignored == FACES
    section = read_section("Floors of flowruns")
    assert {name for name in FACES if not re.search(rf"flowruns/{name}\b", section)} == set()


def test_each_function_that_a_walk_names_is_in_the_file_before_it() -> None:
    for walk in ("Walk 1: an answer arrives by the API", "Walk 2: a flow asks"):
        for path, name in re.findall(r"`([\w/]+\.py)`: `(\w+)`", read_section(walk)):
            assert re.search(rf"\b(def|class) {name}\b", (ROOT / path).read_text()), name


def test_each_number_in_the_code_stands_in_a_table() -> None:
    text = (DOCS / "prefect.md").read_text()
    sources = [path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))]
    numbers = {found for path in sources for found in re.findall(r"\((D\d+)\)", path.read_text())}
    assert numbers
    assert {number for number in numbers if f"| {number} |" not in text} == set()

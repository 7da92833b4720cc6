"""Everything here starts processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.breaking import Scene, scene_on
from tests.servers import ApprovalsServer, approvals_server

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module")
def our_server() -> Iterator[ApprovalsServer]:
    with approvals_server() as running:
        yield running


@pytest.fixture
def our_scene(our_server: ApprovalsServer, tmp_path: Path) -> Iterator[Scene]:
    """Our server, and flows in processes of their own."""
    with scene_on(our_server, tmp_path) as scene:
        yield scene

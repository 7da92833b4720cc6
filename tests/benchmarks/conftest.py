"""What the benchmarks share."""

import gc
from collections.abc import Iterator

import pytest

from approvals.management.web_server import collect_seldom


@pytest.fixture
def _collects_as_served() -> Iterator[None]:
    """Look for garbage as a served process does; other tests of this process do as before."""
    before = gc.get_threshold()
    collect_seldom()
    yield
    gc.set_threshold(*before)

"""What tests of the SDK share."""

from collections.abc import Iterator

import pytest

from flowruns.testing import FakeServer, reviewed_by


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server whose reviewer answers everything with yes."""
    with reviewed_by(lambda _: {"value": True}) as fake:
        yield fake

"""Run flows in tests without a server: `from flowruns.testing import reviewed_by`."""

from flowruns.sdk.testing import (
    Asked,
    FakeRun,
    FakeServer,
    Rejected,
    Reviewer,
    UnexpectedPause,
    reviewed_by,
    served_by,
)

__all__ = [
    "Asked",
    "FakeRun",
    "FakeServer",
    "Rejected",
    "Reviewer",
    "UnexpectedPause",
    "reviewed_by",
    "served_by",
]

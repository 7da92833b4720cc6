"""Flows in tests without a server: a fake one, and a reviewer who answers at once."""

from flowruns.sdk.testing.fake_runs import FakeRun
from flowruns.sdk.testing.fake_server import FakeServer, reviewed_by, served_by
from flowruns.sdk.testing.reviewers import Asked, Rejected, Reviewer, UnexpectedPause

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

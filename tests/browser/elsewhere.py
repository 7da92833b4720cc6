"""Flows that wait on a Prefect server elsewhere, which the desk follows."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.browser.desk import Flows, Waiting
from tests.fake_prefect import FakePrefect
from tests.opened import count_open, is_following, is_open
from tests.servers import ApprovalsServer

_PATIENCE = 60.0


class FlowsElsewhere(Flows):
    """What flows do, as their own server knows it; they are seen once the desk shows them."""

    def __init__(self, theirs: FakePrefect, desk: ApprovalsServer) -> None:
        self._theirs, self._desk = theirs, desk

    def pause(
        self,
        flow: str = "refund",
        *,
        schema: Any = None,
        question: str = "Refund **2.50 EUR**?",
        seconds: float = 3600,
        **fields: Any,
    ) -> Waiting:
        theirs, flow_id = self._theirs, str(uuid4())
        theirs.flow_names[flow_id] = flow
        deadline = datetime.now(UTC) + timedelta(seconds=seconds)
        asks = schema is not None
        run_id, _ = theirs.pause(asks=asks, deadline=deadline, flow_id=flow_id, **fields)
        if asks:
            theirs.store(run_id, "paused-1-schema", json.dumps(schema))
            theirs.store(run_id, "paused-1-description", json.dumps(question))
        theirs.tell(run_id)
        self._wait(lambda: is_open(self._desk, run_id))
        return Waiting(self, run_id, theirs.runs[run_id]["name"])

    def resume(self, waiting: Waiting, answer: Any) -> None:
        """Answer at its own server, as a program does."""
        self._theirs.store(waiting.id, "paused-1-response", json.dumps(answer))
        self._theirs.put(waiting.id, "RUNNING")
        self._theirs.tell(waiting.id)

    def clear(self) -> None:
        """End all that waits there, so that a test finds an empty inbox."""
        for run_id, run in self._theirs.runs.items():
            if run["state_type"] == "PAUSED":
                self._theirs.put(run_id, "CANCELLED")
                self._theirs.tell(run_id)
        self._wait(lambda: count_open(self._desk) == 0)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Have their server answer nobody for the time of the block, which the desk notices."""
        self._theirs.is_away = True
        self._theirs.hang_up()
        try:
            self._wait(lambda: not is_following(self._desk))
            yield
        finally:
            self._theirs.is_away = False
        self._wait(lambda: is_following(self._desk))

    def read(self, flow_run_id: str) -> Any:
        return self._theirs.runs[flow_run_id]

    def read_answer(self, flow_run_id: str) -> Any:
        answer = self._theirs.answer_of(flow_run_id)
        return None if answer is None else json.loads(answer)

    def _wait(self, question: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not question():
            assert time.monotonic() < deadline, "The desk does not follow"
            time.sleep(0.02)

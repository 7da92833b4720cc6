"""What flows show to people, on our server and on an unmodified Prefect 3.9.1."""

import json
from typing import Any

from tests.acceptance.clients import connect
from tests.acceptance.flow_processes import Start
from tests.acceptance.serving import Server


def read_artifacts(server: Server, run_id: object) -> list[dict[str, Any]]:
    """Return what a run has made, in the order of its making."""
    criteria = {"artifacts": {"flow_run_id": {"any_": [str(run_id)]}}}
    with connect(server) as api:
        found: list[dict[str, Any]] = api.post("/artifacts/filter", json=criteria).json()
    return sorted(found, key=lambda artifact: str(artifact["created"]))


def test_a_flow_shows_what_its_reviewers_need(start: Start, server: Server) -> None:
    flow = start("showing")
    assert flow.result() is None
    table, *others = read_artifacts(server, flow.run().id)
    assert (table["type"], table["key"]) == ("table", "refunds")
    assert json.loads(table["data"]) == [{"order": 7, "amount": 79.9}]
    assert table["task_run_id"] is not None
    assert [(one["type"], one["key"], one["data"], one["description"]) for one in others] == [
        ("markdown", None, "**1** refund", "What was found"),
        ("markdown", "order-7", "[Order 7](https://example.com/7)", None),
        ("image", None, "https://example.com/7.png", None),
        ("progress", "progress", 80, None),
    ]
    assert {one["task_run_id"] for one in others} == {None}


def test_an_async_flow_does_so_too(start: Start, server: Server) -> None:
    flow = start("showing_async")
    assert flow.result() is None
    finding, progress = read_artifacts(server, flow.run().id)
    assert (finding["key"], finding["data"]) == ("finding", "**1** refund")
    assert (progress["data"], progress["description"]) == (80, "Nearly")

"""What flows show to people, on a fake server; arguments and data as Prefect 3.9's functions."""

import asyncio
import json
import math
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from flowruns import artifacts, flow, get_client, task
from flowruns.exceptions import ObjectNotFound
from flowruns.testing import FakeServer
from flowruns.wire.artifacts import Artifact

PICTURE = "https://a.example/x"


def shown(server: FakeServer) -> list[Artifact]:
    return list(server.records.artifacts.values())


@pytest.mark.parametrize(
    ("show", "kind", "data"),
    [
        (partial(artifacts.create_markdown_artifact, "**3**"), "markdown", "**3**"),
        (
            partial(artifacts.create_link_artifact, "https://a.example", "Order 7"),
            "markdown",
            "[Order 7](https://a.example)",
        ),
        (
            partial(artifacts.create_link_artifact, "https://a.example"),
            "markdown",
            "[https://a.example](https://a.example)",
        ),
        (partial(artifacts.create_image_artifact, PICTURE), "image", PICTURE),
        (partial(artifacts.create_progress_artifact, 12), "progress", 12.0),
        (partial(artifacts.create_progress_artifact, 120), "progress", 100.0),
        (partial(artifacts.create_progress_artifact, math.nan), "progress", 0.0),
    ],
)
def test_each_kind_is_stored_as_prefects(
    show: Callable[..., UUID], kind: str, data: Any, server: FakeServer
) -> None:
    @flow
    def showing() -> UUID:
        return show(key="of-orders", description="What was found")

    artifact = server.records.artifacts[showing()]
    assert (artifact.type, artifact.key, artifact.description) == (
        kind,
        "of-orders",
        "What was found",
    )
    assert artifact.data == data


@pytest.mark.parametrize(
    ("table", "stored"),
    [
        ([{"a": 1, "b": math.nan}], [{"a": 1, "b": None}]),
        ({"a": [1, 2], "b": ["x", math.inf]}, {"a": [1, 2], "b": ["x", None]}),
        ([[1, date(2026, 1, 2)], [ValueError("no")]], [[1, "2026-01-02"], ["no"]]),
    ],
)
def test_a_table_is_stored_as_json_text_that_any_reader_understands(
    table: Any, stored: Any, server: FakeServer
) -> None:
    @flow
    def showing() -> UUID:
        return artifacts.create_table_artifact(table)

    artifact = server.records.artifacts[showing()]
    assert artifact.type == "table"
    assert json.loads(str(artifact.data)) == stored


def test_an_artifact_belongs_to_the_task_and_the_flow_that_make_it(server: FakeServer) -> None:
    @task
    def look() -> None:
        artifacts.create_markdown_artifact("in the task")

    @flow
    def looking() -> None:
        look()
        artifacts.create_markdown_artifact("in the flow")

    looking()
    by_task, by_flow = shown(server)
    assert by_task.flow_run_id == by_flow.flow_run_id == server.run.run.id
    assert by_task.task_run_id is not None
    assert by_flow.task_run_id is None


def test_async_flows_await_them_in_either_way(server: FakeServer) -> None:
    @flow
    async def showing() -> None:
        await artifacts.create_markdown_artifact("a")  # type: ignore[misc] # as the documents do
        await artifacts.acreate_markdown_artifact("b")
        await artifacts.acreate_table_artifact([[1]])
        await artifacts.acreate_image_artifact(PICTURE)
        await artifacts.acreate_link_artifact("https://a.example", "x")
        progress = await artifacts.acreate_progress_artifact(1)
        await artifacts.aupdate_progress_artifact(progress, 60, "half")
        async with get_client() as client:
            await artifacts.acreate_link_artifact("https://a.example", client=client)
            await artifacts.aupdate_progress_artifact(progress, 75, client=client)

    asyncio.run(showing())
    made = shown(server)
    assert [one.data for one in made[:3]] == ["a", "b", "[[1]]"]
    assert len(made) == 7
    assert (made[5].data, made[5].description) == (75, "half")


def test_progress_is_changed_in_place(server: FakeServer) -> None:
    @flow
    def working() -> None:
        progress = artifacts.create_progress_artifact(0, description="Orders read")
        assert artifacts.update_progress_artifact(progress, -3) == progress
        with get_client(sync_client=True) as client:
            artifacts.update_progress_artifact(progress, 40.5, client=client)

    working()
    (artifact,) = shown(server)
    assert (artifact.data, artifact.description) == (40.5, "Orders read")
    assert "A progress of -3 % is shown as 0.0 %" in [line.message for line in server.logs]


def test_what_is_not_there_cannot_be_changed(server: FakeServer) -> None:
    with pytest.raises(ObjectNotFound):
        artifacts.update_progress_artifact(uuid4(), 5)


@pytest.mark.parametrize("key", ["Findings", "of_orders", "ä", "a b"])
def test_a_key_of_other_characters_is_refused_before_anything_is_sent(
    key: str, server: FakeServer
) -> None:
    @flow
    def showing() -> None:
        artifacts.create_markdown_artifact("x", key=key)

    with pytest.raises(ValueError, match="key"):
        showing()
    assert shown(server) == []


def test_outside_of_runs_it_is_made_with_a_warning(server: FakeServer) -> None:
    with pytest.warns(FutureWarning, match="outside of flow and task runs"):
        artifacts.create_markdown_artifact("x")
    (artifact,) = shown(server)
    assert artifact.flow_run_id is None

"""What a flow shows to people: `from flowruns.artifacts import create_markdown_artifact`.

Names and semantics of `prefect.artifacts` in Prefect 3.9. An artifact belongs to the task run and
the flow run that make it, and a reviewer sees it beside the question that the run asks. A `key`,
of lower-case letters, digits and dashes, names it: a second one of that key is its next version.

Each function returns the artifact's id and is awaitable in async code, where `acreate_…` is the
same with types to match. It raises ValueError for a key of other characters, and warns where no
flow run could own the artifact.
"""

import json
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flowruns.sdk.calls.artifacts import create_artifact, update_artifact
from flowruns.sdk.calls.client import FlowRunsClient, SyncFlowRunsClient
from flowruns.sdk.context import current_flow_run, current_logger, current_task_run
from flowruns.sdk.dispatch import dispatch, on_loop
from flowruns.sdk.steps.steps import Steps
from flowruns.wire.artifacts import ArtifactCreate, ArtifactUpdate

__all__ = [
    "acreate_image_artifact",
    "acreate_link_artifact",
    "acreate_markdown_artifact",
    "acreate_progress_artifact",
    "acreate_table_artifact",
    "aupdate_progress_artifact",
    "create_image_artifact",
    "create_link_artifact",
    "create_markdown_artifact",
    "create_progress_artifact",
    "create_table_artifact",
    "update_progress_artifact",
]

# Columns by name, or rows by name or by place.
type Table = Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]] | Sequence[Sequence[Any]]


def create_markdown_artifact(
    markdown: str, key: str | None = None, description: str | None = None
) -> UUID:
    """Show a text in Markdown.

    Example: `create_markdown_artifact("**3 orders** have no address", key="findings")`
    """
    return _play(_create("markdown", markdown, key, description))


async def acreate_markdown_artifact(
    markdown: str, key: str | None = None, description: str | None = None
) -> UUID:
    """Show a text in Markdown: `create_markdown_artifact` for async code."""
    return await on_loop(_create("markdown", markdown, key, description))


def create_table_artifact(
    table: Table, key: str | None = None, description: str | None = None
) -> UUID:
    """Show a table: rows as mappings or lists, or columns by name. NaN is shown as nothing.

    Example: `create_table_artifact([{"order": 7, "amount": 79.9}], key="refunds")`
    """
    return _play(_create("table", _to_text(table), key, description))


async def acreate_table_artifact(
    table: Table, key: str | None = None, description: str | None = None
) -> UUID:
    """Show a table: `create_table_artifact` for async code."""
    return await on_loop(_create("table", _to_text(table), key, description))


def create_link_artifact(
    link: str,
    link_text: str | None = None,
    key: str | None = None,
    description: str | None = None,
    client: SyncFlowRunsClient | FlowRunsClient | None = None,
) -> UUID:
    """Show a link, by `link_text` if there is one.

    Example: `create_link_artifact("https://example.com/orders/7", "Order 7")`
    """
    return _play(_create("markdown", _link(link, link_text), key, description), client)


async def acreate_link_artifact(
    link: str,
    link_text: str | None = None,
    key: str | None = None,
    description: str | None = None,
    client: FlowRunsClient | None = None,
) -> UUID:
    """Show a link: `create_link_artifact` for async code."""
    creating = _create("markdown", _link(link, link_text), key, description)
    return await (client.play(creating) if client else on_loop(creating))


def create_image_artifact(
    image_url: str, key: str | None = None, description: str | None = None
) -> UUID:
    """Show a picture that the reader's browser can fetch."""
    return _play(_create("image", image_url, key, description))


async def acreate_image_artifact(
    image_url: str, key: str | None = None, description: str | None = None
) -> UUID:
    """Show a picture: `create_image_artifact` for async code."""
    return await on_loop(_create("image", image_url, key, description))


def create_progress_artifact(
    progress: float, key: str | None = None, description: str | None = None
) -> UUID:
    """Show how far the flow is, in percent.

    Example:
        progress = create_progress_artifact(0, description="Orders read")
        update_progress_artifact(progress, 50)
    """
    return _play(_create("progress", _percentage(progress), key, description))


async def acreate_progress_artifact(
    progress: float, key: str | None = None, description: str | None = None
) -> UUID:
    """Show how far the flow is: `create_progress_artifact` for async code."""
    return await on_loop(_create("progress", _percentage(progress), key, description))


def update_progress_artifact(
    artifact_id: UUID,
    progress: float,
    description: str | None = None,
    client: SyncFlowRunsClient | FlowRunsClient | None = None,
) -> UUID:
    """Change what a progress artifact shows, without a new version; raises ObjectNotFound."""
    return _play(_update(artifact_id, progress, description), client)


async def aupdate_progress_artifact(
    artifact_id: UUID,
    progress: float,
    description: str | None = None,
    client: FlowRunsClient | None = None,
) -> UUID:
    """Change what a progress artifact shows: `update_progress_artifact` for async code."""
    updating = _update(artifact_id, progress, description)
    return await (client.play(updating) if client else on_loop(updating))


def _play(steps: Steps[UUID], client: SyncFlowRunsClient | FlowRunsClient | None = None) -> UUID:
    artifact_id: Any = client.play(steps) if client else dispatch(steps)
    return artifact_id  # type: ignore[no-any-return]


def _create(kind: str, data: Any, key: str | None, description: str | None) -> Steps[UUID]:
    task_run, flow_run = current_task_run(), current_flow_run()
    if task_run is None and flow_run is None:
        # As in Prefect 3.9; the caller's line is the one to look at.
        text = "An artifact was made outside of flow and task runs: nothing will show whose it is."
        warnings.warn(text, FutureWarning, stacklevel=3)
    made_by = {
        "flow_run_id": flow_run.flow_run.id if flow_run else None,
        "task_run_id": task_run.task_run_id if task_run else None,
    }
    return create_artifact(
        ArtifactCreate(type=kind, data=data, key=key, description=description, **made_by)
    )


def _update(artifact_id: UUID, progress: float, description: str | None) -> Steps[UUID]:
    said = {"description": description} if description else {}
    return update_artifact(artifact_id, ArtifactUpdate(data=_percentage(progress), **said))


def _link(link: str, text: str | None) -> str:
    return f"[{text or link}]({link})"


def _percentage(progress: float) -> float:
    within = max(0.0, min(float(progress), 100.0))
    if within != progress:
        current_logger().warning("A progress of %s %% is shown as %s %%", progress, within)
    return within


def _to_text(table: Table) -> str:
    """Write a table as the JSON text that Prefect's pages expect; dates and the like as texts."""
    from pydantic_core import to_jsonable_python

    return json.dumps(_without_nan(to_jsonable_python(table, fallback=str)), ensure_ascii=False)


def _without_nan(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return None
        case list():
            return [_without_nan(item) for item in value]
        case dict():
            return {name: _without_nan(item) for name, item in value.items()}
        case _:
            return value

"""What surrounds a run on a Prefect server: its timeline, its log, and what it left to look at."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flowruns import wire
from flowruns.connectors.prefect.client import Client
from flowruns.connectors.prefect.parsing import parse, parse_each
from flowruns.connectors.prefect.reading import read_one, read_states
from flowruns.connectors.protocol import ArtifactHead, TimelineEntry
from flowruns.domain.errors import ArtifactNotFound
from flowruns.wire import PAGE_LIMIT
from flowruns.wire.artifacts import Artifact
from flowruns.wire.task_runs import TaskRun

type Position = tuple[datetime, UUID]

# Lines that a search looks through, since Prefect's servers before 3.8 search none.
_MOST_LINES = 1000
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def read_timeline(
    client: Client, flow_run_id: UUID, *, before: Position | None, limit: int
) -> list[TimelineEntry]:
    """Return the latest states and task runs before a position, the latest first."""
    entries = [_as_entry(state) for state in read_states(client, flow_run_id)]
    entries += [_as_step(run) for run in _read_task_runs(client, flow_run_id) if run.state]
    return _latest(entries, lambda entry: (entry.moment, entry.id), before=before)[:limit]


def read_logs(
    client: Client,
    flow_run_id: UUID,
    *,
    limit: int,
    level: int,
    text: str,
    before: Position | None,
) -> tuple[list[wire.Log], int]:
    """Return the newest lines, newest first, and how many there are among the newest thousand."""
    words = text.lower().split()
    lines = [
        line
        for line in _read_lines(client, flow_run_id, level=level)
        if all(word in line.message.lower() for word in words)
    ]
    shown = _latest(lines, lambda line: (line.timestamp, line.id), before=before)
    return shown[:limit], len(lines)


def list_artifacts(
    client: Client, flow_run_id: UUID, *, limit: int, until: datetime | None
) -> list[ArtifactHead]:
    """Return the latest version of each key and all without one, oldest first."""
    query = {
        "artifacts": {"flow_run_id": {"any_": [str(flow_run_id)]}},
        "sort": "CREATED_DESC",
        "limit": PAGE_LIMIT,
    }
    found = parse_each(Artifact, client.find("/artifacts/filter", query))
    latest: dict[str, Artifact] = {}
    for artifact in found:
        if until is None or (artifact.created or _LONG_AGO) <= until:
            latest.setdefault(artifact.key or str(artifact.id), artifact)
    return [_as_head(artifact) for artifact in list(latest.values())[:limit]][::-1]


def read_artifact(client: Client, artifact_id: UUID) -> Artifact:
    """Return an artifact with its data; raises `ArtifactNotFound`."""
    found = read_one(client, f"/artifacts/{artifact_id}", ArtifactNotFound)
    return parse(Artifact, found)


def _read_lines(client: Client, flow_run_id: UUID, *, level: int) -> list[wire.Log]:
    criteria = {"flow_run_id": {"any_": [str(flow_run_id)]}, "level": {"ge_": level}}
    query = {"logs": criteria, "sort": "TIMESTAMP_DESC"}
    return _read_pages(client, "/logs/filter", query, wire.Log, most=_MOST_LINES)


def _read_task_runs(client: Client, flow_run_id: UUID) -> list[TaskRun]:
    criteria = {"flow_run_id": {"any_": [str(flow_run_id)]}}
    query = {"task_runs": criteria, "sort": "EXPECTED_START_TIME_DESC"}
    return _read_pages(client, "/task_runs/filter", query, TaskRun, most=_MOST_LINES)


def _read_pages[Item: wire.Wire](
    client: Client, path: str, query: dict[str, Any], kind: type[Item], *, most: int
) -> list[Item]:
    items: list[Item] = []
    for offset in range(0, most, PAGE_LIMIT):
        found = client.find(path, query | {"limit": PAGE_LIMIT, "offset": offset})
        items += parse_each(kind, found)
        if len(found) < PAGE_LIMIT:
            break
    return items


def _latest[Item](
    items: Sequence[Item], position_of: Callable[[Item], Position], *, before: Position | None
) -> list[Item]:
    wanted = [item for item in items if before is None or position_of(item) < before]
    return sorted(wanted, key=position_of, reverse=True)


def _as_entry(state: wire.State) -> TimelineEntry:
    return TimelineEntry(id=state.id, moment=state.timestamp, state=state)


def _as_step(run: TaskRun) -> TimelineEntry:
    assert run.state is not None  # noqa: S101 -- the caller leaves the others out
    return TimelineEntry(
        id=run.id,
        moment=run.start_time or run.expected_start_time or run.created or run.state.timestamp,
        state=run.state,
        step=run.name,
        run_time=run.total_run_time if run.end_time else None,
    )


def _as_head(artifact: Artifact) -> ArtifactHead:
    return ArtifactHead(
        id=artifact.id,
        key=artifact.key or "",
        type=artifact.type or "",
        description=artifact.description or "",
        updated=artifact.updated or artifact.created or _LONG_AGO,
    )

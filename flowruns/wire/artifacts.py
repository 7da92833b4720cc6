"""Artifacts on the wire, in the dialect of Prefect 3.9's REST API."""

from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, Field, JsonValue

from flowruns.wire.base import DateTime, Request, Wire
from flowruns.wire.filters import (
    AnyIdFilter,
    Filter,
    Names,
    OperatorFilter,
    Part,
)
from flowruns.wire.queries import RunCriteria, Window

_MAX_METADATA = 500


def _shorten(metadata: dict[str, str]) -> dict[str, str]:
    """Cut long values off, as Prefect 3.9 does."""
    return {
        name: text if len(text) <= _MAX_METADATA else f"{text[:_MAX_METADATA]}..."
        for name, text in metadata.items()
    }


type ArtifactKey = Annotated[str, Field(max_length=1000, pattern=r"^[a-z0-9-]*$")]
type Metadata = Annotated[dict[str, str], AfterValidator(_shorten)]


class ArtifactCreate(Request):
    """Something for people to look at; with a key, a new version of what has that key."""

    key: ArtifactKey | None = None
    type: str | None = None
    description: str | None = None
    data: JsonValue = None
    metadata_: Metadata | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class ArtifactUpdate(Request):
    """Changes in place, without a new version; what is left out stays."""

    data: JsonValue = None
    description: str | None = None
    metadata_: Metadata | None = None


class Artifact(Wire):
    """An artifact as the server has it."""

    id: UUID
    created: DateTime | None = None
    updated: DateTime | None = None
    key: str | None = None
    type: str | None = None
    description: str | None = None
    data: JsonValue = None
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class ArtifactCollection(Artifact):
    """The latest version of a key."""

    latest_id: UUID

    @classmethod
    def of(cls, latest: Artifact) -> Self:
        return cls(latest_id=latest.id, **latest.model_dump())


class KeyFilter(Filter):
    """By key; in `like_`, `%` stands for anything and `_` for any one character."""

    any_: Names | None = None
    like_: Part | None = None
    exists_: bool | None = None


class TypeFilter(Filter):
    any_: Names | None = None
    not_any_: Names | None = None


class LatestArtifactFilter(OperatorFilter):
    latest_id: AnyIdFilter | None = None
    key: KeyFilter | None = None
    flow_run_id: AnyIdFilter | None = None
    task_run_id: AnyIdFilter | None = None
    type: TypeFilter | None = None


class ArtifactFilter(OperatorFilter):
    id: AnyIdFilter | None = None
    key: KeyFilter | None = None
    flow_run_id: AnyIdFilter | None = None
    task_run_id: AnyIdFilter | None = None
    type: TypeFilter | None = None


class ArtifactSort(StrEnum):
    CREATED_DESC = "CREATED_DESC"
    UPDATED_DESC = "UPDATED_DESC"
    ID_DESC = "ID_DESC"
    KEY_DESC = "KEY_DESC"
    KEY_ASC = "KEY_ASC"


class ArtifactCriteria(RunCriteria):
    """Which artifacts: by themselves, and by the flow runs and task runs that made them."""

    artifacts: ArtifactFilter | None = None


class LatestArtifactCriteria(RunCriteria):
    """Which latest versions: by themselves, and by the runs that made them."""

    artifacts: LatestArtifactFilter | None = None


class ArtifactQuery(ArtifactCriteria, Window):
    sort: ArtifactSort = ArtifactSort.ID_DESC


class LatestArtifactQuery(LatestArtifactCriteria, Window):
    sort: ArtifactSort = ArtifactSort.ID_DESC

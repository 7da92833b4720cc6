"""Artifacts: what flows leave for people to look at."""

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from flowruns.domain.errors import ArtifactNotFound
from flowruns.models import Artifact
from flowruns.models.prepared import PreparedQuery
from flowruns.services.criteria import combine
from flowruns.services.lookups import one
from flowruns.services.queries import matching_runs, matching_task_runs
from flowruns.signals import ArtifactChange, artifact_changed
from flowruns.wire import artifacts as wire
from flowruns.wire.queries import RunCriteria

_ORDER = {
    wire.ArtifactSort.CREATED_DESC: ("-created", "-id"),
    wire.ArtifactSort.UPDATED_DESC: ("-updated", "-id"),
    wire.ArtifactSort.ID_DESC: ("-id",),
    wire.ArtifactSort.KEY_DESC: ("-key", "-id"),
    wire.ArtifactSort.KEY_ASC: ("key", "id"),
}


def create_artifact(artifact: wire.ArtifactCreate) -> Artifact:
    """Store an artifact. Its run may be unknown here, as in Prefect 3.9."""
    with transaction.atomic():
        made = Artifact.objects.create(
            key=artifact.key,
            type=artifact.type,
            description=artifact.description,
            data=_dump(artifact.data),
            metadata=artifact.metadata_,
            flow_run_id=artifact.flow_run_id,
            task_run_id=artifact.task_run_id,
        )
        _announce(made)
    return made


def read_artifact(artifact_id: UUID) -> Artifact:
    """Return the artifact; raises `ArtifactNotFound`."""
    return one(Artifact.objects.filter(pk=artifact_id), ArtifactNotFound)


def read_latest_artifact(key: str) -> Artifact:
    """Return the latest version of a key; raises `ArtifactNotFound`."""
    return one(Artifact.objects.filter(key=key).order_by("-created", "-id"), ArtifactNotFound)


def update_artifact(artifact_id: UUID, changes: wire.ArtifactUpdate) -> None:
    """Change the fields that the client sent; raises `ArtifactNotFound`."""
    sent = changes.model_fields_set
    fields: dict[str, Any] = {"updated": datetime.now(UTC)}
    if "data" in sent:
        fields["data"] = _dump(changes.data)
    if "description" in sent:
        fields["description"] = changes.description
    if "metadata_" in sent:
        fields["metadata"] = changes.metadata_
    with transaction.atomic():
        if not Artifact.objects.filter(pk=artifact_id).update(**fields):
            raise ArtifactNotFound
        _announce(read_artifact(artifact_id))


def delete_artifact(artifact_id: UUID) -> None:
    """Delete it; the version before it, if any, is the latest then. Raises `ArtifactNotFound`."""
    with transaction.atomic():
        artifact = read_artifact(artifact_id)
        artifact.delete()
        _announce(artifact)


def delete_artifacts(flow_run_id: UUID) -> None:
    """Delete what a run made."""
    Artifact.objects.filter(flow_run_id=flow_run_id).delete()


def read_artifacts(query: wire.ArtifactQuery) -> list[Artifact]:
    found = _matching(query).order_by(*_ORDER[query.sort])
    return list(found[query.offset : query.offset + query.limit])


def count_artifacts(criteria: wire.ArtifactCriteria) -> int:
    return _matching(criteria).count()


def read_latest_artifacts(query: wire.LatestArtifactQuery) -> list[Artifact]:
    """Return the artifacts that match among the latest version of each key."""
    found = _latest(_matching(query)).order_by(*_ORDER[query.sort])
    return list(found[query.offset : query.offset + query.limit])


def count_latest_artifacts(criteria: wire.LatestArtifactCriteria) -> int:
    return _latest(_matching(criteria)).count()


def list_run_artifacts(
    flow_run_id: UUID, *, limit: int, until: datetime | None = None
) -> list[Artifact]:
    """Return a run's latest version of each key and all without one, oldest first, without data.

    With `until`, those of that moment; of too many the newest `limit`.
    """
    if until is None:
        return _prepare_newest(limit).find_all(flow_run_id)[::-1]
    made = Artifact.objects.filter(flow_run_id=flow_run_id, created__lte=until)
    return list(_newest(made, _newer(made))[:limit])[::-1]


@cache
def _prepare_newest(limit: int) -> PreparedQuery[Artifact]:
    of_run = Artifact.objects.filter(flow_run_id=OuterRef("flow_run_id"))
    newest = _newest(Artifact.objects.all(), _newer(of_run))
    return PreparedQuery(newest, by="flow_run_id", most=limit)


def _newest(made: QuerySet[Artifact], newer: QuerySet[Artifact]) -> QuerySet[Artifact]:
    return made.filter(~Exists(newer)).defer("data").order_by("-created", "-id")


def present_artifact(artifact: Artifact) -> wire.Artifact:
    return wire.Artifact(
        id=artifact.pk,
        created=artifact.created,
        updated=artifact.updated,
        key=artifact.key,
        type=artifact.type,
        description=artifact.description,
        data=None if artifact.data is None else json.loads(artifact.data),
        metadata_=artifact.metadata,
        flow_run_id=artifact.flow_run_id,
        task_run_id=artifact.task_run_id,
    )


def _announce(artifact: Artifact) -> None:
    if artifact.flow_run_id is not None:
        change = ArtifactChange(flow_run_id=artifact.flow_run_id)
        artifact_changed.send(sender=Artifact, change=change)


def _dump(data: Any) -> str | None:
    return None if data is None else json.dumps(data, ensure_ascii=False)


def _matching(
    criteria: wire.ArtifactCriteria | wire.LatestArtifactCriteria,
) -> QuerySet[Artifact]:
    found = Artifact.objects.all()
    if criteria.artifacts is not None:
        found = found.filter(_artifact_criteria(criteria.artifacts))
    if criteria.flows or criteria.flow_runs or criteria.deployments:
        of_runs = criteria.model_copy(update={"task_runs": None})
        found = found.filter(flow_run_id__in=matching_runs(of_runs).values("id"))
    if criteria.task_runs:
        of_tasks = RunCriteria(task_runs=criteria.task_runs)
        found = found.filter(task_run_id__in=matching_task_runs(of_tasks).values("id"))
    return found


def _latest(found: QuerySet[Artifact]) -> QuerySet[Artifact]:
    return found.filter(~Exists(_newer(Artifact.objects.all())), key__isnull=False)


def _newer(among: QuerySet[Artifact]) -> QuerySet[Artifact]:
    """Select later versions of a key; ids alone order those of one millisecond at random."""
    later = Q(created__gt=OuterRef("created"))
    same_moment = Q(created=OuterRef("created"), id__gt=OuterRef("id"))
    return among.filter(later | same_moment, key=OuterRef("key"))


def _artifact_criteria(f: wire.ArtifactFilter | wire.LatestArtifactFilter) -> Q:
    ids = f.id if isinstance(f, wire.ArtifactFilter) else f.latest_id
    chosen = {"id": ids, "flow_run_id": f.flow_run_id, "task_run_id": f.task_run_id}
    by_id = [
        Q(**{f"{column}__in": given.any_})
        for column, given in chosen.items()
        if given is not None and given.any_ is not None
    ]
    return combine([*by_id, _key(f.key), _type(f.type)], f.operator)


def _key(f: wire.KeyFilter | None) -> Q | None:
    if f is None:
        return None
    some = None if f.any_ is None else Q(key__in=f.any_)
    like = Q(key__like=f"%{f.like_}%") if f.like_ else None
    exists = None if f.exists_ is None else Q(key__isnull=not f.exists_)
    return combine([some, like, exists])


def _type(f: wire.TypeFilter | None) -> Q | None:
    if f is None:
        return None
    some = None if f.any_ is None else Q(type__in=f.any_)
    none = ~Q(type__in=f.not_any_) & Q(type__isnull=False) if f.not_any_ else None
    return combine([some, none])

"""/artifacts"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from flowruns.api import auth
from flowruns.api.http import respond, respond_empty, respond_json, respond_list
from flowruns.services.runs import artifacts as services
from flowruns.services.runs.artifacts import present_artifact
from flowruns.wire.artifacts import (
    Artifact,
    ArtifactCollection,
    ArtifactCreate,
    ArtifactCriteria,
    ArtifactQuery,
    ArtifactUpdate,
    LatestArtifactCriteria,
    LatestArtifactQuery,
)

router = Router(tags=["Artifacts"])


@router.post("/", auth=auth.flows, response={201: Artifact})
def create_artifact(request: HttpRequest, artifact: ArtifactCreate) -> HttpResponse:
    return respond(present_artifact(services.create_artifact(artifact)), status=201)


@router.post("/filter", auth=auth.readers, response=list[Artifact])
def read_artifacts(request: HttpRequest, query: ArtifactQuery | None = None) -> HttpResponse:
    found = services.read_artifacts(query or ArtifactQuery())
    return respond_list(Artifact, [present_artifact(artifact) for artifact in found])


@router.post("/count", auth=auth.readers, response=int)
def count_artifacts(request: HttpRequest, criteria: ArtifactCriteria | None = None) -> HttpResponse:
    return respond_json(services.count_artifacts(criteria or ArtifactCriteria()))


@router.post("/latest/filter", auth=auth.readers, response=list[ArtifactCollection])
def read_latest_artifacts(
    request: HttpRequest, query: LatestArtifactQuery | None = None
) -> HttpResponse:
    found = services.read_latest_artifacts(query or LatestArtifactQuery())
    latest = [ArtifactCollection.of(present_artifact(artifact)) for artifact in found]
    return respond_list(ArtifactCollection, latest)


@router.post("/latest/count", auth=auth.readers, response=int)
def count_latest_artifacts(
    request: HttpRequest, criteria: LatestArtifactCriteria | None = None
) -> HttpResponse:
    return respond_json(services.count_latest_artifacts(criteria or LatestArtifactCriteria()))


@router.get("/{key}/latest", auth=auth.readers, response=Artifact)
def read_latest_artifact(request: HttpRequest, key: str) -> HttpResponse:
    return respond(present_artifact(services.read_latest_artifact(key)))


@router.get("/{uuid:artifact_id}", auth=auth.readers, response=Artifact)
def read_artifact(request: HttpRequest, artifact_id: UUID) -> HttpResponse:
    return respond(present_artifact(services.read_artifact(artifact_id)))


@router.patch("/{uuid:artifact_id}", auth=auth.flows, response={204: None})
def update_artifact(
    request: HttpRequest, artifact_id: UUID, changes: ArtifactUpdate
) -> HttpResponse:
    services.update_artifact(artifact_id, changes)
    return respond_empty()


@router.delete("/{uuid:artifact_id}", auth=auth.flows, response={204: None})
def delete_artifact(request: HttpRequest, artifact_id: UUID) -> HttpResponse:
    services.delete_artifact(artifact_id)
    return respond_empty()

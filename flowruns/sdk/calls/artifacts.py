"""The calls of the JSON API about artifacts."""

from typing import Any
from uuid import UUID

from flowruns.sdk.calls.asking import ask
from flowruns.sdk.steps.steps import Send, Steps
from flowruns.wire.artifacts import ArtifactCreate, ArtifactUpdate


def create_artifact(artifact: ArtifactCreate) -> Steps[UUID]:
    """Store an artifact and return its id."""
    body: Any = artifact.model_dump(mode="json", exclude_unset=True)
    reply = yield from ask(Send(method="POST", path="/artifacts/", body=body))
    return UUID(reply.json()["id"])


def update_artifact(artifact_id: UUID, changes: ArtifactUpdate) -> Steps[UUID]:
    """Change the fields that are set; raises ObjectNotFound."""
    body: Any = changes.model_dump(mode="json", exclude_unset=True)
    yield from ask(Send(method="PATCH", path=f"/artifacts/{artifact_id}", body=body))
    return artifact_id

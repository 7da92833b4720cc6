"""What the fake server of `flowruns.testing` keeps beside flow runs."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from flowruns.sdk.steps.steps import Reply, Send
from flowruns.sdk.testing.fake_runs import json_reply
from flowruns.wire.artifacts import Artifact, ArtifactCreate, ArtifactUpdate
from flowruns.wire.variables import Variable


class FakeRecords:
    """`artifacts` in the order they were made; `blocks` by "type/name"; `variables` by name."""

    kinds = frozenset({"artifacts", "block_types", "block_schemas", "block_documents", "variables"})

    def __init__(self) -> None:
        self.artifacts: dict[UUID, Artifact] = {}
        self.blocks: dict[str, Any] = {}
        self.variables: dict[str, Variable] = {}
        self._types: dict[str, str] = {}

    def handle(self, kind: str, rest: Sequence[str], request: Send) -> Reply:  # noqa: PLR0911 -- a table
        match kind, rest, request.method:
            case "artifacts", [], "POST":
                create = ArtifactCreate.model_validate(request.body)
                artifact = Artifact(id=uuid4(), **create.model_dump())
                self.artifacts[artifact.id] = artifact
                return json_reply(201, artifact)
            case "artifacts", [artifact_id], "PATCH" if UUID(artifact_id) in self.artifacts:
                return self._update_artifact(UUID(artifact_id), request.body)
            case "block_schemas", [], "POST":
                return json_reply(201, {"id": str(uuid4())})
            case "block_types", _, _:
                return self._handle_type(rest, request)
            case "block_documents", _, _:
                return self._handle_document(rest, request)
            case "variables", _, _:
                return self._handle_variable(rest, request)
        return _not_found()

    def _update_artifact(self, artifact_id: UUID, body: Any) -> Reply:
        changes = ArtifactUpdate.model_validate(body).model_dump(exclude_unset=True)
        changed = self.artifacts[artifact_id].model_copy(update=changes)
        self.artifacts[artifact_id] = changed
        return Reply(204)

    def _handle_type(self, rest: Sequence[str], request: Send) -> Reply:
        match rest:
            case []:
                self._types[request.body["slug"]] = str(uuid4())
                return json_reply(201, {"id": self._types[request.body["slug"]]})
            case ["slug", slug] if slug in self._types:
                return json_reply(200, {"id": self._types[slug]})
            case ["slug", slug, "block_documents", "name", name]:
                found = self.blocks.get(f"{slug}/{name}")
                return json_reply(200, found) if found else _not_found()
        return _not_found()

    def _handle_document(self, rest: Sequence[str], request: Send) -> Reply:
        if rest:
            (document,) = (each for each in self.blocks.values() if each["id"] == rest[0])
            document["data"] = request.body["data"]
            return Reply(204)
        slugs = {type_id: slug for slug, type_id in self._types.items()}
        name = f"{slugs[request.body['block_type_id']]}/{request.body['name']}"
        if name in self.blocks:
            return json_reply(409, {"detail": "Block already exists"})
        self.blocks[name] = {"id": str(uuid4()), "data": request.body["data"]}
        return json_reply(201, self.blocks[name])

    def _handle_variable(self, rest: Sequence[str], request: Send) -> Reply:
        name = rest[-1] if rest else request.body["name"]
        found = self.variables.get(name)
        if rest and found is None:
            return _not_found()
        match request.method:
            case "POST" if found:
                return json_reply(409, {"detail": "It is there already."})
            case "POST" | "PATCH":
                variable_id = found.id if found else uuid4()
                self.variables[name] = Variable(id=variable_id, **request.body)
                return json_reply(201, self.variables[name])
            case "DELETE":
                del self.variables[name]
                return Reply(204)
        return json_reply(200, found)


def _not_found() -> Reply:
    return json_reply(404, {"detail": "Not found"})

"""What is read of a run on another server, and kept for its page."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from approvals.models import Approval, Snapshot
from approvals.remote.gathering import Question
from approvals.services.tracking import take_in_question, void_unseen
from flowruns import wire
from flowruns.connectors import LOCAL, PauseForm, PrefectConnector, get_remote_connector
from flowruns.connectors.prefect.errors import RemoteTrouble
from flowruns.connectors.prefect.outcomes import Surroundings
from flowruns.domain.errors import ArtifactNotFound, FlowRunNotFound
from flowruns.domain.texts import readable

# How old a page's copy may be before its server is asked again
FRESH = timedelta(seconds=5)
# What is older while its server does not answer is told as such
STALE = timedelta(seconds=30)
# How long a page waits for a server before it shows the copy
_PATIENCE = 2.0
_READERS = 4  # of each server at a time
_MAX_LINES = 500
_MAX_ARTIFACTS = 21
# Characters of all artifacts of a run together
_MAX_DATA = 2_000_000

_readers: dict[str, ThreadPoolExecutor] = {}
_reading: dict[object, "Future[dict[str, Any]]"] = {}


def begin_snapshot(asked: Question) -> Snapshot:
    """Make the copy with which an approval opens: the rest is read when somebody opens its page."""
    run = asked.run
    return Snapshot(
        **_form_fields(asked.form),
        **_run_fields(run, asked.surroundings),
        states=[run.state.model_dump(mode="json")] if run.state else [],
        read_at=datetime.now(UTC),
    )


@dataclass(frozen=True, slots=True)
class Away:
    """A server does not answer: what its pages show is as of `since`."""

    since: datetime
    why: str


def refresh_snapshot(approval: Approval) -> Away | None:
    """Read an approval's run again unless the copy is fresh; says if its server does not answer."""
    if not approval.server or _is_fresh(approval):
        return None
    since = approval.snapshot.read_at
    try:
        connector = get_remote_connector(approval.connector)
        if error := connector.server.error:  # whoever follows the server asks it often enough
            return Away(since, error)
        keep_fields(approval, _ask(approval, lambda: read_fields(connector, approval)))
    except LookupError:
        return Away(since, "It is no longer among the servers of this desk.")
    except NotYet:
        is_stale = datetime.now(UTC) - since > STALE
        return Away(since, "The server does not answer.") if is_stale else None
    except RemoteTrouble as trouble:
        return Away(since, trouble.words)
    return None


def _is_fresh(approval: Approval) -> bool:
    """Whether the copy is new enough for a page; one from before the end of the pause is not."""
    read_at, closed_at = approval.snapshot.read_at, approval.closed_at
    return datetime.now(UTC) - read_at < FRESH and (closed_at is None or read_at > closed_at)


def refresh_run(flow_run_id: UUID) -> Away | None:
    """Read a run of another server again, for a page that is the run's own."""
    approvals = Approval.objects.filter(flow_run_id=flow_run_id)
    if not approvals or approvals.filter(connector=LOCAL).exists():
        return None
    return refresh_snapshot(approvals.select_related("snapshot").latest("opened_at"))


def read_fields(connector: PrefectConnector, approval: Approval) -> dict[str, Any]:
    """Ask a server for all that a page shows; raises `RemoteTrouble`. Writes nothing."""
    try:
        return _read_all(connector, approval)
    except FlowRunNotFound:  # deleted before, or meanwhile
        return {"is_deleted": True}


def read_form_fields(connector: PrefectConnector, approval: Approval) -> dict[str, Any]:
    """Ask a server for what an approval asks alone; raises `RemoteTrouble`. Writes nothing."""
    try:
        form = connector.read_pause_form(approval.flow_run_id, approval.pause_state_id)
    except FlowRunNotFound:
        return {"is_deleted": True}
    return _form_fields(form)


def _read_all(connector: PrefectConnector, approval: Approval) -> dict[str, Any]:
    run_id, pause_id = approval.flow_run_id, approval.pause_state_id
    run = connector.read_flow_run(run_id)
    logs, log_count = connector.read_logs(run_id, limit=_MAX_LINES)
    states = connector.read_flow_run_states(run_id)
    form = connector.read_pause_form(run_id, pause_id) if approval.is_waiting else None
    return {
        **(_form_fields(form) if form else {}),
        **_run_fields(run, connector.read_surroundings([run])[run_id]),
        "is_deleted": False,
        "states": [past.state.model_dump(mode="json") for past in states],
        "logs": [line.model_dump(mode="json") for line in logs],
        "log_count": log_count,
        "artifacts": _read_artifacts(connector, approval),
    }


def keep_fields(approval: Approval, fields: dict[str, Any]) -> None:
    """Keep what was read, and void the votes of those who have not seen what has changed of it."""
    with transaction.atomic():
        kept = Snapshot.objects.select_for_update().get(pk=approval.pk)
        before = (kept.schema, kept.description, kept.policy), kept.artifacts
        for name, value in fields.items():
            setattr(kept, name, _storable(value))
        kept.read_at = datetime.now(UTC)
        kept.save()
        approval.snapshot = kept
        if not approval.is_waiting:
            return
        form, artifacts = (kept.schema, kept.description, kept.policy), kept.artifacts
        if form != before[0]:
            take_in_question(approval)
        elif artifacts != before[1]:
            void_unseen(approval)


def _ask(approval: Approval, read: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Wait a moment for a server; one that is slow keeps its own few threads, not this one."""
    pool = _readers.setdefault(
        approval.connector,
        ThreadPoolExecutor(_READERS, thread_name_prefix=f"reading {approval.connector}"),
    )
    asked = _reading.get(approval.pk)
    if asked is None:
        asked = _reading[approval.pk] = pool.submit(read)
        asked.add_done_callback(lambda _: _reading.pop(approval.pk, None))
    return asked.result(timeout=_PATIENCE)


def _form_fields(form: PauseForm) -> dict[str, Any]:
    fields = {"schema": form.schema, "description": form.description, "policy": form.policy}
    return {name: _storable(text) for name, text in fields.items()}


def _run_fields(run: wire.FlowRun, surroundings: Surroundings) -> dict[str, Any]:
    return {
        "run": _storable(run.model_dump(mode="json")),
        "deployment_name": _storable(surroundings.deployment_name),
        "is_served": surroundings.is_served,
    }


def _read_artifacts(connector: PrefectConnector, approval: Approval) -> list[dict[str, Any]]:
    """Read the newest artifacts with their data, as long as that is no more than a page holds."""
    known = {each["id"]: each for each in approval.snapshot.artifacts}
    heads = connector.list_artifacts(
        approval.flow_run_id, limit=_MAX_ARTIFACTS, until=approval.closed_at
    )
    kept: list[dict[str, Any]] = []
    room = _MAX_DATA
    for head in reversed(heads):
        artifact = known.get(str(head.id))
        if artifact is None or artifact["updated"] != head.updated.isoformat():
            try:
                artifact = connector.read_artifact(head.id).model_dump(mode="json")
            except ArtifactNotFound:  # deleted since the list was read
                continue
            artifact["updated"] = head.updated.isoformat()
        size = len(str(artifact.get("data")))
        if size > room:
            artifact["data"] = "This is too large to be kept here: look at it on its own server."
        room -= min(size, room)
        kept.insert(0, artifact)
    return kept


def _storable(value: Any) -> Any:
    """Show as U+FFFD what a database cannot store in a text: a NUL, and half a character."""
    match value:
        case str():
            return readable(value).replace("\x00", "\ufffd")
        case list():
            return [_storable(item) for item in value]
        case dict():
            return {_storable(name): _storable(item) for name, item in value.items()}
        case _:
            return value

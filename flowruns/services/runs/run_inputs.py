"""Inputs of a flow run: schema, description and answer of a pause, or messages to it."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, Q, QuerySet, UUIDField
from django.db.models.functions import Substr

from flowruns import wire
from flowruns.domain.actors import Actor, server
from flowruns.domain.errors import (
    AnswerIsResumed,
    FlowRunNotFound,
    QuestionIsAnothers,
    RunInputExists,
    RunInputNotFound,
)
from flowruns.domain.states import StateType
from flowruns.models import FlowRun, FlowRunState, RunInput
from flowruns.models.actors import dump_actor
from flowruns.models.prepared import PreparedInsert, PreparedQuery
from flowruns.models.runs import ResponseKey
from flowruns.signals import InputCreated, InputDeleted, run_input_created, run_input_deleted
from flowruns.wire.headers import read_wanted_inputs

_IDS = UUIDField()
_runs_in_state = PreparedQuery(FlowRun.objects.only("state_type", "version"), by="pk")
_new_inputs = PreparedInsert(RunInput)
_latest_inputs = PreparedInsert(
    RunInput,
    unique=("flow_run", "key"),
    # The columns of an actor are the same, whoever it is
    update=("updated", "value", "is_confidential", *dump_actor(server("anybody"))),
)
# Asked all day, and written once
_VALUES = "SELECT key, value FROM flowruns_runinput WHERE flow_run_id = %s"
_ANSWERED = {
    vendor: (
        "SELECT 1 FROM flowruns_flowrunstate"  # noqa: S608 -- of the lines below
        f" WHERE flow_run_id = %s AND type = '{StateType.PAUSED}'"
        f" AND {template % {'expressions': 'details'}} = %s LIMIT 1"
    )
    for vendor, template in ResponseKey.templates.items()
}
_VALUE = "SELECT value, is_confidential FROM flowruns_runinput WHERE flow_run_id = %s AND key = %s"


def create_run_input(flow_run_id: UUID, run_input: wire.RunInputCreate, *, actor: Actor) -> None:
    """Store an input; raises `FlowRunNotFound`, and `RunInputExists` for a key that is taken.

    The answer to a pause is written by `resume_flow_run` alone; here it raises `AnswerIsResumed`.
    What a pause asks is written by who paused the run; `QuestionIsAnothers` for others.
    """
    with transaction.atomic():
        run = _find_run(flow_run_id)
        if _is_answer(flow_run_id, run_input.key):
            raise AnswerIsResumed
        if _is_anothers_question(run, run_input.key, actor):
            raise QuestionIsAnothers
        try:
            _new_inputs.insert(
                RunInput(
                    flow_run=run,
                    key=run_input.key,
                    value=run_input.value,
                    sender=run_input.sender,
                    **dump_actor(actor),
                )
            )
        except IntegrityError:
            raise RunInputExists from None
        created = InputCreated(flow_run_id=run.pk, key=run_input.key, value=run_input.value)
        run_input_created.send(sender=FlowRun, created=created)


def read_wanted(flow_run_id: UUID, prefer: str, *, reader: Actor) -> dict[str, str] | None:
    """Return those inputs that a `Prefer` header asks for, that there are and the reader may see.

    By key; None where it asks for none. Read after the run: with the state of a run that goes on
    comes the answer, which was stored in the same transaction.
    """
    keys = read_wanted_inputs(prefer)
    if keys is None:
        return None
    found = _inputs_seen_by(reader, flow_run_id).filter(key__in=keys)
    return dict(found.values_list("key", "value"))


def write_run_input(
    flow_run_id: UUID, *, key: str, value: str, actor: Actor, is_confidential: bool = False
) -> None:
    """Store what the server says to a run, in the place of what somebody else stored there.

    What is confidential is read by the API keys alone that have made the run or moved it.
    """
    said = RunInput(
        flow_run_id=flow_run_id,
        key=key,
        value=value,
        is_confidential=is_confidential,
        **dump_actor(actor),
    )
    _latest_inputs.insert_all([said])


def read_run_input(flow_run_id: UUID, key: str, *, reader: Actor) -> str:
    """Return the value of an input; raises `RunInputNotFound` where the reader may not see it."""
    found = find_run_input(flow_run_id, key)
    if found is None or (found[1] and not _runs(reader, flow_run_id)):
        raise RunInputNotFound
    return found[0]


def find_run_input(flow_run_id: UUID, key: str) -> tuple[str, bool] | None:
    """Return the value of an input, for the server itself, and whether it is confidential."""
    with connection.cursor() as cursor:
        cursor.execute(_VALUE, [_IDS.get_db_prep_value(flow_run_id, connection), key])
        found: tuple[str, bool] | None = cursor.fetchone()
    return found


def find_run_inputs(flow_run_id: UUID, keys: Iterable[str]) -> dict[str, str]:
    """Return by key the values of those inputs that there are, for the server itself."""
    wanted = list(filter(None, keys))
    if not wanted:
        return {}
    marks = ", ".join(["%s"] * len(wanted))
    own = _IDS.get_db_prep_value(flow_run_id, connection)
    with connection.cursor() as cursor:
        cursor.execute(f"{_VALUES} AND key IN ({marks})", [own, *wanted])
        return dict(cursor.fetchall())


def read_run_inputs(
    flow_run_id: UUID,
    *,
    prefix: str,
    limit: int,
    reader: Actor,
    exclude_keys: Sequence[str] = (),
) -> list[RunInput]:
    """Return inputs whose key starts with `prefix` and that the reader may see, oldest first."""
    # Not LIKE, for which SQLite takes "a" and "A" for the same
    start = Substr("key", 1, len(prefix))
    inputs = _inputs_seen_by(reader, flow_run_id).alias(start=start).filter(start=prefix)
    return list(inputs.exclude(key__in=exclude_keys).order_by("created", "id")[:limit])


def delete_run_input(flow_run_id: UUID, key: str, *, actor: Actor) -> None:
    """Delete an input; raises `RunInputNotFound`.

    `AnswerIsResumed` where it is an answer, and `QuestionIsAnothers` where a paused run asks it.
    """
    with transaction.atomic():
        found = RunInput.objects.filter(flow_run_id=flow_run_id, key=key).first()
        if found is None or (found.is_confidential and not _runs(actor, flow_run_id)):
            raise RunInputNotFound
        if not RunInput.objects.filter(pk=found.pk).delete()[0]:
            raise RunInputNotFound
        if not actor.may_resume and _is_answer(flow_run_id, key):
            raise AnswerIsResumed
        if _is_anothers_question(_find_run(flow_run_id), key, actor):
            raise QuestionIsAnothers
        deleted = InputDeleted(flow_run_id=flow_run_id, key=key, value=found.value)
        run_input_deleted.send(sender=FlowRun, deleted=deleted)


def _inputs_seen_by(reader: Actor, flow_run_id: UUID) -> QuerySet[RunInput]:
    may_see = Q(is_confidential=False) | Exists(_states_by(reader, flow_run_id))
    return RunInput.objects.filter(may_see, flow_run_id=flow_run_id)


def _runs(reader: Actor, flow_run_id: UUID) -> bool:
    """Whether an API key has made a run, or has put it into one of its states."""
    return _states_by(reader, flow_run_id).exists()


def _states_by(reader: Actor, flow_run_id: UUID) -> QuerySet[FlowRunState]:
    if reader.key_id is None:
        return FlowRunState.objects.none()
    return FlowRunState.objects.filter(flow_run_id=flow_run_id, actor_key_id=reader.key_id)


def _find_run(flow_run_id: UUID) -> FlowRun:
    """Return the run with its state alone; raises `FlowRunNotFound`."""
    run = _runs_in_state.find(flow_run_id)
    if run is None:
        raise FlowRunNotFound
    return run


def _is_answer(flow_run_id: UUID, key: str) -> bool:
    """Whether a pause that the run is in, or was in, has its answer there."""
    own = _IDS.get_db_prep_value(flow_run_id, connection)
    with connection.cursor() as cursor:
        cursor.execute(_ANSWERED[connection.vendor], [own, key])
        return cursor.fetchone() is not None


def _is_anothers_question(run: FlowRun, key: str, actor: Actor) -> bool:
    """Whether the run waits for the answer to this, and another key has paused it."""
    if actor.may_resume or run.state_type != StateType.PAUSED:
        return False
    keyset = "details__run_input_keyset__"
    is_part = Q(**{f"{keyset}schema": key}) | Q(**{f"{keyset}description": key})
    pauses = FlowRunState.objects.filter(is_part, flow_run=run, version=run.version)
    return pauses.exclude(actor_key_id=actor.key_id).exists()

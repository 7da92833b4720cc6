"""Inputs of a flow run: schema, description and answer of a pause, or messages to it."""

from collections.abc import Sequence
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Q, UUIDField
from django.db.models.functions import Substr

from flowruns import wire
from flowruns.domain.actors import Actor
from flowruns.domain.errors import (
    AnswerIsResumed,
    QuestionIsAnothers,
    RunInputExists,
    RunInputNotFound,
)
from flowruns.domain.states import StateType
from flowruns.models import FlowRun, FlowRunState, RunInput
from flowruns.models.actors import dump_actor
from flowruns.services.runs.states import get_flow_run
from flowruns.signals import InputCreated, InputDeleted, run_input_created, run_input_deleted
from flowruns.wire.headers import read_wanted_inputs

_IDS = UUIDField()
# Asked all day, and written once
_VALUE = "SELECT value FROM flowruns_runinput WHERE flow_run_id = %s AND key = %s"


def create_run_input(flow_run_id: UUID, run_input: wire.RunInputCreate, *, actor: Actor) -> None:
    """Store an input; raises `FlowRunNotFound`, and `RunInputExists` for a key that is taken.

    The answer to a pause is written by `resume_flow_run` alone; here it raises `AnswerIsResumed`.
    What a pause asks is written by who paused the run; `QuestionIsAnothers` for others.
    """
    with transaction.atomic():
        run = get_flow_run(flow_run_id)
        if _is_answer(flow_run_id, run_input.key):
            raise AnswerIsResumed
        if _is_anothers_question(run, run_input.key, actor):
            raise QuestionIsAnothers
        try:
            RunInput.objects.create(
                flow_run=run,
                key=run_input.key,
                value=run_input.value,
                sender=run_input.sender,
                **dump_actor(actor),
            )
        except IntegrityError:
            raise RunInputExists from None
        created = InputCreated(flow_run_id=run.pk, key=run_input.key, value=run_input.value)
        run_input_created.send(sender=FlowRun, created=created)


def read_wanted(flow_run_id: UUID, prefer: str) -> dict[str, str] | None:
    """Return those inputs of a run that a `Prefer` header asks for and that there are, by key.

    None where it asks for none. Read after the run: with the state of a run that goes on comes
    the answer, which was stored in the same transaction.
    """
    keys = read_wanted_inputs(prefer)
    if keys is None:
        return None
    found = RunInput.objects.filter(flow_run_id=flow_run_id, key__in=keys)
    return dict(found.values_list("key", "value"))


def write_run_input(flow_run_id: UUID, *, key: str, value: str, actor: Actor) -> None:
    """Store what the server says to a run, in the place of what somebody else stored there."""
    acted = dump_actor(actor)
    RunInput.objects.bulk_create(
        [RunInput(flow_run_id=flow_run_id, key=key, value=value, **acted)],
        update_conflicts=True,
        unique_fields=["flow_run", "key"],
        update_fields=["value", "updated", *acted],
    )


def read_run_input(flow_run_id: UUID, key: str) -> str:
    """Return the value of an input; raises `RunInputNotFound`."""
    with connection.cursor() as cursor:
        cursor.execute(_VALUE, [_IDS.get_db_prep_value(flow_run_id, connection), key])
        found: tuple[str] | None = cursor.fetchone()
    if found is None:
        raise RunInputNotFound
    return found[0]


def read_run_inputs(
    flow_run_id: UUID, *, prefix: str, limit: int, exclude_keys: Sequence[str] = ()
) -> list[RunInput]:
    """Return inputs whose key starts with `prefix`, oldest first."""
    # Not LIKE, for which SQLite takes "a" and "A" for the same
    start = Substr("key", 1, len(prefix))
    inputs = RunInput.objects.filter(flow_run_id=flow_run_id).alias(start=start)
    inputs = inputs.filter(start=prefix)
    return list(inputs.exclude(key__in=exclude_keys).order_by("created", "id")[:limit])


def delete_run_input(flow_run_id: UUID, key: str, *, actor: Actor) -> None:
    """Delete an input; raises `RunInputNotFound`.

    `AnswerIsResumed` where it is an answer, and `QuestionIsAnothers` where a paused run asks it.
    """
    with transaction.atomic():
        found = RunInput.objects.filter(flow_run_id=flow_run_id, key=key).first()
        if found is None or not RunInput.objects.filter(pk=found.pk).delete()[0]:
            raise RunInputNotFound
        if not actor.may_resume and _is_answer(flow_run_id, key):
            raise AnswerIsResumed
        if _is_anothers_question(get_flow_run(flow_run_id), key, actor):
            raise QuestionIsAnothers
        deleted = InputDeleted(flow_run_id=flow_run_id, key=key, value=found.value)
        run_input_deleted.send(sender=FlowRun, deleted=deleted)


def _is_answer(flow_run_id: UUID, key: str) -> bool:
    """Whether a pause that the run is in, or was in, has its answer there."""
    pauses = FlowRunState.objects.filter(flow_run_id=flow_run_id, type=StateType.PAUSED)
    return pauses.filter(details__run_input_keyset__response=key).exists()


def _is_anothers_question(run: FlowRun, key: str, actor: Actor) -> bool:
    """Whether the run waits for the answer to this, and another key has paused it."""
    if actor.may_resume or run.state_type != StateType.PAUSED:
        return False
    keyset = "details__run_input_keyset__"
    is_part = Q(**{f"{keyset}schema": key}) | Q(**{f"{keyset}description": key})
    pauses = FlowRunState.objects.filter(is_part, flow_run=run, version=run.version)
    return pauses.exclude(actor_key_id=actor.key_id).exists()

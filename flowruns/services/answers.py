"""The answer that a pause has stored, if it needs one and its schema accepts it."""

from dataclasses import dataclass

from flowruns.domain.errors import SchemaTooSlow
from flowruns.domain.states import State
from flowruns.evaluation.answers import is_accepted
from flowruns.evaluation.processes import evaluate
from flowruns.models import FlowRun, RunInput


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is stored for a pause that asks for input: the texts of its schema and its answer."""

    schema: str | None
    answer: str | None


def read_evidence(run: FlowRun, state: State | None) -> Evidence | None:
    """Return what is stored for a pause; None for a state that needs no answer."""
    if state is None or not state.asks_for_input:
        return None
    keyset = state.details.run_input_keyset or {}
    keys = [keyset.get(part, "") for part in ("schema", "response")]
    stored = dict(RunInput.objects.filter(flow_run=run, key__in=keys).values_list("key", "value"))
    return Evidence(*(stored.get(key) for key in keys))


def judge_evidence(evidence: Evidence | None) -> bool | None:
    """Return whether a pause needs no answer or has an accepted one; None if that is too slow.

    Not to be called in a transaction: others would wait for as long as it takes.
    """
    if evidence is None:
        return True
    if evidence.schema is None or evidence.answer is None:
        return False
    try:
        return evaluate(is_accepted, evidence.schema, evidence.answer)
    except SchemaTooSlow:
        return None

"""An answer held against what a pause on a Prefect server asks, before anything is sent."""

import json
from typing import Any
from uuid import UUID

from flowruns.connectors.prefect import reading
from flowruns.connectors.prefect.client import Client
from flowruns.connectors.protocol import CheckedAnswer, Reply
from flowruns.domain.errors import InvalidSchema, SchemaTooSlow
from flowruns.evaluation.answers import AnswerRefused, Checked, check_literal
from flowruns.evaluation.problems import describe_problem
from flowruns.evaluation.processes import evaluate

_NOT_PAUSED = "Cannot resume a flow run that is not paused."


def check_answer(
    client: Client, flow_run_id: UUID, *, run_input: Any, pause_state_id: UUID
) -> CheckedAnswer:
    """Return the answer as the flow would get it, and all that is wrong with it."""
    run = reading.read_flow_run(client, flow_run_id)
    if run.state is None or not reading.is_paused_in(run, pause_state_id):
        reply = Reply(accepted=False, still_waits=False, reason=_NOT_PAUSED)
        return CheckedAnswer(text="", reply=reply)
    if run.state.state_details.run_input_keyset is None:
        return CheckedAnswer(text="", reply=Reply(accepted=True, still_waits=True))
    schema = reading.read_form(client, flow_run_id, run.state).schema
    return check_against(schema, run_input=run_input)


def check_against(schema: str | None, *, run_input: Any) -> CheckedAnswer:
    """Return an answer as the flow would get it, and all that is wrong with it by a stored schema.

    Asks no server.
    """
    try:
        checked = evaluate(check_literal, schema, run_input)
    except (AnswerRefused, InvalidSchema, SchemaTooSlow) as refusal:
        return CheckedAnswer(text="", reply=_refuse(str(refusal)))
    return _tell(checked)


def _tell(checked: Checked) -> CheckedAnswer:
    if checked.problems:
        reply = Reply(
            accepted=False,
            still_waits=True,
            reason=f"Reason: {describe_problem(checked.problems[0])}",
            problems=[(problem.path, problem.message) for problem in checked.problems],
        )
        return CheckedAnswer(text="", reply=reply)
    text = json.dumps(checked.value, ensure_ascii=False)
    return CheckedAnswer(text=text, reply=Reply(accepted=True, still_waits=True))


def _refuse(reason: str) -> Reply:
    return Reply(accepted=False, still_waits=True, reason=reason)

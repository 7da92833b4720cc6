"""Who may answer a pause, as its author writes it; a wrong line fails in the author's process."""

from typing import Any

from flowruns.sdk.inputs.run_input import BaseRunInput
from flowruns.sdk.inputs.schemas import schema_of


def policy_for(model: type[BaseRunInput] | None, given: str | None) -> str:
    """Return the line that a pause stores beside its questions, "" where its author wrote none.

    What is `given` to the call goes before what the class says. Raises ValueError for a line that
    is not a policy, in whatever place it stands.
    """
    if model is not None:
        check_annotation(model)
    line = given if given is not None else model.approval_policy if model else None
    if line is None:
        return ""
    from flowruns.domain.policies import parse_policy

    return str(parse_policy(line))


def check_annotation(model: type[BaseRunInput]) -> str:
    """Return the line that a schema carries as Prefect's own classes do, "" where it has none."""
    if not model.model_config.get("json_schema_extra"):
        return ""
    from flowruns.domain.policies import ANNOTATION, PolicyUnreadable, parse_policy

    annotation: Any = schema_of(model).get(ANNOTATION)
    if annotation is None:
        return ""
    line = annotation.get("policy") if isinstance(annotation, dict) else None
    if not isinstance(line, str):
        raise PolicyUnreadable(f'{ANNOTATION} is written as {{"policy": "1 of @finance"}}.')
    return str(parse_policy(line))

"""Parameters of deployments held against the schema that they are to be run by."""

from typing import Any

from flowruns.domain.errors import InvalidParameters, InvalidSchema, ParametersRefused
from flowruns.evaluation.answers import check_part
from flowruns.evaluation.problems import SchemaUnusable, describe_problem
from flowruns.evaluation.processes import evaluate
from flowruns.models import Deployment
from flowruns.wire import deployments as wire

_NO_SCHEMA = (
    "Cannot update parameters because parameter schema enforcement is enabled and the deployment"
    " does not have a valid parameter schema."
)


def check_new_parameters(deployment: wire.DeploymentCreate) -> None:
    """Raise `InvalidParameters` for those that a client sends against the schema beside them.

    As Prefect 3.9 only where the client asks for it, without placeholders, and whatever is
    required may come with each run.
    """
    schema = deployment.parameter_openapi_schema
    is_asked = "enforce_parameter_schema" in deployment.model_fields_set
    if not is_asked or not deployment.enforce_parameter_schema or schema is None:
        return
    try:
        problem = _find_problem(schema, deployment.parameters)
    except InvalidSchema as error:
        reason = str(error).removeprefix("Invalid schema: ")
        problem = f"The provided schema is not a valid json schema. Schema error: {reason}"
    if problem:
        raise InvalidParameters(problem)


def check_changed_parameters(deployment: Deployment, changes: dict[str, Any]) -> None:
    """Raise `ParametersRefused` where parameters and schema do not fit after the changes.

    As Prefect 3.9 also where neither is changed.
    """
    enforced = changes.get("enforce_parameter_schema")
    if not (deployment.enforce_parameter_schema if enforced is None else enforced):
        return
    schema = changes.get("parameter_openapi_schema") or deployment.parameter_openapi_schema
    parameters = changes.get("parameters")
    if parameters is None:
        parameters = deployment.parameters
    problem = _NO_SCHEMA if schema is None else _find_problem(schema, parameters)
    if problem:
        raise ParametersRefused(f"Error updating deployment: {problem}")


def _find_problem(schema: dict[str, Any], parameters: dict[str, Any]) -> str:
    """Say what is wrong first; nothing is if the text is empty.

    Raises `InvalidSchema` and `SchemaTooSlow`.
    """
    try:
        problems = evaluate(check_part, schema, parameters)
    except SchemaUnusable as error:
        return str(error)
    return describe_problem(problems[0]) if problems else ""

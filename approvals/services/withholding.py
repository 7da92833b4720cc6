"""What is kept of an answer while others have yet to agree: all but its secrets.

Whoever completes the votes types the secrets, and only the flow gets them.
"""

import json

from approvals.models import Approval
from approvals.schemaforms import JSONValue, has_secrets, withhold_secrets
from approvals.services.sources import find_source
from flowruns.domain.texts import read_json


def asks_for_secrets(approval: Approval) -> bool:
    return has_secrets(_read_schema(approval))


def withhold(approval: Approval, answer: str) -> str:
    """Return it without its secrets; raises `SchemaUnsupported` where nobody can tell them."""
    schema = _read_schema(approval)
    if not answer or not has_secrets(schema):
        return answer
    return json.dumps(withhold_secrets(schema, json.loads(answer)), ensure_ascii=False)


def _read_schema(approval: Approval) -> JSONValue:
    connector = find_source(approval)
    stored = connector.read_pause_form(approval.flow_run_id, approval.pause_state_id).schema
    try:
        schema: JSONValue = read_json(stored or "{}")
    except (ValueError, RecursionError):
        return {}
    return schema

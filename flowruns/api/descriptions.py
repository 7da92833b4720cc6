"""What the API's document says of each operation: a sentence, and the body of an example.

It is read when somebody asks for the document, so that starting a server costs nothing more. The
docstring of an operation goes before the sentence here. Examples are checked by the tests.
"""

import json
import shlex
from typing import Any

_ID = "7d5f0ad8-5d4a-4c1b-9a53-0c5c5b0a4e11"
_OTHER = "0e9ad1a4-3c0e-4a27-9df7-6b1d6a9f0c22"
_FLOW = {"name": {"any_": ["refund"]}}
_WAITING = {"state": {"type": {"any_": ["PAUSED"]}}}
_PAGE = {"limit": 20, "page": 1}
_RUNNING = {"state": {"type": "RUNNING"}}
_SCHEDULE = {"schedule": {"cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"}, "active": True}
_MOMENT = "2031-01-01T09:00:00Z"
_LIMITS = {"names": ["database"], "slots": 1}
_TAGS = {"names": ["database"], "task_run_id": _ID}
_BLOCK = {"data": {"token": "…"}}

SENTENCES: dict[str, str] = {
    # Flows
    "create_flow": "Create a flow, or return the one that has this name.",
    "read_flows": "List the flows that match the filters.",
    "count_flows": "Count the flows that match the filters.",
    "paginate_flows": "List one page of the flows that match the filters, with their number.",
    "read_flow_by_name": "Read a flow by its name.",
    "read_flow": "Read a flow.",
    "update_flow": "Change the tags or labels of a flow.",
    # Flow runs
    "create_flow_run": "Create a run of a flow; an idempotency key returns the run that has it.",
    "read_flow_runs": "List the runs that match the filters.",
    "count_flow_runs": "Count the runs that match the filters.",
    "paginate_flow_runs": "List one page of the runs that match the filters, with their number.",
    "update_flow_run": "Change the name, tags or parameters of a run.",
    "update_flow_run_labels": "Add labels to a run, or replace those of the same names.",
    "delete_flow_run": "Delete a run with its states, inputs and logs.",
    "resume_flow_run": "Answer a pause: exactly one of several callers gets ACCEPT.",
    "create_flow_run_input": "Store an input of a run under a key.",
    "filter_flow_run_input": "List the inputs of a run whose keys begin with a prefix.",
    "read_flow_run_input": "Read one input of a run.",
    "delete_flow_run_input": "Delete one input of a run.",
    "read_flow_run_states": "List the states of a run, the oldest first.",
    "read_flow_run_state": "Read one state of a run.",
    # Deployments and schedules
    "create_deployment": "Create a deployment, or change the one of this flow and name.",
    "read_deployments": "List the deployments that match the filters.",
    "count_deployments": "Count the deployments that match the filters.",
    "paginate_deployments": "List one page of the deployments that match the filters.",
    "read_deployment_by_name": "Read a deployment by the names of its flow and its own.",
    "read_deployment": "Read a deployment.",
    "update_deployment": "Change the fields of a deployment that are sent.",
    "delete_deployment": "Delete a deployment and its scheduled runs.",
    "create_flow_run_from_deployment": "Start a run of a deployment.",
    "read_schedules": "List the schedules of a deployment.",
    "create_schedules": "Add schedules to a deployment.",
    "update_schedule": "Change the fields of a schedule that are sent.",
    "delete_schedule": "Delete a schedule and the runs that it has made.",
    "pause_deployment": "Switch the schedules of a deployment off.",
    "resume_deployment": "Switch the schedules of a deployment on.",
    # Limits
    "create_concurrency_limit": "Create a named limit with slots.",
    "read_concurrency_limits": "List the named limits.",
    "release_slots": "Give slots back that were taken without a lease.",
    "release_lease": "Give the slots of a lease back.",
    "read_concurrency_limit": "Read a limit by its id or its name.",
    "update_concurrency_limit": "Change the fields of a limit that are sent.",
    "delete_concurrency_limit": "Delete a limit.",
    "set_tag_limit": "Limit how many tasks with a tag run at once.",
    "read_tag_limits": "List the limits of tags.",
    "give_back_tag_slots": "Give the slots of a task run back.",
    "read_tag_limit": "Read the limit of a tag by its id.",
    "delete_tag_limit": "Delete the limit of a tag by its id.",
    "read_limit_of_tag": "Read the limit of a tag.",
    "delete_limit_of_tag": "Delete the limit of a tag.",
    # Logs, task runs, events
    "read_logs": "List the log lines that match the filters.",
    "create_task_run": "Create a task run, or return the one with the same key in its run.",
    "read_task_runs": "List the task runs that match the filters.",
    "count_task_runs": "Count the task runs that match the filters.",
    "paginate_task_runs": "List one page of the task runs that match the filters.",
    "read_task_run": "Read a task run.",
    "update_task_run": "Change the name of a task run.",
    "delete_task_run": "Delete a task run with its states.",
    "set_task_run_state": "Report a state of a task run.",
    "read_task_run_states": "List the states of a task run, the oldest first.",
    "read_task_run_state": "Read one state of a task run.",
    "read_events": "List one page of the events that match the filter.",
    "read_automations": "List automations: this server has none.",
    "count_automations": "Count automations: this server has none.",
    "read_automations_related_to_resource": "List a resource's automations: there are none.",
    # Artifacts and variables
    "create_artifact": "Create an artifact: a new version of those with the same key.",
    "read_artifacts": "List the artifacts that match the filters.",
    "count_artifacts": "Count the artifacts that match the filters.",
    "read_latest_artifacts": "List the latest version of each key that matches the filters.",
    "count_latest_artifacts": "Count the keys whose latest version matches the filters.",
    "read_latest_artifact": "Read the latest version of a key.",
    "read_artifact": "Read an artifact.",
    "update_artifact": "Change the data or the description of an artifact.",
    "delete_artifact": "Delete an artifact.",
    "create_variable": "Create a variable.",
    "read_variables": "List the variables that match the filters.",
    "count_variables": "Count the variables that match the filters.",
    "read_variable": "Read a variable.",
    "update_variable": "Change the fields of a variable that are sent.",
    "delete_variable": "Delete a variable.",
    "read_variable_by_name": "Read a variable by its name.",
    "update_variable_by_name": "Change the fields of a variable that are sent.",
    "delete_variable_by_name": "Delete a variable by its name.",
    # Blocks
    "create_block_type": "Create a type of blocks.",
    "read_block_types": "List the types of blocks that match the filters.",
    "read_block_type_by_slug": "Read a type of blocks by its slug.",
    "read_block_documents_for_block_type": "List the blocks of a type.",
    "read_block_document_by_name_for_block_type": "Read a block by its type and its name.",
    "read_block_type": "Read a type of blocks.",
    "update_block_type": "Change the fields of a type that are sent.",
    "read_block_schemas": "List the schemas of blocks that match the filters.",
    "read_block_schema_by_checksum": "Read a schema of blocks by its checksum.",
    "read_block_schema": "Read a schema of blocks.",
    "read_block_capabilities": "List what blocks can do.",
    "create_block_document": "Create a block; its contents are encrypted.",
    "read_block_documents": "List the blocks that match the filters.",
    "count_block_documents": "Count the blocks that match the filters.",
    "read_block_document": "Read a block.",
    "update_block_document": "Change the fields of a block that are sent.",
    "delete_block_document": "Delete a block.",
    "clear_default_result_storage": "Name no block as the default storage of results any more.",
    # The desk
    "read_absences": "List the absences that are not over: the owner's, or for staff everybody's.",
    "set_absence": "Let somebody answer for a person who is away; sent again, it is kept once.",
    "end_absence": "End an absence now.",
}

BODIES: dict[str, Any] = {
    "create_flow": {"name": "refund", "tags": ["finance"]},
    "read_flows": {"flows": _FLOW, "limit": 20},
    "count_flows": {"flows": _FLOW},
    "paginate_flows": {"flows": _FLOW, **_PAGE},
    "update_flow": {"tags": ["finance"]},
    "create_flow_run": {"flow_id": _ID, "parameters": {"order": 1042}},
    "read_flow_runs": {"flow_runs": _WAITING, "sort": "START_TIME_DESC", "limit": 20},
    "count_flow_runs": {"flow_runs": _WAITING},
    "paginate_flow_runs": {"flow_runs": _WAITING, **_PAGE},
    "update_flow_run": {"name": "order-1042", "tags": ["finance"]},
    "update_flow_run_labels": {"region": "eu"},
    "set_flow_run_state": _RUNNING,
    "resume_flow_run": {"run_input": {"approve": True, "reason": "as agreed"}},
    "create_flow_run_input": {"key": "greeting", "value": '"Hello"'},
    "filter_flow_run_input": {"prefix": "greeting", "limit": 10},
    "create_deployment": {"name": "desk", "flow_id": _ID, "parameters": {"amount": 79.9}},
    "get_scheduled_flow_runs": {"deployment_ids": [_ID], "limit": 10},
    "read_deployments": {"deployments": {"name": {"any_": ["desk"]}}},
    "count_deployments": {"flows": _FLOW},
    "paginate_deployments": {"flows": _FLOW, **_PAGE},
    "update_deployment": {"description": "Refunds of the web shop", "tags": ["finance"]},
    "create_flow_run_from_deployment": {"parameters": {"order": 1042, "amount": 79.9}},
    "create_schedules": [_SCHEDULE],
    "update_schedule": {"active": False},
    "schedule_deployment": {"min_runs": 3},
    "create_concurrency_limit": {"name": "database", "limit": 4},
    "read_concurrency_limits": {"limit": 20},
    "acquire_slots": _LIMITS,
    "acquire_slots_with_lease": {**_LIMITS, "lease_duration": 300},
    "release_slots": _LIMITS,
    "release_lease": {"lease_id": _ID},
    "renew_lease": {"lease_duration": 300},
    "update_concurrency_limit": {"limit": 8},
    "set_tag_limit": {"tag": "database", "concurrency_limit": 4},
    "read_tag_limits": {"limit": 20},
    "take_tag_slots": _TAGS,
    "give_back_tag_slots": _TAGS,
    "reset_limit_of_tag": {"slot_override": []},
    "create_logs": [
        {"name": "flow", "level": 20, "message": "sent", "timestamp": _MOMENT, "flow_run_id": _ID}
    ],
    "read_logs": {"logs": {"flow_run_id": {"any_": [_ID]}}, "sort": "TIMESTAMP_ASC"},
    "create_task_run": {"flow_run_id": _ID, "task_key": "send_refund", "dynamic_key": "0"},
    "read_task_runs": {"task_runs": {"name": {"any_": ["send_refund-0"]}}},
    "count_task_runs": {"flow_runs": {"id": {"any_": [_ID]}}},
    "paginate_task_runs": {"flow_runs": {"id": {"any_": [_ID]}}, **_PAGE},
    "update_task_run": {"name": "send_refund-1042"},
    "set_task_run_state": _RUNNING,
    "create_events": [
        {
            "id": _ID,
            "occurred": _MOMENT,
            "event": "shop.order.returned",
            "resource": {"prefect.resource.id": "shop.order.1042"},
        }
    ],
    "read_events": {"filter": {"event": {"prefix": ["prefect.flow-run."]}}, "limit": 20},
    "read_automations": {"limit": 20},
    "create_artifact": {
        "key": "report",
        "type": "markdown",
        "data": "# Refunds",
        "flow_run_id": _ID,
    },
    "read_artifacts": {"artifacts": {"key": {"any_": ["report"]}}},
    "count_artifacts": {"artifacts": {"key": {"any_": ["report"]}}},
    "read_latest_artifacts": {"artifacts": {"key": {"any_": ["report"]}}},
    "count_latest_artifacts": {"artifacts": {"key": {"any_": ["report"]}}},
    "update_artifact": {"data": "# Refunds of today"},
    "create_variable": {"name": "last-order", "value": 1042},
    "read_variables": {"variables": {"name": {"any_": ["last-order"]}}},
    "count_variables": {"variables": {"name": {"any_": ["last-order"]}}},
    "update_variable": {"value": 1043},
    "update_variable_by_name": {"value": 1043},
    "create_block_type": {"name": "Shop", "slug": "shop"},
    "read_block_types": {"block_types": {"slug": {"any_": ["shop"]}}},
    "update_block_type": {"description": "How to reach the shop"},
    "create_block_schema": {"block_type_id": _ID, "fields": {"title": "Shop", "type": "object"}},
    "read_block_schemas": {"block_schemas": {"block_type_id": {"any_": [_ID]}}},
    "create_block_document": {
        **_BLOCK,
        "name": "web-shop",
        "block_type_id": _ID,
        "block_schema_id": _OTHER,
    },
    "read_block_documents": {"block_documents": {"name": {"any_": ["web-shop"]}}},
    "count_block_documents": {"block_documents": {"name": {"any_": ["web-shop"]}}},
    "update_block_document": _BLOCK,
    "set_default_result_storage": {"default_result_storage_block_id": _ID},
    "set_absence": {"stand_in": "carol", "until": _MOMENT, "reason": "on leave"},
    "try_values": {
        "json_schema": {"type": "object", "properties": {"approve": {"type": "boolean"}}},
        "values": {"approve": "perhaps"},
    },
}
_PARAMETERS = {
    "name": "refund",
    "flow_name": "refund",
    "key": "report",
    "tag": "database",
    "id_or_name": "database",
    "slug": "secret",
    "block_document_name": "web-shop",
    "checksum": "sha256:5e11…",
    "page-token": "eyJ…",
    "resource_id": "prefect.deployment.7d5f0ad8",
}


def describe(document: dict[str, Any]) -> None:
    """Give each operation of a document its sentence and its example."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            name = operation["summary"].lower().replace(" ", "_")
            if not operation.get("description"):
                operation["description"] = SENTENCES[name]
            body = BODIES.get(name)
            if body is not None:
                operation["requestBody"]["content"]["application/json"]["example"] = body
            source = _write_curl(method.upper(), path, operation, body)
            operation["x-codeSamples"] = [{"lang": "Shell", "label": "curl", "source": source}]


def _write_curl(method: str, path: str, operation: dict[str, Any], body: Any) -> str:
    """Return the example as a command that can be copied."""
    for parameter in operation.get("parameters", ()):
        value = _PARAMETERS.get(parameter["name"], _ID)
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", value)
        elif parameter.get("required"):
            path += f"{'&' if '?' in path else '?'}{parameter['name']}={value}"
    parts = [f"curl -X {method}" if method != "GET" else "curl"]
    if operation.get("security"):
        parts.append('-H "Authorization: Bearer $FLOWRUNS_API_KEY"')
    if body is not None:
        parts.append('-H "Content-Type: application/json"')
        parts.append(f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}")
    return " \\\n  ".join([*parts, f'"$FLOWRUNS_API_URL{path.removeprefix("/api")}"'])

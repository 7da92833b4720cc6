"""What is sent for each field of the bodies that Prefect's clients send, to be read back.

The fields are those of Prefect's OpenAPI document: one without a value here fails the test.
"""

from dataclasses import dataclass, field
from itertools import count

from tests.dialect.calls import Json

_SOON = "2031-01-01T00:00:00Z"
_ID = "00000000-0000-4000-8000-00000000000a"
_number = count(1)


@dataclass(frozen=True, slots=True)
class Body:
    """A body that makes or changes something; `read` is where it is read back.

    `needed` goes with every field, `values` are other than those of that name elsewhere.
    """

    needed: dict[str, Json] = field(default_factory=dict)
    values: dict[str, Json] = field(default_factory=dict)
    read: str = ""


def new_name() -> str:
    return f"name-{next(_number)}"


_RUN_POLICY = {
    "max_retries": 0,
    "retry_delay_seconds": 0,
    "retries": 2,
    "retry_delay": 3,
    "pause_keys": [],  # the server's to say: others would have a question seem answered
    "resuming": True,
    "retry_type": "reschedule",
}
_TASK_POLICY = {
    "max_retries": 0,
    "retry_delay_seconds": 0,
    "retries": 2,
    "retry_delay": [1, 2.5],
    "retry_jitter_factor": 0.5,
}
DETAILS: dict[str, Json] = {
    "scheduled_time": _SOON,
    "child_flow_run_id": _ID,
    "cache_key": "c",
    "cache_expiration": _SOON,
    "deferred": True,
    "untrackable_result": True,
    "pause_timeout": _SOON,
    "pause_reschedule": True,
    "pause_key": "k",
    "run_input_keyset": {"schema": "s", "description": "d", "response": "r"},
    "refresh_cache": True,
    "retriable": True,
    "transition_id": _ID,
    "task_parameters_id": _ID,
    "traceparent": "t",
}
STATE = {
    "type": "SCHEDULED",
    "name": "Later",
    "message": "m",
    "data": {"d": 1},
    "state_details": DETAILS,
}
SCHEDULE = {
    "active": False,
    "schedule": {"interval": 3600, "anchor_date": _SOON, "timezone": "Europe/Paris"},
    "max_scheduled_runs": 7,
    "parameters": {"p": 1},
    "slug": "slug",
    "replaces": None,
}
OPTIONS = {"collision_strategy": "CANCEL_NEW", "grace_period_seconds": 90}
# By the name of the schema in Prefect's document, whose fields they have to have
PARTS: dict[str, dict[str, Json]] = {
    "StateCreate": STATE,
    "FlowRunPolicy": _RUN_POLICY,
    "TaskRunPolicy": _TASK_POLICY,
    "DeploymentScheduleCreate": SCHEDULE,
    "DeploymentScheduleUpdate": SCHEDULE,
    "ConcurrencyOptions": OPTIONS,
}

VALUES: dict[str, Json] = {
    "tags": ["b", "a"],
    "labels": {"label": 1},
    "parameters": {"p": 1},
    "context": {"c": 1},
    "job_variables": {"j": 1},
    "description": "text",
    "version": "1.2",
    "flow_version": "1.3",
    "task_version": "1.4",
    "path": "/path",
    "entrypoint": "file.py:flow",
    "paused": True,
    "pull_steps": [{"step": {"x": 1}}],
    "enforce_parameter_schema": False,
    "parameter_openapi_schema": {"type": "object", "properties": {"p": {"type": "integer"}}},
    "schedules": [SCHEDULE],
    "concurrency_limit": 3,
    "concurrency_options": OPTIONS,
    "global_concurrency_limit_id": "<limit>",
    "storage_document_id": "<block>",
    "infrastructure_document_id": "<block>",
    "version_info": {"type": "git", "version": "1"},
    "work_queue_name": "queue",
    "state": STATE,
    "name": new_name,
    "slug": new_name,
    "tag": new_name,
    "key": new_name,
    "idempotency_key": new_name,
    "infrastructure_pid": "host:1",
    "empirical_policy": _RUN_POLICY,
    "deployment_id": "<deployment>",
    "flow_id": "<flow>",
    "flow_run_id": "<run>",
    "task_run_id": "<task>",
    "parent_task_run_id": "<task>",
    "task_key": new_name,
    "dynamic_key": new_name,
    "cache_key": "c",
    "cache_expiration": _SOON,
    "id": "00000000-0000-4000-8000-0000000000bb",
    "task_inputs": {"x": [{"input_type": "parameter", "name": "p"}]},
    "type": "table",
    "data": {"x": 1},
    "metadata_": {"m": "1"},
    "value": {"v": 1},
    "logo_url": "https://example.com/l",
    "documentation_url": "https://example.com/d",
    "code_example": "code",
    "fields": {"title": "T"},
    "capabilities": ["read"],
    "block_type_id": "<kind>",
    "block_schema_id": "<schema>",
    "is_anonymous": True,
    "merge_existing_data": False,
    "active": False,
    "limit": 5,
    "active_slots": 2,
    "denied_slots": 2,
    "slot_decay_per_second": 0.5,
    "schedule": SCHEDULE["schedule"],
    "max_scheduled_runs": 7,
    "replaces": "nothing",
    "sender": "somebody",
    "work_pool_name": "nope",
}

_TASK = {"empirical_policy": _TASK_POLICY}
_DUE = {"state": {"type": "SCHEDULED"}}
BODIES: dict[str, Body] = {
    "POST /flows/": Body({"name": new_name}),
    "PATCH /flows/<flow>": Body(read="GET /flows/<flow>"),
    "POST /flow_runs/": Body({"flow_id": "<flow>"}),
    "PATCH /flow_runs/<due>": Body(read="GET /flow_runs/<due>"),
    "POST /deployments/": Body({"flow_id": "<flow>", "name": new_name}),
    "PATCH /deployments/<deployment>": Body(read="GET /deployments/<deployment>"),
    "POST /deployments/<deployment>/create_flow_run": Body(),
    "PATCH /deployments/<planned>/schedules/<schedule>": Body(read="GET /deployments/<planned>"),
    "POST /task_runs/": Body({"task_key": new_name, "dynamic_key": new_name}, _TASK),
    "PATCH /task_runs/<task>": Body(read="GET /task_runs/<task>"),
    "POST /artifacts/": Body(),
    "PATCH /artifacts/<artifact>": Body(read="GET /artifacts/<artifact>"),
    "POST /variables/": Body({"name": new_name, "value": 1}),
    "PATCH /variables/<variable>": Body(read="GET /variables/<variable>"),
    "POST /block_types/": Body({"name": new_name, "slug": new_name}),
    "PATCH /block_types/<kind>": Body(read="GET /block_types/<kind>"),
    "POST /block_schemas/": Body({"block_type_id": "<kind>", "fields": {"of": new_name}}),
    "POST /block_documents/": Body(
        {"name": new_name, "block_type_id": "<kind>", "block_schema_id": "<schema>"}
    ),
    "PATCH /block_documents/<block>": Body(read="GET /block_documents/<block>"),
    "POST /concurrency_limits/": Body({"tag": new_name, "concurrency_limit": 1}),
    "POST /v2/concurrency_limits/": Body({"name": new_name, "limit": 9}),
    "PATCH /v2/concurrency_limits/<limit>": Body(read="GET /v2/concurrency_limits/<limit>"),
}
WORLD: list[tuple[str, str, Json]] = [
    ("flow", "POST /flows/", {"name": "fields"}),
    ("kind", "POST /block_types/", {"name": "Fields", "slug": "fields"}),
    ("schema", "POST /block_schemas/", {"block_type_id": "<kind>"}),
    (
        "block",
        "POST /block_documents/",
        {"name": "b", "block_type_id": "<kind>", "block_schema_id": "<schema>"},
    ),
    ("limit", "POST /v2/concurrency_limits/", {"name": "fields", "limit": 2}),
    ("deployment", "POST /deployments/", {"name": "fields", "flow_id": "<flow>"}),
    ("planned", "POST /deployments/", {"name": "planned", "flow_id": "<flow>"}),
    ("run", "POST /flow_runs/", {"flow_id": "<flow>"}),
    ("due", "POST /deployments/<deployment>/create_flow_run", {}),
    ("task", "POST /task_runs/", {"task_key": "fields", "dynamic_key": "0"}),
    ("artifact", "POST /artifacts/", {"key": "fields"}),
    ("variable", "POST /variables/", {"name": "fields", "value": 0}),
]


def fill(value: Json) -> Json:
    """Return what is sent: a new name where each has to have its own."""
    if callable(value):
        return value()
    if isinstance(value, dict):
        return {name: fill(part) for name, part in value.items()}
    return value

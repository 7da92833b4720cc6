"""What Prefect says where its words cost nothing, and where this server differs on purpose."""

from tests.dialect.calls import NOBODY, Call, Talk

_TASK = "POST /task_runs/"
_RATE = {"names": ["steady"], "slots": 1, "mode": "rate_limit"}

WORDS: Talk = [
    Call("prefect's type", "POST /block_types/", {"name": "Prefect x", "slug": "px"}),
    Call("type", "POST /block_types/", {"name": "Words", "slug": "words"}),
    Call("schema", "POST /block_schemas/", {"block_type_id": "<type>", "fields": {"a": 1}}),
    Call(
        "block",
        "POST /block_documents/",
        {"name": "b", "block_type_id": "<type>", "block_schema_id": "<schema>"},
    ),
    Call(
        "change to nothing",
        "PATCH /block_documents/<block>",
        {"data": {"x": {"$ref": {"block_document_id": NOBODY}}}},
    ),
    Call("tag", "POST /concurrency_limits/", {"tag": "words", "concurrency_limit": 1}),
    Call("closed tag", "POST /concurrency_limits/", {"tag": "closed", "concurrency_limit": 0}),
    Call(
        "take",
        "POST /concurrency_limits/increment",
        {"names": ["words"], "task_run_id": NOBODY},
        ("[].name",),
    ),
    Call(
        "take too many",
        "POST /concurrency_limits/increment",
        {"names": ["words"], "task_run_id": NOBODY},
    ),
    Call(
        "take none",
        "POST /concurrency_limits/increment",
        {"names": ["closed"], "task_run_id": NOBODY},
    ),
    Call("steady", "POST /v2/concurrency_limits/", {"name": "steady", "limit": 2}),
    Call("rate", "POST /v2/concurrency_limits/increment", _RATE),
    Call("rate with lease", "POST /v2/concurrency_limits/increment-with-lease", _RATE),
    Call(
        "too many slots",
        "POST /v2/concurrency_limits/increment",
        {"names": ["steady"], "slots": 3},
    ),
    Call(
        "holder with more",
        "POST /v2/concurrency_limits/increment-with-lease",
        {"names": ["steady"], "slots": 1}
        | {"holder": {"type": "flow_run", "id": NOBODY, "more": 1}},
    ),
    Call(
        "holder of no kind",
        "POST /v2/concurrency_limits/increment-with-lease",
        {"names": ["steady"], "slots": 1, "holder": {"type": "nothing", "id": NOBODY}},
    ),
    Call("csrf without client", "GET /csrf-token"),
    Call("csrf", "GET /csrf-token?client=x"),
    Call("no flow", f"GET /flows/{NOBODY}"),
    Call("no deployment", f"GET /deployments/{NOBODY}"),
    Call("delete no deployment", f"DELETE /deployments/{NOBODY}"),
    Call("no variable", "GET /variables/name/nothing"),
    Call("no limit", "GET /v2/concurrency_limits/nothing"),
    Call("no tag limit", "GET /concurrency_limits/tag/nothing"),
    Call("no task run", f"GET /task_runs/{NOBODY}"),
    Call("no artifact", f"GET /artifacts/{NOBODY}"),
    Call("no block", f"GET /block_documents/{NOBODY}"),
    Call("run of no deployment", f"POST /deployments/{NOBODY}/create_flow_run", {}),
]


def _state(kind: str, **more: object) -> dict[str, object]:
    return {"state": {"type": kind} | more}


_VERDICT = ("status", "state.type", "state.name", "details.reason")
ON_PURPOSE: Talk = [
    Call("flow", "POST /flows/", {"name": "on purpose"}),
    Call("nameless deployment", "POST /deployments/", {"name": "", "flow_id": "<flow>"}),
    Call(
        "limited",
        "POST /deployments/",
        {"name": "l", "flow_id": "<flow>", "concurrency_limit": 1},
    ),
    Call(
        "made running",
        "POST /flow_runs/",
        {"flow_id": "<flow>", "deployment_id": "<limited>"} | _state("RUNNING"),
    ),
    Call(
        "slots",
        "GET /deployments/<limited>",
        None,
        ("global_concurrency_limit.active_slots",),
    ),
    Call("run", "POST /flow_runs/", {"flow_id": "<flow>"}),
    Call(
        "task",
        _TASK,
        {"flow_run_id": "<run>", "task_key": "t", "dynamic_key": "0"}
        | {"empirical_policy": {"retries": 1, "retry_delay": 5}},
    ),
    Call(
        "start under a pending run", "POST /task_runs/<task>/set_state", _state("RUNNING"), _VERDICT
    ),
    Call("start the run", "POST /flow_runs/<run>/set_state", _state("RUNNING")),
    Call("start it", "POST /task_runs/<task>/set_state", _state("RUNNING"), _VERDICT),
    Call("fail with retries", "POST /task_runs/<task>/set_state", _state("FAILED"), _VERDICT),
    Call("cached", _TASK, {"flow_run_id": "<run>", "task_key": "c", "dynamic_key": "0"}),
    Call(
        "start with a long key",
        "POST /task_runs/<cached>/set_state",
        _state("RUNNING", state_details={"cache_key": "c" * 2001}),
        _VERDICT,
    ),
    Call(
        "end with a long key",
        "POST /task_runs/<cached>/set_state",
        _state("COMPLETED", state_details={"cache_key": "c" * 2001}),
        _VERDICT,
    ),
    Call(
        "end with a key",
        "POST /task_runs/<cached>/set_state",
        _state("COMPLETED", state_details={"cache_key": "known"}),
        _VERDICT,
    ),
    Call("same", _TASK, {"flow_run_id": "<run>", "task_key": "c", "dynamic_key": "1"}),
    Call(
        "start with a known key",
        "POST /task_runs/<same>/set_state",
        _state("RUNNING", state_details={"cache_key": "known"}),
        _VERDICT,
    ),
    Call(
        "deferred",
        _TASK,
        {"task_key": "deferred", "dynamic_key": "0"}
        | _state("SCHEDULED", state_details={"deferred": True}),
    ),
    Call("take", "POST /task_runs/<deferred>/set_state", _state("PENDING"), _VERDICT),
    Call(
        "start",
        "POST /task_runs/<deferred>/set_state",
        _state("RUNNING", state_details={"deferred": True}),
        _VERDICT,
    ),
    Call("take again", "POST /task_runs/<deferred>/set_state", _state("PENDING"), _VERDICT),
]

TALKS = {"words": WORDS, "on purpose": ON_PURPOSE}

"""Whether each criterion of a list selects what Prefect selects by it."""

from tests.dialect.calls import Call, Json, Talk

_PAST, _FUTURE = "2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z"
_RUN = "POST /flow_runs/"
_TASK = "POST /task_runs/"

_WORLD: Talk = [
    Call("flow", "POST /flows/", {"name": "criteria one", "tags": ["a", "b"]}),
    Call("other flow", "POST /flows/", {"name": "criteria two"}),
    Call(
        "deployment",
        "POST /deployments/",
        {"name": "cdone", "flow_id": "<flow>", "tags": ["a"], "work_queue_name": "q"},
    ),
    Call("paused", "POST /deployments/", {"name": "cdtwo", "flow_id": "<flow>", "paused": True}),
    Call(
        "tagged",
        _RUN,
        {"flow_id": "<flow>", "name": "crone", "tags": ["a", "b"], "flow_version": "1"},
    ),
    Call("keyed", _RUN, {"flow_id": "<flow>", "name": "crtwo", "idempotency_key": "criteria"}),
    Call(
        "scheduled",
        "POST /deployments/<deployment>/create_flow_run",
        {"name": "crthree"}
        | {"state": {"type": "SCHEDULED", "name": "Later"}}
        | {
            "state": {
                "type": "SCHEDULED",
                "state_details": {"scheduled_time": "2035-01-01T00:00:00Z"},
            }
        },
    ),
    Call("start", "POST /flow_runs/<keyed>/set_state", {"state": {"type": "RUNNING"}}),
    Call("end", "POST /flow_runs/<keyed>/set_state", {"state": {"type": "FAILED"}, "force": True}),
    Call("run", "POST /flow_runs/<tagged>/set_state", {"state": {"type": "RUNNING"}}),
    Call(
        "task",
        _TASK,
        {"flow_run_id": "<tagged>", "task_key": "k", "dynamic_key": "0", "name": "ctone"}
        | {"tags": ["a"]},
    ),
    Call(
        "other task",
        _TASK,
        {"flow_run_id": "<tagged>", "task_key": "k", "dynamic_key": "1", "name": "cttwo"},
    ),
    Call("run task", "POST /task_runs/<task>/set_state", {"state": {"type": "RUNNING"}}),
    Call("child", _RUN, {"flow_id": "<flow>", "name": "crfour", "parent_task_run_id": "<task>"}),
]

_TAGS: list[Json] = [
    {"tags": {"all_": ["a"]}},
    {"tags": {"all_": ["a", "b"]}},
    {"tags": {"all_": []}},
    {"tags": {"is_null_": True}},
    {"tags": {"is_null_": False}},
    {"tags": {"operator": "or_", "all_": ["b"], "is_null_": True}},
]
_ANY_TAG: list[Json] = [{"tags": {"any_": ["a", "z"]}}, {"tags": {"any_": ["z"]}}]


def _times(name: str, *, nullable: bool) -> list[Json]:
    criteria: list[Json] = [
        {name: {"before_": _PAST}},
        {name: {"after_": _PAST}},
        {name: {"before_": _FUTURE}},
        {name: {"after_": _FUTURE}},
        {name: {"after_": _PAST, "before_": _FUTURE}},
    ]
    nulls: list[Json] = [{name: {"is_null_": True}}, {name: {"is_null_": False}}]
    return criteria + (nulls if nullable else [])


_NAMES: list[Json] = [
    {"name": {"like_": "ONE"}},
    {"name": {"like_": "%"}},
    {"name": {"like_": "c_"}},
    {"name": {"any_": []}},
]
_STATES: list[Json] = [
    {"state": {"type": {"any_": ["FAILED", "SCHEDULED"]}}},
    {"state": {"name": {"any_": ["Running"]}}},
    {"state": {"operator": "or_", "type": {"any_": ["FAILED"]}, "name": {"any_": ["Running"]}}},
    {"state": {"type": {"any_": []}}},
]
_OF_RUNS: list[Json] = [
    *_NAMES,
    *_TAGS,
    *_ANY_TAG,
    *_STATES,
    {"id": {"any_": ["<tagged>"]}},
    {"id": {"not_any_": ["<tagged>"]}},
    {"id": {"any_": ["<tagged>", "<keyed>"], "not_any_": ["<tagged>"]}},
    {"state": {"type": {"not_any_": ["FAILED"]}}},
    {"state": {"name": {"not_any_": ["Failed"]}}},
    {"deployment_id": {"any_": ["<deployment>"]}},
    {"deployment_id": {"is_null_": True}},
    {"deployment_id": {"is_null_": False}},
    {"deployment_id": {"operator": "or_", "any_": ["<deployment>"], "is_null_": True}},
    {"work_queue_name": {"any_": ["q"]}},
    {"work_queue_name": {"is_null_": True}},
    {"flow_version": {"any_": ["1"]}},
    *_times("start_time", nullable=True),
    *_times("end_time", nullable=True),
    *_times("expected_start_time", nullable=False),
    *_times("next_scheduled_start_time", nullable=False),
    {"parent_task_run_id": {"any_": ["<task>"]}},
    {"parent_task_run_id": {"is_null_": True}},
    {"parent_task_run_id": {"is_null_": False}},
    {"parent_flow_run_id": {"any_": ["<tagged>"]}},
    {"idempotency_key": {"any_": ["criteria"]}},
    {"idempotency_key": {"not_any_": ["criteria"]}},
    {"operator": "or_", "name": {"any_": ["crone"]}, "idempotency_key": {"any_": ["criteria"]}},
]
_OF_TASK_RUNS: list[Json] = [
    *_NAMES,
    *_TAGS,
    *_STATES,
    {"id": {"any_": ["<task>"]}},
    *_times("start_time", nullable=True),
    *_times("end_time", nullable=True),
    *_times("expected_start_time", nullable=False),
    {"subflow_runs": {"exists_": True}},
    {"subflow_runs": {"exists_": False}},
    {"flow_run_id": {"any_": ["<tagged>"]}},
    {"flow_run_id": {"is_null_": True}},
    {"operator": "or_", "name": {"any_": ["ctone"]}, "tags": {"is_null_": True}},
]
_OF_DEPLOYMENTS: list[Json] = [
    *_NAMES,
    *_TAGS,
    *_ANY_TAG,
    {"id": {"any_": ["<paused>"]}},
    {"id": {"not_any_": ["<paused>"]}},
    {"paused": {"eq_": True}},
    {"paused": {"eq_": False}},
    {"work_queue_name": {"any_": ["q"]}},
    {"flow_or_deployment_name": {"like_": "CDT"}},
    {"flow_or_deployment_name": {"like_": "criteria on"}},
    {"operator": "or_", "paused": {"eq_": True}, "tags": {"all_": ["a"]}},
]
_OF_FLOWS: list[Json] = [
    *_NAMES,
    *_TAGS,
    {"id": {"any_": ["<flow>"]}},
    {"deployment": {"is_null_": True}},
    {"deployment": {"is_null_": False}},
]
_KINDS = {
    "runs": ("/flow_runs/filter", "flow_runs", _OF_RUNS),
    "task runs": ("/task_runs/filter", "task_runs", _OF_TASK_RUNS),
    "deployments": ("/deployments/filter", "deployments", _OF_DEPLOYMENTS),
}
_HERE = {"id": {"any_": ["<flow>", "<other flow>"]}}
CRITERIA: Talk = [
    *_WORLD,
    *(
        Call(f"{kind} {number}", f"POST {path}", {"flows": _HERE, name: criterion}, ("[].name",))
        for kind, (path, name, criteria) in _KINDS.items()
        for number, criterion in enumerate(criteria)
    ),
    *(
        Call(
            f"flows {number}",
            "POST /flows/filter",
            {"flows": {"id": _HERE["id"]} | criterion},
            ("[].name",),
        )
        for number, criterion in enumerate(_OF_FLOWS)
    ),
]

_DOCUMENT = {"block_type_id": "<kind>", "block_schema_id": "<schema>"}
_OF_BLOCKS: list[Json] = [
    {"block_type_id": {"any_": ["<kind>"]}},
    {"name": {"like_": "b%1"}},
    {"name": {"like_": "BLOCK"}},
    {"name": {"any_": ["block-2"]}},
    {"is_anonymous": {"eq_": True}, "block_type_id": {"any_": ["<kind>"]}},
    {"is_anonymous": None, "block_type_id": {"any_": ["<kind>"]}},
    {"operator": "or_", "name": {"any_": ["block-1"]}, "id": {"any_": ["<second>"]}}
    | {"is_anonymous": None},
]
_OF_VARIABLES: list[Json] = [
    {"name": {"like_": "crit%one"}},
    {"name": {"like_": "criteria_t"}},
    {"name": {"any_": ["criteria_one"]}},
    {"tags": {"all_": ["cv"]}},
    {"operator": "or_", "name": {"any_": ["criteria_two"]}, "tags": {"all_": ["cv"]}},
]
_OF_TYPES: list[Json] = [
    {"slug": {"any_": ["criteria"]}},
    {"name": {"like_": "CRITERI"}},
    {"slug": {"any_": ["criteria"]}, "name": {"like_": "nothing"}},
]
_OF_SCHEMAS: list[Json] = [
    {"block_type_id": {"any_": ["<kind>"]}},
    {"block_type_id": {"any_": ["<kind>"]}, "block_capabilities": {"all_": ["c1"]}},
    {"block_type_id": {"any_": ["<kind>"]}, "block_capabilities": {"all_": ["c1", "no"]}},
    {"id": {"any_": ["<schema>"]}},
    {"block_type_id": {"any_": ["<kind>"]}, "version": {"any_": ["9"]}},
    {"operator": "or_", "id": {"any_": ["<schema>"]}, "version": {"any_": ["criteria"]}},
]
_SMALL = {
    "block_documents": ("[].name", _OF_BLOCKS),
    "variables": ("[].name", _OF_VARIABLES),
    "block_types": ("[].slug", _OF_TYPES),
    "block_schemas": ("[].id", _OF_SCHEMAS),
}
SMALL: Talk = [
    Call("kind", "POST /block_types/", {"name": "Criteria", "slug": "criteria"}),
    Call(
        "schema",
        "POST /block_schemas/",
        {"block_type_id": "<kind>", "capabilities": ["c1"], "fields": {"title": "Criteria"}},
    ),
    Call("other kind", "POST /block_types/", {"name": "Another", "slug": "another"}),
    Call(
        "other schema",
        "POST /block_schemas/",
        {"block_type_id": "<other kind>", "fields": {"title": "Other"}},
    ),
    Call("first", "POST /block_documents/", _DOCUMENT | {"name": "block-1"}),
    Call("second", "POST /block_documents/", _DOCUMENT | {"name": "block-2"}),
    Call("nameless", "POST /block_documents/", _DOCUMENT | {"is_anonymous": True}),
    Call("variable", "POST /variables/", {"name": "criteria_one", "value": 1, "tags": ["cv"]}),
    Call("other variable", "POST /variables/", {"name": "criteria_two", "value": 1}),
    *(
        Call(f"{kind} {number}", f"POST /{kind}/filter", {kind: criterion}, (shown,))
        for kind, (shown, criteria) in _SMALL.items()
        for number, criterion in enumerate(criteria)
    ),
    *(
        Call(f"{kind} by {by} {number}", f"POST /{kind}/filter", {by: criterion}, (shown,))
        for kind, by, shown in (
            ("block_documents", "block_types", "[].name"),
            ("block_documents", "block_schemas", "[].name"),
            ("block_types", "block_schemas", "[].slug"),
        )
        for number, criterion in enumerate(_SMALL[by][1][:5])
    ),
]

TALKS = {"lists by their own fields": CRITERIA, "lists of blocks and variables": SMALL}

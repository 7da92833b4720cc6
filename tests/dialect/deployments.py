"""What clients ask about deployments, their schedules and their limits."""

from tests.dialect.calls import NOBODY, Call, Talk

_FLOW = "POST /flows/"
_NEW = "POST /deployments/"
_CHANGE = "PATCH /deployments/<deployment>"
_NUMBER = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
_TEXT = {"type": "object", "properties": {"x": {"type": "string"}}}
_HOURLY = {"interval": 3600}
_SLUGS = ("[].slug", "[].active")
_SCHEDULES = "GET /deployments/<deployment>/schedules"


def _deployment(name: str, **fields: object) -> dict[str, object]:
    return {"name": name, "flow_id": "<flow>"} | fields


DELETED: Talk = [
    Call("flow", _FLOW, {"name": "deleted"}),
    Call("deployment", _NEW, _deployment("d", schedules=[{"schedule": _HOURLY}])),
    Call("make runs", "POST /deployments/<deployment>/schedule", {}),
    Call("never started", "POST /deployments/<deployment>/create_flow_run", {}),
    Call("started", "POST /deployments/<deployment>/create_flow_run", {}),
    Call("start", "POST /flow_runs/<started>/set_state", {"state": {"type": "RUNNING"}}),
    Call("ended", "POST /deployments/<deployment>/create_flow_run", {}),
    Call("run it", "POST /flow_runs/<ended>/set_state", {"state": {"type": "RUNNING"}}),
    Call("end it", "POST /flow_runs/<ended>/set_state", {"state": {"type": "COMPLETED"}}),
    Call(
        "pending", "POST /deployments/<deployment>/create_flow_run", {"state": {"type": "PENDING"}}
    ),
    Call("delete", "DELETE /deployments/<deployment>"),
    Call("read never started", "GET /flow_runs/<never started>"),
    Call("read started", "GET /flow_runs/<started>", None, ("state_type",)),
    Call("read ended", "GET /flow_runs/<ended>", None, ("state_type",)),
    Call("read pending", "GET /flow_runs/<pending>", None, ("state_type",)),
    Call(
        "what is left",
        "POST /flow_runs/filter",
        {"flows": {"name": {"any_": ["deleted"]}}},
        ("[].state_type",),
    ),
]

_ENFORCED: dict[str, object] = {"enforce_parameter_schema": True}
_OBJECT = {"type": "object", "properties": {"o": {"$ref": "#/$defs/O"}}}
_DEFS = {"O": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}
SCHEMAS: Talk = [
    Call("flow", _FLOW, {"name": "schemas"}),
    Call(
        "against its schema",
        _NEW,
        _deployment("a", parameter_openapi_schema=_NUMBER, parameters={"x": "y"}, **_ENFORCED),
    ),
    Call(
        "not enforced",
        _NEW,
        _deployment("b", parameter_openapi_schema=_NUMBER, parameters={"x": "y"})
        | {"enforce_parameter_schema": False},
    ),
    Call(
        "required ones are missing",
        _NEW,
        _deployment("c", parameter_openapi_schema=_NUMBER, **_ENFORCED),
    ),
    Call(
        "required ones are missing inside",
        _NEW,
        _deployment(
            "e",
            parameter_openapi_schema=_OBJECT | {"$defs": _DEFS},
            parameters={"o": {}},
            **_ENFORCED,
        ),
    ),
    Call(
        "against it inside",
        _NEW,
        _deployment(
            "f",
            parameter_openapi_schema=_OBJECT | {"$defs": _DEFS},
            parameters={"o": {"n": "y"}},
            **_ENFORCED,
        ),
    ),
    Call(
        "no schema",
        _NEW,
        _deployment("g", parameter_openapi_schema={"type": "nonsense"}, **_ENFORCED),
    ),
    Call(
        "deployment",
        _NEW,
        _deployment("d", parameter_openapi_schema=_NUMBER, parameters={"x": 1}, **_ENFORCED),
    ),
    Call("change parameters", _CHANGE, {"parameters": {"x": "y"}}),
    Call("change schema", _CHANGE, {"parameter_openapi_schema": _TEXT}),
    Call("change both", _CHANGE, {"parameter_openapi_schema": _TEXT, "parameters": {"x": "y"}}),
    Call("change neither", _CHANGE, {"tags": ["a"]}),
    Call("no parameters", _CHANGE, {"parameters": {}}),
    Call("null", _CHANGE, {"parameters": None}),
    Call("enforce no more", _CHANGE, {"enforce_parameter_schema": False, "parameters": {"x": 1}}),
    Call("enforce again", _CHANGE, {"enforce_parameter_schema": True}),
    Call("enforce again rightly", _CHANGE, {"parameters": {"x": "y"}} | _ENFORCED),
    Call("placeholder", _CHANGE, {"parameters": {"x": {"__prefect_kind": "json", "value": "1"}}}),
    Call(
        "upsert against it",
        _NEW,
        _deployment("d", parameter_openapi_schema=_NUMBER, parameters={"x": "y"}, **_ENFORCED),
    ),
    Call("read", "GET /deployments/<deployment>", None, ("parameters", "parameter_openapi_schema")),
    Call("of nobody", f"PATCH /deployments/{NOBODY}", {"parameters": {"x": "y"}}),
    Call("default", _NEW, _deployment("s"), ("parameter_openapi_schema", "parameters")),
    Call(
        "asks for nothing",
        _NEW,
        _deployment("t", parameter_openapi_schema=_NUMBER, parameters={"x": "y"}),
        ("enforce_parameter_schema",),
    ),
    Call(
        "null schema",
        _NEW,
        _deployment("u", parameter_openapi_schema=None, parameters={"x": "y"}, **_ENFORCED),
        ("parameter_openapi_schema",),
    ),
    Call("change without schema", "PATCH /deployments/<null schema>", {"tags": ["a"]}),
    Call(
        "a null",
        _NEW,
        _deployment(
            "v",
            parameter_openapi_schema=_OBJECT | {"$defs": _DEFS},
            parameters={"o": {"n": None}},
            **_ENFORCED,
        ),
    ),
]

BOTH_LIMITS: Talk = [
    Call("flow", _FLOW, {"name": "both limits"}),
    Call("limit", "POST /v2/concurrency_limits/", {"name": "shared", "limit": 2}),
    Call(
        "both",
        _NEW,
        _deployment("a", concurrency_limit=1, global_concurrency_limit_id="<limit>"),
    ),
    Call(
        "deployment",
        _NEW,
        _deployment("d", concurrency_limit=1, global_concurrency_limit_id=None),
        ("global_concurrency_limit.limit",),
    ),
    Call(
        "change both", _CHANGE, {"concurrency_limit": 1, "global_concurrency_limit_id": "<limit>"}
    ),
    Call("one", _CHANGE, {"concurrency_limit": None, "global_concurrency_limit_id": "<limit>"}),
    Call("unknown", _CHANGE, {"global_concurrency_limit_id": NOBODY}),
    Call("unknown at first", _NEW, _deployment("u", global_concurrency_limit_id=NOBODY)),
]

_DOCUMENTS = ("storage_document_id", "infrastructure_document_id")
BLOCKS: Talk = [
    Call("flow", _FLOW, {"name": "blocks"}),
    Call("kind", "POST /block_types/", {"name": "Shelf", "slug": "shelf"}),
    Call("schema", "POST /block_schemas/", {"block_type_id": "<kind>"}),
    Call(
        "storage",
        "POST /block_documents/",
        {"name": "s", "block_type_id": "<kind>", "block_schema_id": "<schema>"},
    ),
    Call(
        "machine",
        "POST /block_documents/",
        {"name": "m", "block_type_id": "<kind>", "block_schema_id": "<schema>"},
    ),
    Call(
        "deployment",
        _NEW,
        _deployment("d", storage_document_id="<storage>", infrastructure_document_id="<machine>"),
        _DOCUMENTS,
    ),
    Call("read", "GET /deployments/<deployment>", None, _DOCUMENTS),
    Call("swap", _CHANGE, {"storage_document_id": "<machine>"}),
    Call("read swapped", "GET /deployments/<deployment>", None, _DOCUMENTS),
    Call("clear", _CHANGE, {"storage_document_id": None}),
    Call("read cleared", "GET /deployments/<deployment>", None, _DOCUMENTS),
    Call("no storage", _NEW, _deployment("n", storage_document_id=NOBODY)),
    Call("no machine", _NEW, _deployment("n", infrastructure_document_id=NOBODY)),
    Call("not made", "GET /deployments/name/blocks/n"),
    Call(
        "run",
        "POST /deployments/<deployment>/create_flow_run",
        {},
        ("infrastructure_document_id",),
    ),
    Call(
        "own machine",
        "POST /deployments/<deployment>/create_flow_run",
        {"infrastructure_document_id": "<storage>"},
        ("infrastructure_document_id",),
    ),
    Call("delete block", "DELETE /block_documents/<machine>"),
    Call("read without block", "GET /deployments/<deployment>", None, _DOCUMENTS),
]


def _schedules(*schedules: dict[str, object]) -> dict[str, object]:
    return {"schedules": list(schedules)}


def _slug(slug: str | None, replaces: str | None = None, **more: object) -> dict[str, object]:
    return {"slug": slug, "schedule": _HOURLY} | ({"replaces": replaces} if replaces else {}) | more


REPLACED: Talk = [
    Call("flow", _FLOW, {"name": "replaced"}),
    Call("deployment", _NEW, _deployment("d", schedules=[_slug("a", active=False), _slug("b")])),
    Call("swap", _CHANGE, _schedules(_slug("b", "a"), _slug("a", "b"))),
    Call("read swapped", _SCHEDULES, None, _SLUGS),
    Call("two for one", _CHANGE, _schedules(_slug("x", "a"), _slug("y", "a"))),
    Call("read two", _SCHEDULES, None, _SLUGS),
    Call("chain", _CHANGE, _schedules(_slug("b", "a"), _slug("c", "b"))),
    Call("read chain", _SCHEDULES, None, _SLUGS),
    Call("taken", _CHANGE, _schedules(_slug("b", "c"))),
    Call("read taken", _SCHEDULES, None, _SLUGS),
    Call("itself", _CHANGE, _schedules(_slug("b", "b", active=True))),
    Call("nothing", _CHANGE, _schedules(_slug("n", "nothing"))),
    Call("read nothing", _SCHEDULES, None, _SLUGS),
    Call("nothing for nothing", _CHANGE, _schedules({"slug": "m", "replaces": "nothing"})),
    Call("new without schedule", _CHANGE, _schedules({"slug": "m"})),
    Call("without slug", _CHANGE, _schedules(_slug(None))),
    Call("changed without schedule", _CHANGE, _schedules({"slug": "b", "active": False})),
    Call("read changed", _SCHEDULES, None, _SLUGS),
    Call("of nobody", f"PATCH /deployments/{NOBODY}/schedules/{NOBODY}", {"active": False}),
    Call("delete of nobody", f"DELETE /deployments/{NOBODY}/schedules/{NOBODY}"),
    Call("no schedule", f"PATCH /deployments/<deployment>/schedules/{NOBODY}", {"active": False}),
    Call("delete no schedule", f"DELETE /deployments/<deployment>/schedules/{NOBODY}"),
    Call("too many runs", _CHANGE, _schedules(_slug("b", max_scheduled_runs=51))),
]

TALKS = {
    "deleted deployments": DELETED,
    "schemas of deployments": SCHEMAS,
    "both limits": BOTH_LIMITS,
    "blocks of deployments": BLOCKS,
    "replaced schedules": REPLACED,
}

"""The same calls to a real Prefect server and to ours: same codes, same shapes.

A difference is either listed here with its reason, or it fails; so does a listed one that is gone.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

NOBODY = str(uuid4())
DEADLINE = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
SCHEMA = json.dumps({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})
KEYSET = {part: f"paused-1-{part}" for part in ("schema", "description", "response")}
PAUSED = {"pause_key": "1", "pause_timeout": DEADLINE, "run_input_keyset": KEYSET}
JINJA = {"__prefect_kind": "jinja", "template": "{{ 2 + 2 }}"}
VARIABLE = {"__prefect_kind": "workspace_variable", "variable_name": "nothing"}
ROW = {"type": "object", "properties": {"day": {"type": "string", "format": "date"}}}
TRIED = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "rows": {"type": "array", "items": ROW}},
    "required": ["a", "b"],
}
TAGGED = {"names": ["money"], "task_run_id": str(uuid4())}
LINE = {"name": "x", "level": 20, "message": "m", "timestamp": DEADLINE, "flow_run_id": "<run>"}

VAULT = {
    "fields": {"title": "Vault", "secret_fields": ["token"], "block_type_slug": "vault"},
    "block_type_id": "<btype>",
}
BLOCK = {"block_type_id": "<btype>", "block_schema_id": "<schema>"}
INNER, OUTER = ({"$ref": {"block_document_id": f"<{name}>"}} for name in ("block", "outer"))
NO_ID: Any = {"$ref": {}}
STORAGE = "default_result_storage_block_id"

# Name, method, path, body; <flow> and <run> are what the calls of those names created
CALLS: list[tuple[str, str, str, Any]] = [
    ("health", "GET", "/health", None),
    ("ready", "GET", "/ready", None),
    ("version", "GET", "/admin/version", None),
    ("default result storage", "GET", "/admin/storage", None),
    ("csrf token", "GET", "/csrf-token?client=x", None),
    ("flow", "POST", "/flows/", {"name": "dialect", "tags": ["a"]}),
    ("flow again", "POST", "/flows/", {"name": "dialect"}),
    ("flow without a name", "POST", "/flows/", {}),
    ("flow with an empty name", "POST", "/flows/", {"name": ""}),
    ("flow with a slash", "POST", "/flows/", {"name": "a/b"}),
    ("read flow", "GET", "/flows/<flow>", None),
    ("read flow by name", "GET", "/flows/name/dialect", None),
    ("read unknown flow", "GET", f"/flows/{NOBODY}", None),
    ("read unknown name", "GET", "/flows/name/nobody", None),
    ("read flow by nonsense", "GET", "/flows/nonsense", None),
    ("flows", "POST", "/flows/filter", {}),
    ("flows without a body", "POST", "/flows/filter", None),
    (
        "run",
        "POST",
        "/flow_runs/",
        {"flow_id": "<flow>", "parameters": {"a": 1}, "empirical_policy": {"retries": 1}},
    ),
    ("pending run", "POST", "/flow_runs/", {"flow_id": "<flow>", "state": {"type": "PENDING"}}),
    ("scheduled run", "POST", "/flow_runs/", {"flow_id": "<flow>", "state": {"type": "SCHEDULED"}}),
    ("run of no flow", "POST", "/flow_runs/", {"flow_id": NOBODY}),
    ("run of nonsense", "POST", "/flow_runs/", {"flow_id": "nonsense"}),
    ("run once", "POST", "/flow_runs/", {"flow_id": "<flow>", "idempotency_key": "k"}),
    ("run twice", "POST", "/flow_runs/", {"flow_id": "<flow>", "idempotency_key": "k"}),
    ("read run", "GET", "/flow_runs/<run>", None),
    ("read unknown run", "GET", f"/flow_runs/{NOBODY}", None),
    ("read nonsense run", "GET", "/flow_runs/nonsense", None),
    ("rename", "PATCH", "/flow_runs/<run>", {"name": "new", "tags": ["y"]}),
    ("rename nobody", "PATCH", f"/flow_runs/{NOBODY}", {"name": "new"}),
    ("change nothing", "PATCH", "/flow_runs/<run>", {}),
    ("change what is not there", "PATCH", "/flow_runs/<run>", {"nope": 1}),
    ("running", "POST", "/flow_runs/<run>/set_state", {"state": {"type": "RUNNING"}}),
    ("no such type", "POST", "/flow_runs/<run>/set_state", {"state": {"type": "NOPE"}}),
    ("no state", "POST", "/flow_runs/<run>/set_state", {}),
    ("nobody runs", "POST", f"/flow_runs/{NOBODY}/set_state", {"state": {"type": "RUNNING"}}),
    ("resume what runs", "POST", "/flow_runs/<run>/resume", None),
    ("resume nobody", "POST", f"/flow_runs/{NOBODY}/resume", None),
    (
        "paused",
        "POST",
        "/flow_runs/<run>/set_state",
        {"state": {"type": "PAUSED", "name": "Paused", "state_details": PAUSED}},
    ),
    ("input", "POST", "/flow_runs/<run>/input", {"key": KEYSET["schema"], "value": SCHEMA}),
    ("input again", "POST", "/flow_runs/<run>/input", {"key": KEYSET["schema"], "value": "x"}),
    ("input of a number", "POST", "/flow_runs/<run>/input", {"key": "n", "value": 3}),
    ("input of a bad key", "POST", "/flow_runs/<run>/input", {"key": "a_b", "value": "x"}),
    ("input of nobody", "POST", f"/flow_runs/{NOBODY}/input", {"key": "n", "value": "x"}),
    ("read input", "GET", f"/flow_runs/<run>/input/{KEYSET['schema']}", None),
    ("read no input", "GET", "/flow_runs/<run>/input/nope", None),
    ("inputs", "POST", "/flow_runs/<run>/input/filter", {"prefix": "paused"}),
    ("inputs without a prefix", "POST", "/flow_runs/<run>/input/filter", {}),
    ("inputs of nobody", "POST", f"/flow_runs/{NOBODY}/input/filter", {"prefix": ""}),
    ("read paused run", "GET", "/flow_runs/<run>", None),
    ("bad answer", "POST", "/flow_runs/<run>/resume", {"run_input": {"a": "x"}}),
    ("answer of a template", "POST", "/flow_runs/<run>/resume", {"run_input": {"a": JINJA}}),
    ("answer of no variable", "POST", "/flow_runs/<run>/resume", {"run_input": {"a": VARIABLE}}),
    ("answer of a list", "POST", "/flow_runs/<run>/resume", {"run_input": [1]}),
    ("answer", "POST", "/flow_runs/<run>/resume", {"run_input": {"a": 1}}),
    ("answer again", "POST", "/flow_runs/<run>/resume", {"run_input": {"a": 1}}),
    ("read answer", "GET", f"/flow_runs/<run>/input/{KEYSET['response']}", None),
    (
        "paused again",
        "POST",
        "/flow_runs/<run>/set_state",
        {"state": {"type": "PAUSED", "name": "Paused", "state_details": PAUSED}},
    ),
    ("delete answer", "DELETE", f"/flow_runs/<run>/input/{KEYSET['response']}", None),
    ("delete no answer", "DELETE", f"/flow_runs/<run>/input/{KEYSET['response']}", None),
    ("completed", "POST", "/flow_runs/<run>/set_state", {"state": {"type": "COMPLETED"}}),
    ("paused at last", "POST", "/flow_runs/<run>/set_state", {"state": {"type": "PAUSED"}}),
    ("states", "GET", "/flow_run_states/?flow_run_id=<run>", None),
    ("states of nobody", "GET", f"/flow_run_states/?flow_run_id={NOBODY}", None),
    ("states of no one", "GET", "/flow_run_states/", None),
    ("unknown state", "GET", f"/flow_run_states/{NOBODY}", None),
    ("runs", "POST", "/flow_runs/filter", {"flow_runs": {"id": {"any_": ["<run>"]}}}),
    ("runs without a body", "POST", "/flow_runs/filter", None),
    ("too many runs", "POST", "/flow_runs/filter", {"limit": 500}),
    ("runs by nonsense", "POST", "/flow_runs/filter", {"flow_runs": {"nonsense": 1}}),
    ("count", "POST", "/flow_runs/count", {}),
    ("page", "POST", "/flow_runs/paginate", {"limit": 2}),
    ("page zero", "POST", "/flow_runs/paginate", {"page": 0}),
    ("log", "POST", "/logs/", [LINE]),
    ("log of nothing", "POST", "/logs/", [{"name": "x"}]),
    ("logs", "POST", "/logs/filter", {}),
    ("deployment", "POST", "/deployments/", {"name": "nightly", "flow_id": "<flow>"}),
    ("read deployment", "GET", "/deployments/<deployment>", None),
    ("read deployment by name", "GET", "/deployments/name/dialect/nightly", None),
    ("read no deployment", "GET", f"/deployments/{NOBODY}", None),
    ("run of a deployment", "POST", "/deployments/<deployment>/create_flow_run", {}),
    (
        "work",
        "POST",
        "/deployments/get_scheduled_flow_runs",
        {"deployment_ids": ["<deployment>"]},
    ),
    ("change deployment", "PATCH", "/deployments/<deployment>", {"tags": ["a"], "paused": False}),
    ("change no deployment", "PATCH", f"/deployments/{NOBODY}", {"tags": ["a"]}),
    ("deployments", "POST", "/deployments/filter", {"deployments": {"tags": {"all_": ["a"]}}}),
    ("deployments without a body", "POST", "/deployments/filter", None),
    ("count deployments", "POST", "/deployments/count", {}),
    ("page of deployments", "POST", "/deployments/paginate", {"limit": 1}),
    ("change flow", "PATCH", "/flows/<flow>", {"tags": ["b"]}),
    ("change no flow", "PATCH", f"/flows/{NOBODY}", {"tags": ["b"]}),
    ("count flows", "POST", "/flows/count", {}),
    ("page of flows", "POST", "/flows/paginate", {"limit": 1}),
    ("label", "PATCH", "/flow_runs/<run>/labels", {"a": 1}),
    ("label nobody", "PATCH", f"/flow_runs/{NOBODY}/labels", {"a": 1}),
    ("read labelled run", "GET", "/flow_runs/<run>", None),
    ("search logs", "POST", "/logs/filter", {"logs": {"text": {"query": "m"}}}),
    ("hello", "GET", "/hello", None),
    ("delete deployment", "DELETE", "/deployments/<deployment>", None),
    ("delete flow", "DELETE", "/flows/<flow>", None),
    ("delete no flow", "DELETE", f"/flows/{NOBODY}", None),
    (
        "artifact",
        "POST",
        "/artifacts/",
        {"key": "k", "type": "table", "data": "[]", "flow_run_id": "<run>"},
    ),
    ("artifact again", "POST", "/artifacts/", {"key": "k", "metadata_": {"a": "b"}}),
    ("artifact of a bad key", "POST", "/artifacts/", {"key": "A_b"}),
    ("read artifact", "GET", "/artifacts/<artifact>", None),
    ("read no artifact", "GET", f"/artifacts/{NOBODY}", None),
    ("latest artifact", "GET", "/artifacts/k/latest", None),
    ("latest of nothing", "GET", "/artifacts/nothing/latest", None),
    ("artifacts", "POST", "/artifacts/filter", {"artifacts": {"type": {"any_": ["table"]}}}),
    ("artifacts by nonsense", "POST", "/artifacts/filter", {"artifacts": {"nonsense": 1}}),
    ("latest artifacts", "POST", "/artifacts/latest/filter", {}),
    ("count artifacts", "POST", "/artifacts/count", {}),
    ("count latest artifacts", "POST", "/artifacts/latest/count", {}),
    ("change artifact", "PATCH", "/artifacts/<artifact>", {"data": 1}),
    ("change no artifact", "PATCH", f"/artifacts/{NOBODY}", {"data": 1}),
    ("delete artifact", "DELETE", "/artifacts/<artifact>", None),
    ("delete no artifact", "DELETE", f"/artifacts/{NOBODY}", None),
    ("delete nobody", "DELETE", f"/flow_runs/{NOBODY}", None),
    ("variable", "POST", "/variables/", {"name": "limits", "value": {"b": 1}, "tags": ["x"]}),
    ("variable again", "POST", "/variables/", {"name": "limits", "value": 2}),
    ("variable of a bad name", "POST", "/variables/", {"name": "A b", "value": 2}),
    ("variable of a long name", "POST", "/variables/", {"name": "v" * 256, "value": 2}),
    ("variable without a value", "POST", "/variables/", {"name": "nothing"}),
    ("variable of null", "POST", "/variables/", {"name": "null", "value": None}),
    ("variable of a long value", "POST", "/variables/", {"name": "l", "value": "v" * 5000}),
    ("variable of a huge number", "POST", "/variables/", {"name": "h", "value": 2**64}),
    ("read variable", "GET", "/variables/<variable>", None),
    ("read variable by name", "GET", "/variables/name/limits", None),
    ("read no variable", "GET", f"/variables/{NOBODY}", None),
    ("read no variable by name", "GET", "/variables/name/nothing", None),
    (
        "variables",
        "POST",
        "/variables/filter",
        {"variables": {"name": {"like_": "l%m"}, "tags": {"all_": ["x"]}}, "limit": None},
    ),
    ("variables without a body", "POST", "/variables/filter", None),
    ("too many variables", "POST", "/variables/filter", {"limit": 201}),
    ("variables by nonsense", "POST", "/variables/filter", {"variables": {"nonsense": 1}}),
    ("variables in no order", "POST", "/variables/filter", {"sort": "NOPE"}),
    ("count variables", "POST", "/variables/count", {"variables": {"tags": {"is_null_": True}}}),
    ("change variable", "PATCH", "/variables/<variable>", {"name": "caps", "value": [1]}),
    ("change variable by name", "PATCH", "/variables/name/caps", {"tags": []}),
    ("take a name that is taken", "PATCH", "/variables/name/caps", {"name": "null"}),
    ("take the tags away", "PATCH", "/variables/name/caps", {"tags": None}),
    ("take the name away", "PATCH", "/variables/name/caps", {"name": None}),
    ("read changed variable", "GET", "/variables/<variable>", None),
    ("change no variable", "PATCH", f"/variables/{NOBODY}", {"value": 1}),
    ("change no variable by name", "PATCH", "/variables/name/nothing", {"value": 1}),
    ("delete variable by name", "DELETE", "/variables/name/null", None),
    ("delete variable", "DELETE", "/variables/<variable>", None),
    ("delete no variable", "DELETE", "/variables/<variable>", None),
    ("limit", "POST", "/concurrency_limits/", {"tag": "money", "concurrency_limit": 1}),
    ("limit again", "POST", "/concurrency_limits/", {"tag": "money", "concurrency_limit": 2}),
    ("limit of none", "POST", "/concurrency_limits/", {"tag": "never", "concurrency_limit": 0}),
    ("take slots", "POST", "/concurrency_limits/increment", TAGGED),
    ("take more slots", "POST", "/concurrency_limits/increment", TAGGED),
    ("take too many slots", "POST", "/concurrency_limits/increment", TAGGED),
    ("take no slots", "POST", "/concurrency_limits/increment", {**TAGGED, "names": ["never"]}),
    ("read limit", "GET", "/concurrency_limits/<limit>", None),
    ("read limit of tag", "GET", "/concurrency_limits/tag/money", None),
    ("read limit of no tag", "GET", "/concurrency_limits/tag/nothing", None),
    ("limits of tags", "POST", "/concurrency_limits/filter", {}),
    ("give slots back", "POST", "/concurrency_limits/decrement", TAGGED),
    ("give nothing back", "POST", "/concurrency_limits/decrement", {**TAGGED, "names": ["x"]}),
    ("reset limit", "POST", "/concurrency_limits/tag/money/reset", {"slot_override": [NOBODY]}),
    ("reset no limit", "POST", "/concurrency_limits/tag/nothing/reset", {}),
    ("delete limit", "DELETE", "/concurrency_limits/<limit>", None),
    ("delete limit of tag", "DELETE", "/concurrency_limits/tag/never", None),
    ("delete no limit", "DELETE", f"/concurrency_limits/{NOBODY}", None),
    ("try values", "POST", "/ui/schemas/validate", {"schema": TRIED, "values": {"a": 1}}),
    (
        "try wrong values",
        "POST",
        "/ui/schemas/validate",
        {"schema": TRIED, "values": {"rows": [{"day": "x"}], "a": JINJA}},
    ),
    ("try no values", "POST", "/ui/schemas/validate", {"schema": {}}),
    ("try no schema", "POST", "/ui/schemas/validate", {"schema": {"type": "x"}, "values": {}}),
    ("try a circle", "POST", "/ui/schemas/validate", {"schema": {"$ref": "#"}, "values": {}}),
    ("btype", "POST", "/block_types/", {"name": "Vault", "slug": "vault", "description": "a & b"}),
    ("block type again", "POST", "/block_types/", {"name": "Vault", "slug": "vault"}),
    ("block type of a bad slug", "POST", "/block_types/", {"name": "a", "slug": "A_b"}),
    ("block type of Prefect", "POST", "/block_types/", {"name": "Prefect x", "slug": "x"}),
    ("read block type", "GET", "/block_types/<btype>", None),
    ("read block type by slug", "GET", "/block_types/slug/vault", None),
    ("read no block type", "GET", f"/block_types/{NOBODY}", None),
    ("change block type", "PATCH", "/block_types/<btype>", {"description": "new"}),
    ("change no block type", "PATCH", f"/block_types/{NOBODY}", {"description": "new"}),
    ("block types", "POST", "/block_types/filter", {"block_types": {"slug": {"any_": ["vault"]}}}),
    ("schema", "POST", "/block_schemas/", VAULT | {"capabilities": ["write-path"]}),
    ("block schema again", "POST", "/block_schemas/", VAULT),
    ("block schema of no type", "POST", "/block_schemas/", {"block_type_id": NOBODY}),
    ("read block schema", "GET", "/block_schemas/<schema>", None),
    ("read no block schema", "GET", f"/block_schemas/{NOBODY}", None),
    ("read no checksum", "GET", "/block_schemas/checksum/nothing", None),
    (
        "block schemas",
        "POST",
        "/block_schemas/filter",
        {"block_schemas": {"block_type_id": {"any_": ["<btype>"]}}},
    ),
    ("block capabilities", "GET", "/block_capabilities/", None),
    ("block", "POST", "/block_documents/", BLOCK | {"name": "inner", "data": {"token": "t"}}),
    ("block again", "POST", "/block_documents/", BLOCK | {"name": "inner"}),
    ("block without a name", "POST", "/block_documents/", BLOCK),
    ("block of a bad name", "POST", "/block_documents/", BLOCK | {"name": "A_b"}),
    ("anonymous block", "POST", "/block_documents/", BLOCK | {"is_anonymous": True}),
    ("outer", "POST", "/block_documents/", BLOCK | {"name": "outer", "data": {"x": INNER}}),
    ("block of nothing", "POST", "/block_documents/", BLOCK | {"name": "a", "data": {"x": NO_ID}}),
    ("read block", "GET", "/block_documents/<block>", None),
    ("read outer block", "GET", "/block_documents/<outer>?include_secrets=true", None),
    ("read no block", "GET", f"/block_documents/{NOBODY}", None),
    ("read block by name", "GET", "/block_types/slug/vault/block_documents/name/outer", None),
    ("read block by no name", "GET", "/block_types/slug/vault/block_documents/name/no", None),
    ("blocks of a type", "GET", "/block_types/slug/vault/block_documents", None),
    ("blocks of no type", "GET", "/block_types/slug/nothing/block_documents", None),
    ("change block", "PATCH", "/block_documents/<block>", {"data": {"token": "u"}}),
    ("circle of blocks", "PATCH", "/block_documents/<block>", {"data": {"x": OUTER}}),
    ("change no block", "PATCH", f"/block_documents/{NOBODY}", {"data": {}}),
    ("blocks", "POST", "/block_documents/filter", {"sort": "BLOCK_TYPE_AND_NAME_ASC"}),
    ("blocks by nonsense", "POST", "/block_documents/filter", {"block_documents": {"x": 1}}),
    ("count blocks", "POST", "/block_documents/count", {}),
    ("set result storage", "PUT", "/admin/storage", {STORAGE: "<block>"}),
    ("set no result storage", "PUT", "/admin/storage", {STORAGE: NOBODY}),
    ("set nonsense as result storage", "PUT", "/admin/storage", {}),
    ("read result storage", "GET", "/admin/storage", None),
    ("clear result storage", "DELETE", "/admin/storage", None),
    ("clear no result storage", "DELETE", "/admin/storage", None),
    ("delete block", "DELETE", "/block_documents/<block>", None),
    ("delete no block", "DELETE", "/block_documents/<block>", None),
    ("read block without its part", "GET", "/block_documents/<outer>", None),
    ("delete block schema", "DELETE", "/block_schemas/<schema>", None),
    ("delete no block schema", "DELETE", "/block_schemas/<schema>", None),
    ("delete block type", "DELETE", "/block_types/<btype>", None),
    ("delete no block type", "DELETE", "/block_types/<btype>", None),
]

UNKNOWN_IDS = "unknown ids are 404 (Prefect: 409 or 500)"
LISTED_CODES = {
    "run of no flow": UNKNOWN_IDS,
    "resume nobody": UNKNOWN_IDS,
    "input of a bad key": "malformed keys are 422 (Prefect: 500)",
    "change what is not there": "unknown fields are ignored, so that newer clients work",
}
LISTED_SHAPES = {
    r"/created_by$": "who created a run is recorded for scripts, too",
    r"/details/problems$": "every problem of an answer, not only the first",
    r"^/job_variables$": "none are {} (Prefect: null where there is an idempotency key)",
    r"/updated_by$": "changes of deployments are not signed",
}


@dataclass
class Server:
    client: httpx.Client
    ids: dict[str, str] = field(default_factory=dict)

    def call(self, name: str, method: str, path: str, body: Any) -> httpx.Response:
        content = None if body is None else json.loads(self._fill(json.dumps(body)))
        sent = {} if content is None else {"json": content}
        response = self.client.request(method, self._fill(path), **sent)
        if response.status_code == 201 and isinstance(created := response.json(), dict):
            self.ids.setdefault(name, created.get("id", ""))
        return response

    def _fill(self, text: str) -> str:
        return re.sub(r"<(\w+)>", lambda match: self.ids[match[1]], text)


@pytest.fixture(scope="module")
def both(both_apis: tuple[httpx.Client, httpx.Client]) -> tuple[Server, Server]:
    theirs, ours = both_apis
    return Server(theirs), Server(ours)


def shape(value: Any) -> Any:
    """Return what kind of value it is, with the names of its parts."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    if isinstance(value, list):
        # The first of several is another one on each server: only the names of its parts count
        is_one = len(value) == 1
        return [sorted(p) if isinstance(p, dict) and not is_one else shape(p) for p in value[:1]]
    if isinstance(value, str):
        if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value):
            return "id"
        return "time" if re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", value) else "text"
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "number"


def differences(theirs: Any, ours: Any, path: str = "") -> Iterator[str]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name in sorted({*theirs, *ours}):
            yield from differences(theirs.get(name), ours.get(name), f"{path}/{name}")
    elif isinstance(theirs, list) and isinstance(ours, list) and theirs and ours:
        yield from differences(theirs[0], ours[0], f"{path}[]")
    elif theirs != ours:
        yield path


def test_codes_and_shapes_are_those_of_a_prefect_server(both: tuple[Server, Server]) -> None:
    theirs, ours = both
    codes: dict[str, tuple[int, int]] = {}
    shapes: dict[str, set[str]] = {}
    for call in CALLS:
        name = call[0]
        their, our = theirs.call(*call), ours.call(*call)
        if their.status_code != our.status_code:
            codes[name] = (their.status_code, our.status_code)
        elif their.is_success and their.content:
            kinds = their.headers["Content-Type"], our.headers["Content-Type"]
            assert kinds[0] == kinds[1], name
            if "json" in kinds[0]:
                found = differences(shape(their.json()), shape(our.json()))
                shapes[name] = set(found)
        elif their.status_code == 404:
            assert "detail" in our.json(), name
    assert set(codes) == set(LISTED_CODES), codes
    met: set[str] = set()
    for name, paths in shapes.items():
        for path in paths:
            reasons = [pattern for pattern in LISTED_SHAPES if re.search(pattern, path)]
            assert reasons, f"{name}: {path} differs"
            met.update(reasons)
    assert met == set(LISTED_SHAPES)

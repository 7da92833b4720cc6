"""What clients ask about flow runs and task runs."""

from tests.dialect.calls import NOBODY, Call, Talk

BIG = {"x": "a" * 600_000}
_FLOW = "POST /flows/"
_RUN = "POST /flow_runs/"
_TASK = "POST /task_runs/"
_STATES = ("state.state_details.task_run_id", "state.state_details.flow_run_id")


def _too_many(path: str) -> list[Call]:
    return [
        Call(f"250 of {path}", f"POST {path}", {"limit": 250}),
        Call(f"-1 of {path}", f"POST {path}", {"limit": -1}),
        Call(f"200 of {path}", f"POST {path}", {"limit": 200}),
        Call(f"one too many of {path}", f"POST {path}", {"limit": 201}),
    ]


LISTS = (
    *("/logs/filter", "/flows/filter", "/flows/paginate", "/flow_runs/filter"),
    *("/flow_runs/paginate", "/deployments/filter", "/deployments/paginate", "/task_runs/filter"),
    *("/task_runs/paginate", "/artifacts/filter", "/artifacts/latest/filter", "/variables/filter"),
    *("/block_types/filter", "/block_schemas/filter", "/block_documents/filter"),
    *("/concurrency_limits/filter", "/v2/concurrency_limits/filter", "/automations/filter"),
)
LIMITS_OF_LISTS: Talk = [call for path in LISTS for call in _too_many(path)]
LIMITS_OF_LISTS += [
    Call("flow", _FLOW, {"name": "lists"}),
    Call("run", _RUN, {"flow_id": "<flow>"}),
    Call("250 inputs", "POST /flow_runs/<run>/input/filter", {"prefix": "", "limit": 250}),
    Call("-1 inputs", "POST /flow_runs/<run>/input/filter", {"prefix": "", "limit": -1}),
    Call(
        "250 due",
        "POST /deployments/get_scheduled_flow_runs",
        {"limit": 250} | {"deployment_ids": []},
    ),
    Call(
        "1001 due",
        "POST /deployments/get_scheduled_flow_runs",
        {"limit": 1001} | {"deployment_ids": []},
    ),
    Call("offset", "POST /flow_runs/filter", {"offset": -1}),
    Call("page", "POST /flow_runs/paginate", {"page": 0}),
    Call("events", "POST /events/filter", {"limit": 51}),
    Call("50 events", "POST /events/filter", {"limit": 50}),
    Call("no events", "POST /events/filter", {"limit": 0}),
]

SUBFLOWS: Talk = [
    Call("flow", _FLOW, {"name": "subflows"}),
    Call("parent", _RUN, {"flow_id": "<flow>"}),
    Call(
        "call",
        _TASK,
        {"flow_run_id": "<parent>", "task_key": "t", "dynamic_key": "0"},
        ("state.state_details.task_run_id", "state.state_details.child_flow_run_id"),
    ),
    Call("child", _RUN, {"flow_id": "<flow>", "parent_task_run_id": "<call>"}, _STATES),
    Call("run it", "POST /flow_runs/<child>/set_state", {"state": {"type": "RUNNING"}}, _STATES),
    Call(
        "end it",
        "POST /flow_runs/<child>/set_state",
        {"state": {"type": "COMPLETED"}, "force": True},
        _STATES,
    ),
    Call("read it", "GET /flow_runs/<child>", None, _STATES),
    Call(
        "states",
        "GET /flow_run_states/?flow_run_id=<child>",
        None,
        ("[].type", "[].state_details.task_run_id"),
    ),
    Call(
        "read the call",
        "GET /task_runs/<call>",
        None,
        ("state_type", "state.state_details.child_flow_run_id", "state.state_details.flow_run_id"),
    ),
    Call("a run alone", _RUN, {"flow_id": "<flow>"}, _STATES),
    Call("child of a stranger", _RUN, {"flow_id": "<flow>", "parent_task_run_id": NOBODY}, _STATES),
]

JOB_VARIABLES: Talk = [
    Call("flow", _FLOW, {"name": "job variables"}),
    Call("deployment", "POST /deployments/", {"name": "d", "flow_id": "<flow>"}),
    Call("due", "POST /deployments/<deployment>/create_flow_run", {}, ("state_type",)),
    Call("set", "PATCH /flow_runs/<due>", {"job_variables": {"a": 1}}),
    Call("read", "GET /flow_runs/<due>", None, ("job_variables",)),
    Call("take", "POST /flow_runs/<due>/set_state", {"state": {"type": "PENDING"}}),
    Call("set taken", "PATCH /flow_runs/<due>", {"job_variables": {"a": 2}}),
    Call("start", "POST /flow_runs/<due>/set_state", {"state": {"type": "RUNNING"}}),
    Call("set running", "PATCH /flow_runs/<due>", {"job_variables": {"a": 3}, "name": "n"}),
    Call("null", "PATCH /flow_runs/<due>", {"job_variables": None, "name": "other"}),
    Call("read running", "GET /flow_runs/<due>", None, ("name",)),
    Call("script", _RUN, {"flow_id": "<flow>", "state": {"type": "SCHEDULED"}}),
    Call("set of a script", "PATCH /flow_runs/<script>", {"job_variables": {"a": 1}}),
    Call("set of nobody", f"PATCH /flow_runs/{NOBODY}", {"job_variables": {"a": 1}}),
]

PARAMETERS: Talk = [
    Call("flow", _FLOW, {"name": "parameters"}),
    Call("run", _RUN, {"flow_id": "<flow>"}),
    Call("deployment", "POST /deployments/", {"name": "d", "flow_id": "<flow>"}),
    Call("big run", _RUN, {"flow_id": "<flow>", "parameters": BIG}),
    Call("big change", "PATCH /flow_runs/<run>", {"parameters": BIG}),
    Call(
        "big deployment",
        "POST /deployments/",
        {"name": "big", "flow_id": "<flow>", "parameters": BIG},
    ),
    Call("big change of it", "PATCH /deployments/<deployment>", {"parameters": BIG}),
    Call("big run of it", "POST /deployments/<deployment>/create_flow_run", {"parameters": BIG}),
    Call("largest", _RUN, {"flow_id": "<flow>", "parameters": {"x": "a" * (524_288 - 8)}}),
    Call("one more", _RUN, {"flow_id": "<flow>", "parameters": {"x": "a" * (524_288 - 7)}}),
    Call("in bytes", _RUN, {"flow_id": "<flow>", "parameters": {"x": "ä" * 100_000}}),
]

WORK_POOLS: Talk = [
    Call("flow", _FLOW, {"name": "work pools"}),
    Call("run in a pool", _RUN, {"flow_id": "<flow>", "work_pool_name": "nope"}),
    Call(
        "run in a queue",
        _RUN,
        {"flow_id": "<flow>", "work_pool_name": "nope", "work_queue_name": "q"},
    ),
    Call("run in none", _RUN, {"flow_id": "<flow>", "work_pool_name": None}),
    Call(
        "deployment in a pool",
        "POST /deployments/",
        {"name": "d", "flow_id": "<flow>", "work_pool_name": "nope"},
    ),
    Call(
        "deployment in a queue",
        "POST /deployments/",
        {"name": "q", "flow_id": "<flow>", "work_queue_name": "mine"},
        ("work_queue_name",),
    ),
]

_CALL = {"task_key": "k", "dynamic_key": "0"}
_MINE = "00000000-0000-4000-8000-00000000000{}"
TASK_RUNS_TWICE: Talk = [
    Call("flow", _FLOW, {"name": "task runs twice"}),
    Call("run", _RUN, {"flow_id": "<flow>"}),
    Call("alone", _TASK, {"task_key": "alone", "dynamic_key": "0"}, ("id", "labels")),
    Call("alone again", _TASK, {"task_key": "alone", "dynamic_key": "0"}, ("id",)),
    Call(
        "alone null", _TASK, {"task_key": "alone", "dynamic_key": "0", "flow_run_id": None}, ("id",)
    ),
    Call("another call", _TASK, {"task_key": "alone", "dynamic_key": "1"}, ("id",)),
    Call("of a run", _TASK, _CALL | {"flow_run_id": "<run>"}, ("id",)),
    Call("of a run again", _TASK, _CALL | {"flow_run_id": "<run>", "name": "x"}, ("id",)),
    Call(
        "named",
        _TASK,
        {"id": _MINE.format(1), "flow_run_id": "<run>", "task_key": "n", "dynamic_key": "0"},
        ("id",),
    ),
    Call(
        "named again",
        _TASK,
        {"id": _MINE.format(1), "flow_run_id": "<run>", "task_key": "n", "dynamic_key": "0"},
        ("id",),
    ),
    Call(
        "renamed",
        _TASK,
        {"id": _MINE.format(2), "flow_run_id": "<run>", "task_key": "n", "dynamic_key": "0"},
        ("id",),
    ),
    Call(
        "name taken",
        _TASK,
        {"id": _MINE.format(1), "flow_run_id": "<run>", "task_key": "n", "dynamic_key": "1"},
    ),
    Call("name taken alone", _TASK, {"id": _MINE.format(1), "task_key": "n", "dynamic_key": "1"}),
]

_LABELS = ("labels",)
LABELS: Talk = [
    Call("flow", _FLOW, {"name": "labels", "labels": {"of": "flow", "flow": 1}}, _LABELS),
    Call(
        "deployment",
        "POST /deployments/",
        {"name": "d", "flow_id": "<flow>", "labels": {"of": "deployment"}},
        _LABELS,
    ),
    Call("run", _RUN, {"flow_id": "<flow>", "labels": {"of": "run"}}, _LABELS),
    Call("task run", _TASK, _CALL | {"flow_run_id": "<run>", "labels": {"of": "task"}}, _LABELS),
    Call("run by id", _RUN, {"flow_id": "<flow>", "deployment_id": "<deployment>"}, _LABELS),
    Call("task run of it", _TASK, _CALL | {"flow_run_id": "<run by id>"}, _LABELS),
    Call("run of it", "POST /deployments/<deployment>/create_flow_run", {}, _LABELS),
    Call(
        "labelled run of it",
        "POST /deployments/<deployment>/create_flow_run",
        {"labels": {"of": "run", "prefect.flow.id": "mine"}},
        _LABELS,
    ),
    Call("task run of nobody", _TASK, {"task_key": "labels", "dynamic_key": "0"}, _LABELS),
    Call(
        "upsert",
        "POST /deployments/",
        {"name": "d", "flow_id": "<flow>", "labels": {"of": "upsert"}},
        _LABELS,
    ),
    Call("labelled flow", _FLOW, {"name": "labels", "labels": {"a": 1}}, _LABELS),
]


def _policy(number: int, **policy: object) -> dict[str, object]:
    return {"task_key": "p", "dynamic_key": str(number), "flow_run_id": "<run>"} | {
        "empirical_policy": policy
    }


_DELAY = ("empirical_policy.retry_delay", "empirical_policy.retry_jitter_factor")
_RETRIES = ("empirical_policy.retries", "empirical_policy.retry_delay")
TASK_POLICY: Talk = [
    Call("flow", _FLOW, {"name": "task policy"}),
    Call("run", _RUN, {"flow_id": "<flow>"}),
    Call("51 delays", _TASK, _policy(1, retries=3, retry_delay=[1] * 51)),
    Call("50 delays", _TASK, _policy(2, retries=3, retry_delay=[1] * 50)),
    Call("negative jitter", _TASK, _policy(3, retry_jitter_factor=-0.1)),
    Call("no jitter", _TASK, _policy(4, retry_jitter_factor=0), _DELAY),
    Call("parts of a second", _TASK, _policy(5, retries=1, retry_delay=0.5), _DELAY),
    Call("parts of seconds", _TASK, _policy(6, retries=2, retry_delay=[0.5, 1.5]), _DELAY),
    Call("old names", _TASK, _policy(7, max_retries=2, retry_delay_seconds=3), _RETRIES),
    Call("new names", _TASK, _policy(8, max_retries=2, retries=1, retry_delay=4), _RETRIES),
    Call(
        "old names of a run",
        _RUN,
        {"flow_id": "<flow>", "empirical_policy": {"max_retries": 2, "retry_delay_seconds": 3}},
        _RETRIES,
    ),
    Call("longest key", _TASK, {"task_key": "c", "dynamic_key": "0", "cache_key": "c" * 2000}),
    Call("long key", _TASK, {"task_key": "c", "dynamic_key": "1", "cache_key": "c" * 2001}),
]

VERSIONS: Talk = [
    Call("flow", _FLOW, {"name": "versions"}),
    Call("deployment", "POST /deployments/", {"name": "d", "flow_id": "<flow>", "version": "1.0"}),
    Call("run", "POST /deployments/<deployment>/create_flow_run", {}, ("deployment_version",)),
    Call("next", "PATCH /deployments/<deployment>", {"version": "2.0"}),
    Call("read run", "GET /flow_runs/<run>", None, ("deployment_version",)),
    Call("new run", "POST /deployments/<deployment>/create_flow_run", {}, ("deployment_version",)),
    Call(
        "by id",
        _RUN,
        {"flow_id": "<flow>", "deployment_id": "<deployment>"},
        ("deployment_version",),
    ),
    Call(
        "listed",
        "POST /flow_runs/filter",
        {"flows": {"name": {"any_": ["versions"]}}},
        ("[].deployment_version",),
    ),
]

TALKS = {
    "limits of lists": LIMITS_OF_LISTS,
    "subflows": SUBFLOWS,
    "job variables": JOB_VARIABLES,
    "size of parameters": PARAMETERS,
    "work pools": WORK_POOLS,
    "task runs twice": TASK_RUNS_TWICE,
    "labels": LABELS,
    "policy of tasks": TASK_POLICY,
    "version of the deployment": VERSIONS,
}

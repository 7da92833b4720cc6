"""Whether lists give what their criteria name and nothing beside it.

Two flows, of which one has runs with and without deployment, each run with task runs, and
artifacts of all of them: what is selected by one kind of object is never all that is near it.
"""

from tests.dialect.calls import Call, Talk

_RUN = "POST /flow_runs/"


def _task(run: str, key: str) -> dict[str, object]:
    return {"flow_run_id": f"<{run}>", "task_key": key, "dynamic_key": "0", "name": key}


def _artifact(key: str, **of: str) -> dict[str, str]:
    made_by = {f"{kind}_id": f"<{name}>" for kind, name in of.items()}
    return {"key": key, "type": "text", "data": key} | made_by


WORLD: Talk = [
    Call("flow", "POST /flows/", {"name": "world", "tags": ["w"]}),
    Call("other flow", "POST /flows/", {"name": "other world"}),
    Call("deployment", "POST /deployments/", {"name": "d", "flow_id": "<flow>", "tags": ["w"]}),
    Call("other deployment", "POST /deployments/", {"name": "o", "flow_id": "<other flow>"}),
    Call("deployed", "POST /deployments/<deployment>/create_flow_run", {"name": "deployed"}),
    Call("script", _RUN, {"flow_id": "<flow>", "name": "script"}),
    Call("other", "POST /deployments/<other deployment>/create_flow_run", {"name": "other"}),
    Call("first", "POST /task_runs/", _task("deployed", "first")),
    Call("second", "POST /task_runs/", _task("deployed", "second")),
    Call("of the script", "POST /task_runs/", _task("script", "third")),
    Call("of the other", "POST /task_runs/", _task("other", "fourth")),
    Call("run", "POST /flow_runs/<deployed>/set_state", {"state": {"type": "RUNNING"}}),
    Call("run a task", "POST /task_runs/<first>/set_state", {"state": {"type": "RUNNING"}}),
    Call("child", _RUN, {"flow_id": "<other flow>", "parent_task_run_id": "<second>"}),
    Call("of first", "POST /artifacts/", _artifact("one", task_run="first", flow_run="deployed")),
    Call("of second", "POST /artifacts/", _artifact("two", task_run="second", flow_run="deployed")),
    Call("of deployed", "POST /artifacts/", _artifact("three", flow_run="deployed")),
    Call("of other", "POST /artifacts/", _artifact("four", flow_run="other")),
    Call("of a task alone", "POST /artifacts/", _artifact("five", task_run="of the script")),
    Call("of nobody", "POST /artifacts/", _artifact("six")),
    Call("one again", "POST /artifacts/", _artifact("one", flow_run="script")),
]

_LISTS = {
    "flows": ("/flows/filter", "[].id"),
    "runs": ("/flow_runs/filter", "[].id"),
    "deployments": ("/deployments/filter", "[].id"),
    "task runs": ("/task_runs/filter", "[].id"),
    "artifacts": ("/artifacts/filter", "[].id"),
    "latest artifacts": ("/artifacts/latest/filter", "[].key"),
    "number of flows": ("/flows/count", ""),
    "number of runs": ("/flow_runs/count", ""),
    "number of deployments": ("/deployments/count", ""),
    "number of task runs": ("/task_runs/count", ""),
    "number of artifacts": ("/artifacts/count", ""),
    "number of latest artifacts": ("/artifacts/latest/count", ""),
}


def _any(*names: str) -> dict[str, list[str]]:
    return {"any_": [f"<{name}>" for name in names]}


_WORLD = {"name": {"any_": ["world", "other world"]}}
_CRITERIA: dict[str, dict[str, object]] = {
    "the flow": {"flows": {"id": _any("flow")}},
    "no flow": {"flows": {"name": {"any_": ["no such flow"]}}},
    "a flow without deployment": {"flows": _WORLD | {"deployment": {"is_null_": True}}},
    "the deployment": {"deployments": {"id": _any("deployment")}},
    "the run": {"flow_runs": {"id": _any("deployed")}},
    "the script": {"flow_runs": {"id": _any("script")}},
    "the child": {"flow_runs": {"id": _any("child")}},
    "runs of the task": {"flow_runs": {"parent_task_run_id": _any("second")}},
    "children of the run": {"flow_runs": {"parent_flow_run_id": _any("deployed")}},
    "the task run": {"task_runs": {"id": _any("first")}},
    "the other task run": {"task_runs": {"id": _any("second")}},
    "tasks of the run": {"task_runs": {"flow_run_id": _any("deployed")}},
    "running tasks": {"task_runs": {"state": {"type": {"any_": ["RUNNING"]}}}, "flows": _WORLD},
    "tasks with subflows": {"task_runs": {"subflow_runs": {"exists_": True}}, "flows": _WORLD},
    "tasks without subflows": {"task_runs": {"subflow_runs": {"exists_": False}}, "flows": _WORLD},
    "task and flow": {"task_runs": {"id": _any("first")}, "flows": {"id": _any("other flow")}},
    "task and run": {"task_runs": {"id": _any("first")}, "flow_runs": {"id": _any("deployed")}},
    "a criterion of none": {"task_runs": {}, "flows": _WORLD},
    "empty criteria": {"flow_runs": {}, "deployments": {}, "flows": _WORLD},
    "one or the other": {
        "flows": _WORLD,
        "flow_runs": {"operator": "or_", "id": _any("script"), "name": {"any_": ["other"]}},
    },
}
WORLD += [
    Call(f"{listed} by {by}", f"POST {path}", criteria, (shown,))
    for listed, (path, shown) in _LISTS.items()
    for by, criteria in _CRITERIA.items()
]
_OWN: list[tuple[str, dict[str, object]]] = [
    ("task", {"task_run_id": _any("first")}),
    ("run", {"flow_run_id": _any("deployed")}),
    ("id", {"id": _any("of first")}),
    ("key", {"key": {"any_": ["one"]}}),
    ("part of a key", {"key": {"like_": "iv"}}),
    ("pattern of a key", {"key": {"like_": "t%re_"}}),
    ("either", {"operator": "or_", "id": _any("of second"), "task_run_id": _any("first")}),
]
WORLD += [
    Call(f"artifacts by own {by}", "POST /artifacts/filter", {"artifacts": f}, ("[].id",))
    for by, f in _OWN
]

TALKS = {"lists by other objects": WORLD}

"""Record how a Prefect server judges transitions of a flow run, as the reference of our rules.

Start a server that does nothing by itself, in an environment that has Prefect 3.9.1:

    export PREFECT_HOME=$(mktemp -d)
    prefect server start --port 4299 --no-services --no-ui --analytics-off

then, in the project's environment (about a minute):

    python tests/recorders/prefect_transitions.py http://127.0.0.1:4299/api \
        > tests/data/prefect-3.9.1-transitions.json

The file holds the tables below beside the answers, so that the tests build the same transitions.
A time in the tables is a number of seconds from now.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import httpx

type Json = dict[str, Any]
type Case = tuple[str, str, tuple[str, ...]]

KEYSET = {
    "schema": "paused-1-schema",
    "description": "paused-1-description",
    "response": "paused-1-response",
}
TRANSITION_ID = "00000000-0000-4000-8000-000000000001"
RESULT = {"type": "reference", "storage_key": "result"}

KINDS: dict[str, Json] = {
    "Pending": {"type": "PENDING"},
    "Scheduled": {"type": "SCHEDULED", "state_details": {"scheduled_time": -1}},
    "Late": {"type": "SCHEDULED", "name": "Late", "state_details": {"scheduled_time": -1}},
    "Resuming": {"type": "SCHEDULED", "name": "Resuming", "state_details": {"scheduled_time": -1}},
    "AwaitingRetry": {
        "type": "SCHEDULED",
        "name": "AwaitingRetry",
        "state_details": {"scheduled_time": -1},
    },
    "Running": {"type": "RUNNING"},
    "Paused": {"type": "PAUSED", "state_details": {"pause_timeout": 3600, "pause_key": "1"}},
    "Suspended": {
        "type": "PAUSED",
        "name": "Suspended",
        "state_details": {"pause_timeout": 3600, "pause_key": "1", "pause_reschedule": True},
    },
    "Cancelling": {"type": "CANCELLING"},
    "Completed": {"type": "COMPLETED"},
    "Failed": {"type": "FAILED", "message": "It failed."},
    "Crashed": {"type": "CRASHED"},
    "Cancelled": {"type": "CANCELLED"},
}
SCHEDULED = ("Scheduled", "Late", "Resuming", "AwaitingRetry")
PAUSES = ("Paused", "Suspended")
ENDED = ("Completed", "Failed", "Crashed", "Cancelled")

# What a condition adds to the initial state, to the proposed one, and to the run.
CONDITIONS: dict[str, Json] = {
    "deployed": {"run": {"deployed": True}},
    "forced": {},
    "has a process": {"run": {"infrastructure_pid": "4711"}},
    "subflow": {"run": {"subflow": True}},
    "overdue": {"initial": {"state_details": {"pause_timeout": -60}}},
    "asks for input": {"initial": {"state_details": {"run_input_keyset": KEYSET}}},
    "key seen": {"run": {"pause_keys": ["1"]}},
    "no key": {"proposed": {"state_details": {"pause_key": None}}},
    "retries left": {"run": {"retries": 1, "retry_delay": 5}},
    "retries used": {"run": {"retries": 0}},
    "resuming": {"run": {"resuming": True}},
    "has a result": {"initial": {"data": RESULT}},
    "has an unpersisted result": {"initial": {"data": {"type": "unpersisted"}}},
    "brings a result": {"proposed": {"data": RESULT}},
    "due later": {"initial": {"state_details": {"scheduled_time": 3600}}},
    "named Submitting": {"proposed": {"name": "Submitting"}},
    "sent twice": {
        "initial": {"state_details": {"transition_id": TRANSITION_ID}},
        "proposed": {"state_details": {"transition_id": TRANSITION_ID}},
    },
}


def list_cases() -> Iterator[Case]:
    """List every pair of states, then the pairs that a condition may tell apart."""
    yield from cases(KINDS, KINDS)
    yield from cases(KINDS, ["Cancelling"], "has a process")
    yield from cases(["Running"], [*PAUSES, "Cancelling"], "subflow")
    yield from cases(["Suspended"], KINDS, "subflow")
    yield from cases(PAUSES, KINDS, "overdue")
    yield from cases(PAUSES, KINDS, "asks for input")
    yield from cases(["Running"], PAUSES, "key seen")
    yield from cases(["Running"], PAUSES, "no key")
    yield from cases(ENDED, ["Pending", "Scheduled", "Running", "Failed"], "key seen")
    yield from cases(["Running", "Pending"], ["Failed", "Crashed"], "retries left")
    yield from cases(["Running"], ["Failed"], "retries left", "key seen")
    yield from cases(["Running"], ["Failed"], "retries used")
    yield from cases(["Resuming", "Pending"], ["Pending", "Running", "Failed"], "resuming")
    yield from cases(PAUSES, ["Running", "Resuming", "Failed"], "resuming")
    yield from cases(["Completed"], KINDS, "has a result")
    yield from cases(["Completed"], ["Completed"], "has a result", "brings a result")
    yield from cases(["Completed"], ["Running", "Completed"], "has an unpersisted result")
    yield from cases([*SCHEDULED, "Pending"], ["Pending", "Running"], "due later")
    yield from cases(["Pending", "Running"], ["Pending"], "named Submitting")
    yield from cases(["Pending"], ["Pending"], "named Submitting", "due later")
    yield from cases(["Running", "Paused"], ["Running", "Paused"], "sent twice")


def cases(initials: Iterable[str], proposals: Iterable[str], *given: str) -> Iterator[Case]:
    ways = [(), ("deployed",), ("forced",), ("deployed", "forced")]
    for way, initial, proposed in product(ways, list(initials), list(proposals)):
        yield initial, proposed, (*way, *given)


class Recorder:
    """Makes one flow run per case and tells what became of it."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.flow_id = self.post("/flows/", {"name": "transitions"})["id"]
        deployment = {"name": "transitions", "flow_id": self.flow_id}
        self.deployment_id = self.post("/deployments/", deployment)["id"]

    def post(self, path: str, body: Json) -> Any:
        response = self.client.post(path, json=body)
        return response.raise_for_status().json()

    def record(self, case: Case) -> Json:
        initial, proposed, given = case
        run_id = self.start_run(make_state(initial, "initial", given), run_facts(given))
        response = self.client.post(
            f"/flow_runs/{run_id}/set_state",
            json={"state": make_state(proposed, "proposed", given), "force": "forced" in given},
        )
        run = self.client.get(f"/flow_runs/{run_id}").raise_for_status().json()
        told = {"from": initial, "to": proposed, "given": given, "http": response.status_code}
        written = {"run": read_run(run)} if response.status_code == 201 else {}
        return told | read_result(response.json()) | written

    def start_run(self, state: Json, facts: Json) -> str:
        policy = {k: facts[k] for k in facts.keys() & {"pause_keys", "retries", "retry_delay"}}
        # A new run whose state brings data is answered with 500; it gets its state afterwards.
        first = KINDS["Pending"] if "data" in state else state
        body = {"flow_id": self.flow_id, "state": first, "empirical_policy": policy}
        if facts.get("deployed"):
            body["deployment_id"] = self.deployment_id
        if facts.get("subflow"):
            body["parent_task_run_id"] = self.start_parent()
        run_id: str = self.post("/flow_runs/", body)["id"]
        if "data" in state:
            self.post(f"/flow_runs/{run_id}/set_state", {"state": state, "force": True})
        patch = {"infrastructure_pid": facts.get("infrastructure_pid")}
        if facts.get("resuming"):
            patch["empirical_policy"] = policy | {"resuming": True}
        self.client.patch(f"/flow_runs/{run_id}", json=patch).raise_for_status()
        return run_id

    def start_parent(self) -> str:
        parent = self.post("/flow_runs/", {"flow_id": self.flow_id, "state": KINDS["Running"]})
        task = {"flow_run_id": parent["id"], "task_key": "child", "dynamic_key": "0"}
        task_run_id: str = self.post("/task_runs/", task)["id"]
        return task_run_id


def make_state(kind: str, role: str, given: tuple[str, ...]) -> Json:
    state = dict(KINDS[kind])
    details = dict(state.get("state_details", {}))
    for condition in given:
        added = CONDITIONS[condition].get(role, {})
        details |= added.get("state_details", {})
        state |= added
    for name in details.keys() & {"scheduled_time", "pause_timeout"}:
        details[name] = (datetime.now(UTC) + timedelta(seconds=details[name])).isoformat()
    return state | {"state_details": details}


def run_facts(given: tuple[str, ...]) -> Json:
    facts: Json = {}
    for condition in given:
        facts |= CONDITIONS[condition].get("run", {})
    return facts


def read_result(result: Json) -> Json:
    state, details = result["state"] or {}, result["details"]
    told = {
        "status": result["status"],
        "state": [state.get("type"), state.get("name"), state.get("message")],
        "details": details["type"],
        "reason": details.get("reason"),
        "delay": details.get("delay_seconds"),
        "due": read_due_time(state),
    }
    return {name: value for name, value in told.items() if value is not None}


def read_due_time(state: Json) -> int | None:
    due = (state.get("state_details") or {}).get("scheduled_time")
    return due and round((datetime.fromisoformat(due) - datetime.now(UTC)).total_seconds())


def read_run(run: Json) -> Json:
    policy = run["empirical_policy"]
    return {
        "run_count": run["run_count"],
        "pause_keys": sorted(k if k == "1" else "random" for k in policy["pause_keys"]),
        "resuming": policy["resuming"],
        "retry_type": policy["retry_type"],
        "started": run["start_time"] is not None,
        "ended": run["end_time"] is not None,
        "scheduled": run["next_scheduled_start_time"] is not None,
    }


def main(url: str) -> None:
    with httpx.Client(base_url=url, timeout=60) as client:
        recorder = Recorder(client)
        version = client.get("/admin/version").raise_for_status().json()
        lines = [json.dumps(recorder.record(case)) for case in list_cases()]
    head = {"prefect": version, "kinds": KINDS, "conditions": CONDITIONS}
    print(json.dumps(head)[:-1] + ', "cases": [')
    print(",\n".join(lines) + "\n]}")


if __name__ == "__main__":
    main(sys.argv[1])

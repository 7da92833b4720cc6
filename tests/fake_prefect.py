"""A server that speaks as much of Prefect's dialect as a mirror asks, and misbehaves on demand."""

import asyncio
import json
import threading
import time
from base64 import b64decode
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import uuid4

import uvicorn

type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]

SCHEMA = {
    "type": "object",
    "properties": {"approve": {"type": "boolean"}, "until": {"type": "string", "format": "date"}},
    "required": ["approve"],
}

_TO_CANCEL = {"CANCELLING", "RUNNING", "SCHEDULED"}


@dataclass
class Fault:
    """What happens to a request whose "METHOD path" begins so: `status`, or else a cut reply."""

    request: str
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    # Whether the request is carried out all the same.
    takes_effect: bool = False


class FakePrefect:
    """Runs in memory; `url` is its API's address while `running()`."""

    def __init__(self) -> None:
        self._port, self._scheme = 0, "http"
        self._listeners: list[asyncio.Queue[str | None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self.forget()

    def forget(self) -> None:
        """Be as new, to new listeners."""
        self.hang_up()
        self._listeners = []
        self.auth, self.version, self.prefix, self.csrf_token = "", "3.9.1", "/api", ""
        self.streams, self.is_away = True, False
        self.clock_ahead = timedelta(0)
        self.runs: dict[str, dict[str, Any]] = {}
        self.states: dict[str, list[dict[str, Any]]] = {}
        self.inputs: dict[tuple[str, str], dict[str, Any]] = {}
        self.flow_names: dict[str, str] = {}
        self.deployments: dict[str, dict[str, Any]] = {}
        self.artifacts: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.before: Callable[[str], object] = str
        self.said: list[dict[str, Any]] = []
        self.socket_headers: dict[str, str] = {}

    @property
    def _token(self) -> str:
        """What the stream wants: an API key, or the auth string in the clear."""
        kind, _, secret = self.auth.partition(" ")
        return b64decode(secret).decode() if kind == "Basic" else secret

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._port}{self.prefix}"

    # What a test sets up

    def pause(
        self,
        *,
        suspended: bool = False,
        asks: bool = True,
        deadline: datetime | None = None,
        **fields: Any,
    ) -> tuple[str, str]:
        """Make a run that waits; return its id and that of its pause."""
        run_id = str(uuid4())
        name = "Suspended" if suspended else "Paused"
        base = f"{name.lower()}-1"
        keyset = {part: f"{base}-{part}" for part in ("schema", "description", "response")}
        start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=len(self.runs))
        self.runs[run_id] = {
            "id": run_id,
            "name": f"run-{len(self.runs)}",
            "flow_id": str(uuid4()),
            "tags": [],
            "expected_start_time": start.isoformat(),
        } | fields
        details = {"pause_key": "1", "pause_reschedule": suspended}
        if deadline is not None:
            details["pause_timeout"] = deadline.isoformat()
        if asks:
            details |= {"run_input_keyset": keyset}
            self.store(run_id, keyset["schema"], json.dumps(SCHEMA))
        return run_id, self.put(run_id, "PAUSED", name=name, state_details=details)["id"]

    def put(self, run_id: str, kind: str, **fields: Any) -> dict[str, Any]:
        """Put a run into a state."""
        state = {
            "id": str(uuid4()),
            "type": kind,
            "name": kind.capitalize(),
            "timestamp": datetime.now(UTC).isoformat(),
            "state_details": {},
        } | {name: value for name, value in fields.items() if value is not None}
        self.states.setdefault(run_id, []).append(state)
        self.runs[run_id] |= {"state": state, "state_id": state["id"], "state_type": kind}
        return state

    def store(self, run_id: str, key: str, value: str, sender: str | None = None) -> None:
        self.inputs[run_id, key] = {
            "id": str(uuid4()),
            "flow_run_id": run_id,
            "key": key,
            "value": value,
            "sender": sender,
            "created": datetime.now(UTC).isoformat(),
        }

    def answer_of(self, run_id: str, key: str = "paused-1-response") -> str | None:
        row = self.inputs.get((run_id, key))
        return row["value"] if row else None

    def kinds_of(self, run_id: str) -> list[str]:
        return [state["type"] for state in self.states[run_id]]

    def tell(self, run_id: str, **labels: str) -> None:
        """Send the event of a run's present state to everybody who listens."""
        state = self.runs[run_id]["state"]
        event = {
            "id": state["id"],
            "occurred": state["timestamp"],
            "event": f"prefect.flow-run.{state['name']}",
            "resource": {
                "prefect.resource.id": f"prefect.flow-run.{run_id}",
                "prefect.state-type": state["type"],
            }
            | labels,
        }
        self._say(json.dumps({"type": "event", "event": event}))

    def hang_up(self) -> None:
        self._say(None)

    def _say(self, text: str | None) -> None:
        for queue in self._listeners:
            assert self._loop is not None
            self._loop.call_soon_threadsafe(queue.put_nowait, text)

    @contextmanager
    def running(self, *, certificate: str | None = None) -> Iterator["FakePrefect"]:
        """Serve on a port of its own, in a thread; by https with a file of certificate and key."""
        config = uvicorn.Config(
            self,
            port=0,
            log_level="critical",
            lifespan="off",
            date_header=False,
            ssl_certfile=certificate,
        )
        self._scheme = "https" if certificate else "http"
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        self._port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self.hang_up()
            server.should_exit = True
            thread.join(10)

    # What it serves

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        self._loop = asyncio.get_running_loop()
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        if scope["type"] == "websocket":
            self.socket_headers = headers
            await self._stream(receive, send)
            return
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        path = scope["path"].removeprefix(self.prefix) or "/"
        if path == scope["path"] and not path.endswith("/me/workspaces"):
            path = f"/none{path}"
        request = f"{scope['method']} {path}"
        self.requests.append(request)
        self.headers.append(headers)
        self.before(request)
        query = dict(p.split("=", 1) for p in scope["query_string"].decode().split("&") if "=" in p)
        await self._reply(send, *self._answer(request, headers, json.loads(body or b"null"), query))

    def _answer(
        self, request: str, headers: dict[str, str], body: Any, query: dict[str, str]
    ) -> tuple[int | None, Any, dict[str, str]]:
        if self.is_away:
            return 503, None, {}
        fault = next((each for each in self.faults if request.startswith(each.request)), None)
        if fault is not None:
            self.faults.remove(fault)
            if fault.takes_effect:
                self._carry_out(request, body, query)
            return fault.status, {"exception_message": "Fault"}, fault.headers
        if self.auth and headers.get("authorization") != self.auth:
            return 401, {"exception_message": "Unauthorized"}, {}
        needs_token = self.csrf_token and not request.startswith("GET")
        if needs_token and headers.get("prefect-csrf-token") != self.csrf_token:
            return 403, {"detail": "Missing CSRF token."}, {}
        return *self._carry_out(request, body, query), {}

    def _carry_out(  # noqa: PLR0911 -- a table
        self, request: str, body: Any, query: dict[str, str]
    ) -> tuple[int, Any]:
        method, path = request.split(" ", 1)
        match [method, *path.strip("/").split("/")]:
            case ["GET", "admin", "version"]:
                return 200, self.version
            case ["GET", *_, "me", "workspaces"]:
                return 200, []
            case ["GET", "csrf-token"]:
                return (200, {"token": self.csrf_token}) if self.csrf_token else (422, {})
            case ["GET", "flow_run_states"]:
                return 200, self.states.get(query["flow_run_id"], [])[::-1]
            case ["GET", "deployments", deployment_id]:
                found = self.deployments.get(deployment_id)
                return (200, found) if found else (404, {"detail": "Deployment not found"})
            case ["POST", "flow_runs", "filter"]:
                return 200, self._find(body)
            case ["POST", "flow_runs", "count"]:
                return 200, len(self._matching(body["flow_runs"]))
            case [_, "flow_runs", run_id, *rest]:
                if run_id not in self.runs and rest != ["input", "filter"]:
                    return (500 if rest == ["resume"] else 404), {"detail": "Flow run not found"}
                return self._ask_run(method, run_id, rest, body)
        return self._read_details(method, path, body)

    def _read_details(  # noqa: PLR0911 -- a table
        self, method: str, path: str, body: Any
    ) -> tuple[int, Any]:
        """Answer what the page of a run asks beside the run."""
        match [method, *path.strip("/").split("/")]:
            case ["GET", "flows", flow_id]:
                return 200, self._describe_flow(flow_id)
            case ["POST", "flows", "filter"]:
                ids = body["flows"]["id"]["any_"]
                return 200, [self._describe_flow(each) for each in ids]
            case ["POST", "deployments", "filter"]:
                ids = body["deployments"]["id"]["any_"]
                known = self.deployments
                return 200, [known[each] | {"id": each} for each in ids if each in known]
            case ["POST", "logs" | "task_runs", "filter"]:
                return 200, []
            case ["POST", "artifacts", "filter"]:
                return 200, self.artifacts
            case ["GET", "artifacts", artifact_id]:
                found = next((a for a in self.artifacts if a["id"] == artifact_id), None)
                return (200, found) if found else (404, {"detail": "Artifact not found"})
        return 404, {"detail": "Not Found"}

    def _describe_flow(self, flow_id: str) -> dict[str, Any]:
        return {"id": flow_id, "name": self.flow_names.get(flow_id, "refund"), "tags": []}

    def _ask_run(  # noqa: PLR0911 -- a table
        self, method: str, run_id: str, rest: list[str], body: Any
    ) -> tuple[int, Any]:
        match [method, *rest]:
            case ["GET"]:
                return 200, self.runs[run_id]
            case ["POST", "input", "filter"]:
                rows = [row for (run, key), row in self.inputs.items() if run == run_id]
                return 200, [row for row in rows if row["key"].startswith(body["prefix"])]
            case ["POST", "input"]:
                if (run_id, body["key"]) in self.inputs:
                    return 409, {"detail": "A flow run input with this key already exists."}
                self.store(run_id, body["key"], body["value"], body.get("sender"))
                return 201, None
            case ["DELETE", "input", key]:
                return (204, None) if self.inputs.pop((run_id, key), None) else (404, None)
            case ["POST", "set_state"]:
                return self._judge(run_id, body["state"])
            case ["POST", "resume"]:
                literal = body["run_input"]
                self.store(run_id, "paused-1-response", literal["value"] if literal else "{}")
                return self._judge(run_id, {"type": "RUNNING"})
        return 404, {"detail": "Not Found"}

    def _judge(self, run_id: str, proposed: dict[str, Any]) -> tuple[int, Any]:
        kind = self.runs[run_id]["state_type"]
        is_cancel = kind in _TO_CANCEL and proposed["type"] == "CANCELLED"
        if kind != "PAUSED" and not is_cancel:
            reason = {"type": "abort_details", "reason": "It is not paused."}
            return 200, {"status": "ABORT", "state": None, "details": reason}
        if self._ends_without_deployment(run_id, proposed):
            if proposed["type"] == "CANCELLED":
                reason = {"type": "reject_details", "reason": "Cannot reschedule a rejected run."}
                return 200, {
                    "status": "REJECT",
                    "state": self.runs[run_id]["state"],
                    "details": reason,
                }
            state = self.put(run_id, "CANCELLED")
            return 201, {"status": "REJECT", "state": state, "details": {"type": "reject_details"}}
        state = self.put(run_id, proposed.pop("type"), **proposed)
        return 201, {"status": "ACCEPT", "state": state, "details": {"type": "accept_details"}}

    def _ends_without_deployment(self, run_id: str, proposed: dict[str, Any]) -> bool:
        """Whether a suspended run that nothing can bring back is to end."""
        run = self.runs[run_id]
        is_suspended = run["state"]["state_details"].get("pause_reschedule")
        is_ending = proposed["type"] in {"CANCELLED", "CANCELLING"}
        return bool(is_suspended) and is_ending and not run.get("deployment_id")

    def _matching(self, criteria: dict[str, Any]) -> list[dict[str, Any]]:
        found = sorted(self.runs.values(), key=lambda run: str(run["expected_start_time"]))
        ids, kinds = criteria.get("id", {}), criteria.get("state", {}).get("type", {})
        tags = set(criteria.get("tags", {}).get("any_", ()))
        after = criteria.get("expected_start_time", {}).get("after_", "")
        any_ids, other_ids = (
            None if ids.get(name) is None else set(ids[name]) for name in ("any_", "not_any_")
        )
        return [
            run
            for run in found
            if (any_ids is None or run["id"] in any_ids)
            and (other_ids is None or run["id"] not in other_ids)
            and ("any_" not in kinds or run["state_type"] in kinds["any_"])
            and run["state_type"] not in kinds.get("not_any_", ())
            and (not tags or tags & set(run["tags"]))
            and str(run["expected_start_time"]) >= after
        ]

    def _find(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        found = self._matching(body["flow_runs"])
        return found[body["offset"] : body["offset"] + body["limit"]]

    async def _reply(
        self, send: Send, status: int | None, body: Any, headers: dict[str, str]
    ) -> None:
        """Answer; a reply without a status is cut off in the middle."""
        content = b"" if status == 204 else json.dumps(body).encode()
        length = str(len(content) + (100 if status is None else 0))
        date = format_datetime(datetime.now(UTC) + self.clock_ahead, usegmt=True)
        told = {"content-type": "application/json", "content-length": length, "date": date}
        pairs = [(name.encode(), value.encode()) for name, value in (told | headers).items()]
        await send({"type": "http.response.start", "status": status or 200, "headers": pairs})
        await send({"type": "http.response.body", "body": content, "more_body": status is None})

    async def _stream(self, receive: Receive, send: Send) -> None:
        await receive()
        if self.is_away or not self.streams:
            await send({"type": "websocket.close"})
            return
        await send({"type": "websocket.accept", "subprotocol": "prefect"})
        auth = json.loads((await receive())["text"])
        self.said.append(auth)
        if self.auth and auth["token"] != self._token:
            await send({"type": "websocket.close", "code": 1008, "reason": "Invalid token"})
            return
        await send({"type": "websocket.send", "text": '{"type": "auth_success"}'})
        self.said.append(json.loads((await receive())["text"]))
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._listeners.append(queue)
        while (text := await queue.get()) is not None:
            await send({"type": "websocket.send", "text": text})
        await send({"type": "websocket.close", "code": 1012, "reason": "service restart"})

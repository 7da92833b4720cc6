"""Flows that wait, and reviewers at their browsers."""

import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    StorageState,
    expect,
)

from tests.browser.tabs import Tab
from tests.failed_pages import keep_failed_pages

PASSWORD = "correct horse battery"
REFUND = {
    "type": "object",
    "properties": {
        "approve": {"type": "boolean", "title": "Approve"},
        "reason": {"type": "string", "title": "Reason", "default": ""},
    },
    "required": ["approve"],
}
ITEMS = {
    "type": "object",
    "properties": {
        "items": {"type": "array", "items": {"type": "string"}, "title": "Items"},
        "note": {"type": "string", "title": "Note", "default": ""},
    },
    "required": ["items"],
}

# The same at runs of this server, and at those of another
here_and_elsewhere = pytest.mark.parametrize("flows", ["here", "elsewhere"], indirect=True)

_LOSE = """
from datetime import UTC, datetime, timedelta
from flowruns.models import FlowRun, Listener
before = datetime.now(UTC) - timedelta(minutes=1)
Listener.objects.update(since=before)
FlowRun.objects.filter(pk="{id}").update(attended_at=before)
"""


class Flows:
    """Flows as the server knows them, through its API."""

    def __init__(self, client: httpx.Client, *, manage: Callable[..., str]) -> None:
        self._client = client
        self._manage = manage

    def pause(
        self,
        flow: str = "refund",
        *,
        schema: Any = None,
        question: str = "Refund **2.50 EUR**?",
        seconds: float = 3600,
        **fields: Any,
    ) -> "Waiting":
        """Start a run that waits for an answer, or for an approval where no schema is given."""
        flow_id = self._post("flows/", {"name": flow})["id"]
        body = {"flow_id": flow_id, "state": {"type": "RUNNING"}, **fields}
        run = self._post("flow_runs/", body)
        deadline = datetime.now(UTC) + timedelta(seconds=seconds)
        details: dict[str, Any] = {"pause_timeout": deadline.isoformat(), "pause_key": uuid4().hex}
        if schema is not None:
            parts = ("schema", "description", "response")
            details["run_input_keyset"] = {part: f"p-{part}" for part in parts}
            if schema:
                self.put(run["id"], "p-schema", schema)
            self.put(run["id"], "p-description", question)
        state = {"type": "PAUSED", "state_details": details}
        verdict = self._post(f"flow_runs/{run['id']}/set_state", {"state": state})
        assert verdict["status"] == "ACCEPT"
        return Waiting(self, run["id"], run["name"])

    def put(self, flow_run_id: str, key: str, value: Any) -> None:
        self._post(f"flow_runs/{flow_run_id}/input", {"key": key, "value": json.dumps(value)})

    def replace_schema(self, flow_run_id: str, schema: Any) -> None:
        """Ask something else at the same pause."""
        self.replace_input(flow_run_id, "p-schema", schema)

    def replace_input(self, flow_run_id: str, key: str, value: Any) -> None:
        self._client.delete(f"flow_runs/{flow_run_id}/input/{key}").raise_for_status()
        self.put(flow_run_id, key, value)

    def pause_again(self, waiting: "Waiting") -> None:
        """Ask the same once more, as a run does whose flow crashed on the answer."""
        deadline = datetime.now(UTC) + timedelta(hours=1)
        details = {
            "pause_timeout": deadline.isoformat(),
            "pause_key": uuid4().hex,
            "run_input_keyset": {
                "schema": "p-schema", "description": "p-description", "response": "p-response-2",
            },
        }  # fmt: skip
        state = {"type": "PAUSED", "state_details": details}
        verdict = self._post(f"flow_runs/{waiting.id}/set_state", {"state": state})
        assert verdict["status"] == "ACCEPT"

    def log(self, flow_run_id: str, message: str, level: int = 20) -> None:
        now = datetime.now(UTC).isoformat()
        line = {"name": "flow", "level": level, "message": message, "timestamp": now}
        self._post("logs/", [{**line, "flow_run_id": flow_run_id}])

    def show(self, flow_run_id: str, kind: str, data: Any, **fields: Any) -> str:
        """Have a run make an artifact, and return its id."""
        body = {"type": kind, "data": data, "flow_run_id": flow_run_id, **fields}
        return str(self._post("artifacts/", body)["id"])

    def update_artifact(self, artifact_id: str, data: Any) -> None:
        self._client.patch(f"artifacts/{artifact_id}", json={"data": data}).raise_for_status()

    def resume(self, waiting: "Waiting", answer: Any) -> None:
        """Answer with the API key, as a program does."""
        verdict = self._post(f"flow_runs/{waiting.id}/resume", {"run_input": answer})
        assert verdict["status"] == "ACCEPT"

    def lose(self, waiting: "Waiting") -> None:
        """Let the process that waits have been there, and be gone for a while."""
        self._manage("shell", "--command", _LOSE.format(id=waiting.id))

    def clear(self) -> None:
        """Delete every run, so that a test finds an empty inbox."""
        while runs := self._post("flow_runs/filter", {"limit": 200}):
            for run in runs:
                self._client.delete(f"flow_runs/{run['id']}").raise_for_status()

    def read(self, flow_run_id: str) -> Any:
        return self._client.get(f"flow_runs/{flow_run_id}").raise_for_status().json()

    def read_answer(self, flow_run_id: str) -> Any:
        response = self._client.get(f"flow_runs/{flow_run_id}/input/p-response")
        answer = response.raise_for_status().json()
        return json.loads(answer) if isinstance(answer, str) else answer

    def _post(self, path: str, body: Any) -> Any:
        response = self._client.post(path, json=body)
        assert response.is_success, response.text
        return response.json() if response.content else None


class Waiting:
    """A run that waits, and the flow's side of it."""

    def __init__(self, flows: Flows, flow_run_id: str, name: str) -> None:
        self._flows = flows
        self.id = flow_run_id
        self.name = name

    @property
    def state(self) -> Any:
        return self._flows.read(self.id)["state"]

    @property
    def answer(self) -> Any:
        return self._flows.read_answer(self.id)


# What the browser of somebody who has logged in stores, by server and name.
_sessions: dict[tuple[str, str], StorageState] = {}


class Reviewer:
    """Somebody at a browser of their own; it is closed at the end, and should not complain."""

    def __init__(self, browser: Browser, url: str, name: str, **options: Any) -> None:
        self.url, self.name, self._browser = url, name, browser
        self.complaints: list[str] = []
        self._tab = Tab(browser, url, **options)
        self.page: Page = self._tab.page
        self.page.on("console", self._note)
        self.page.on("pageerror", self._note_error)

    @property
    def context(self) -> BrowserContext:
        """What all tabs of theirs share; who asks for it has it alone."""
        return self._tab.context

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            test = os.environ["PYTEST_CURRENT_TEST"].rpartition(" (")[0]
            complaints = "\n".join(self.complaints)
            assert not complaints, f"{complaints}\n{keep_failed_pages(self._browser, test)}"
        finally:
            self.page.remove_listener("console", self._note)
            self.page.remove_listener("pageerror", self._note_error)
            self._tab.leave()

    def _note(self, message: ConsoleMessage) -> None:
        # A page that says 4xx is an answer; a request that ends with its page is left behind.
        usual = ("Failed to load resource", "Response Status Error Code 4")
        left_behind = ("htmx:sendAbort", "htmx:sendError", "htmx:afterRequest")
        if message.type == "error" and not message.text.startswith((*usual, *left_behind)):
            self.complaints.append(message.text)

    def _note_error(self, error: Error) -> None:
        self.complaints.append(str(error))

    def log_in(self, *, anew: bool = False) -> Self:
        """Take the session of all tests, unless one `anew` is asked for; no page is opened."""
        who = (self.url, self.name)
        if anew:
            self._post_login()
        elif who in _sessions:
            self.page.context.set_storage_state(_sessions[who])
        else:
            self._post_login()
            _sessions[who] = self.page.context.storage_state()
        return self

    def open_inbox(self) -> Page:
        """Open what somebody who has logged in sees first."""
        self.page.goto("/")
        expect(self.page.get_by_role("heading", name="Inbox")).to_be_visible()
        return self.page

    def _post_login(self) -> None:
        page = self.page.context.request.get("/accounts/login/").text()
        token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[0]
        form = {"csrfmiddlewaretoken": token, "username": self.name, "password": PASSWORD}
        self.page.context.request.post("/accounts/login/", form=form)

    def fill_login(self) -> None:
        self.page.get_by_label("User name").fill(self.name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()

    def open(self, waiting: Waiting) -> Page:
        """Open the approval of a run, the way its log says."""
        self.page.goto(f"/runs/flow-run/{waiting.id}")
        self.page.locator(".next-card-waiting").click()
        expect(self.page).to_have_url(f"{self.url}{self.path}")
        return self.page

    @property
    def path(self) -> str:
        return self.page.evaluate("location.pathname")  # type: ignore[no-any-return]

    @property
    def submit(self) -> Any:
        return self.page.locator("form#answer").get_by_role("button", name="Submit", exact=True)

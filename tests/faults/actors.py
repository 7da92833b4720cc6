"""Reviewers and programs that act on a desk, each in a thread, and note what is acknowledged."""

import json
import random
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from uuid import uuid4

import httpx

from tests.faults.desks import PASSWORD, Desk
from tests.faults.ledger import Act, Kind, Ledger

_PATIENCE = 60  # seconds, that somebody waits for one answer of a busy machine
_PAUSE = 0.5  # seconds, between two acts of one actor
_CROWD = 4  # runs that wait, from which on nobody orders more
_APPROVAL = re.compile(r"/approvals/[0-9a-f-]{36}/")
# What pages say to somebody who was too late
_COMPLAINT = re.compile(r'class="messages" role="status">\s*<p class="notice notice-(error|info)')
_GUARDED, _HEARING = "together", "listening"
_ASKED = {"alone", _GUARDED, "soon", "suspended"}


class Unanswered(Exception):
    """The server is away, or says that it cannot answer now."""


@dataclass
class _Noted:
    acknowledged: bool = False


@dataclass(kw_only=True)
class Actor(ABC):
    """Somebody with a name of their own who acts again and again, on one thing after the other."""

    desk: Desk
    ledger: Ledger
    name: str
    key: str
    random: random.Random
    _flows: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        headers = {"Authorization": f"Bearer {self.key}"}
        self._api = _connect(self.desk.api_url, headers=headers)

    @abstractmethod
    def act(self) -> None:
        """Do one thing, if there is one to do; raises `Unanswered`."""

    def keep_acting(self, is_over: threading.Event) -> None:
        while not is_over.wait(_PAUSE):
            try:
                self.act()
            except Unanswered:
                continue

    def ask(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """Post to the API; raises `Unanswered`."""
        return _insist(self._api, "POST", path, json=body)

    def list_runs(self, *types: str) -> list[dict[str, Any]]:
        body = {"flow_runs": {"state": {"type": {"any_": types}}}, "sort": "START_TIME_DESC"}
        return list(self.ask("/flow_runs/filter", body).json())

    def flow_of(self, run: dict[str, Any]) -> str:
        """Return the name of the flow of a run."""
        flow: str = run["flow_id"]
        if flow not in self._flows:
            found = self.ask("/flows/filter", {}).json()
            self._flows |= {each["id"]: each["name"] for each in found}
        return self._flows[flow]

    def _note(self, kind: Kind, run: str, token: str, *, acknowledged: bool) -> None:
        act = Act(kind=kind, run=run, actor=self.name, token=token, acknowledged=acknowledged)
        self.ledger.note(act)

    @contextmanager
    def _noting(self, kind: Kind, run: str, token: str) -> Iterator[_Noted]:
        """Note an act, whatever comes of it."""
        noted = _Noted()
        try:
            yield noted
        finally:
            self._note(kind, run, token, acknowledged=noted.acknowledged)


class Reviewer(Actor):
    """Answers, agrees, rejects and comments on pages."""

    _browser: httpx.Client | None = None

    def act(self) -> None:
        waiting = self.list_runs("PAUSED")
        if not waiting:
            return
        run = self.random.choice(waiting)
        kind = self._choose(self.flow_of(run))
        if approval := self.find_approval(run["id"]):
            self.decide(kind, run["id"], approval)

    def find_approval(self, run: str) -> str | None:
        """Return the address of what a run waits for, as its page says."""
        found = _APPROVAL.search(self.read(f"/runs/flow-run/{run}"))
        return found[0] if found else None

    def _choose(self, flow: str) -> Kind:
        kinds = {"plain": [Kind.APPROVE], _GUARDED: [Kind.ANSWER, Kind.AGREE, Kind.AGREE]}
        rest = [Kind.REJECT, Kind.COMMENT]
        return self.random.choice([*kinds.get(flow, [Kind.ANSWER]) * 2, *rest])

    def decide(self, kind: Kind, run: str, approval: str) -> bool:
        """Do it on the approval's page, and return whether that was acknowledged."""
        token = uuid4().hex
        action, fields = {
            Kind.ANSWER: ("", {"f.0": token}),
            Kind.APPROVE: ("", {}),
            Kind.AGREE: ("agree/", {}),
            Kind.REJECT: ("reject/", {"reason": token}),
            Kind.COMMENT: ("comments/write/", {"text": token}),
        }[kind]
        shown = self.read(f"{approval}reject/" if kind is Kind.REJECT else approval)
        if kind is Kind.AGREE and f"{approval}agree/" not in shown:
            return False
        acknowledged = False
        try:
            acknowledged = self._send(f"{approval}{action}", shown, fields)
        finally:
            self._note(kind, run, token, acknowledged=acknowledged)
        return acknowledged

    def save_draft(self, approval: str) -> str:
        """Type something into the form, as its page saves it, and return that."""
        typed, shown = uuid4().hex, self.read(approval)
        fields = {"csrfmiddlewaretoken": _hidden(shown, "csrfmiddlewaretoken"), "f.0": typed}
        fields["asked"] = _hidden(shown, "asked")
        assert self._browse("POST", f"{approval}draft/", data=fields).status_code == 204
        return typed

    def read(self, path: str) -> str:
        """Return a page; raises `Unanswered`, also where the log-in does not succeed yet."""
        return self._browse("GET", path).text

    def _send(self, path: str, shown: str, fields: dict[str, str]) -> bool:
        """Post the form of a page; return whether it led back there, with nothing to complain."""
        hidden = {name: _hidden(shown, name) for name in ("csrfmiddlewaretoken", "asked", "seen")}
        answer = self._browse("POST", path, data=hidden | fields)
        is_led_back = bool(answer.history) and answer.status_code == 200
        return is_led_back and not _COMPLAINT.search(answer.text)

    def _browse(self, method: str, path: str, **sent: Any) -> httpx.Response:
        if self._browser is None:
            self._browser = self._log_in()
        return _insist(self._browser, method, path, **sent)

    def _log_in(self) -> httpx.Client:
        browser = _connect(self.desk.url, follow_redirects=True)
        form = _insist(browser, "GET", "/accounts/login/").text
        fields = {"username": self.name, "password": PASSWORD}
        fields["csrfmiddlewaretoken"] = _hidden(form, "csrfmiddlewaretoken")
        if "Log out" not in _insist(browser, "POST", "/accounts/login/", data=fields).text:
            raise Unanswered
        return browser


class Caller(Actor):
    """Resumes and cancels runs, orders some, and sends messages, with an API key of its own."""

    def act(self) -> None:
        acts = [self.resume, self.cancel, self.send, self.order]
        self.random.choices(acts, weights=[4, 1, 3, 1])[0]()

    def resume(self) -> None:
        run = self._find("PAUSED", of=_ASKED - {_GUARDED})
        if run is not None:
            self.resume_run(run)

    def resume_run(self, run: str) -> bool:
        token = uuid4().hex
        with self._noting(Kind.RESUME, run, token) as noted:
            answer = self.ask(f"/flow_runs/{run}/resume", {"run_input": {"value": token}})
            noted.acknowledged = _is_accepted(answer)
        return noted.acknowledged

    def cancel(self) -> None:
        run = self._find("PAUSED", of=_ASKED | {"plain"})
        if run is not None:
            self.cancel_run(run)

    def cancel_run(self, run: str) -> bool:
        token = uuid4().hex
        with self._noting(Kind.CANCEL, run, token) as noted:
            state = {"type": "CANCELLED", "message": token}
            answer = self.ask(f"/flow_runs/{run}/set_state", {"state": state})
            noted.acknowledged = _is_accepted(answer)
        return noted.acknowledged

    def send(self) -> None:
        run = self._find("RUNNING", of={_HEARING})
        if run is None:
            return
        token = uuid4().hex
        with self._noting(Kind.MESSAGE, run, token) as noted:
            key, value = f"memo-auto-{uuid4()}", json.dumps({"value": token})
            body = {"key": key, "value": value, "sender": self.name}
            noted.acknowledged = self.ask(f"/flow_runs/{run}/input", body).status_code == 201

    def order(self) -> None:
        deployment = self.ask("/deployments/filter", {}).json()
        if self.desk.is_closing or not deployment:
            return
        if len(self.list_runs("SCHEDULED", "PENDING", "PAUSED")) > _CROWD:
            return
        token = uuid4().hex
        with self._noting(Kind.ORDER, "", token) as noted:
            body = {"idempotency_key": token, "parameters": {"folder": str(self.desk.folder)}}
            body["tags"] = [token]
            path = f"/deployments/{deployment[0]['id']}/create_flow_run"
            noted.acknowledged = self.ask(path, body).status_code == 201

    def _find(self, state: str, *, of: set[str]) -> str | None:
        """Return any run of one of these flows."""
        runs = [run["id"] for run in self.list_runs(state) if self.flow_of(run) in of]
        return self.random.choice(runs) if runs else None


def _connect(url: str, **options: Any) -> httpx.Client:
    """Connect anew for each request, and so to any of the servers."""
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(base_url=url, limits=limits, timeout=_PATIENCE, verify=False, **options)


def _insist(client: httpx.Client, method: str, path: str, **sent: Any) -> httpx.Response:
    try:
        answer = client.request(method, path, **sent)
    except httpx.TransportError as error:
        raise Unanswered from error
    if answer.status_code >= 500:
        raise Unanswered
    return answer


def _is_accepted(answer: httpx.Response) -> bool:
    return answer.status_code == 201 and answer.json()["status"] == "ACCEPT"


def _hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    return unescape(found[1]) if found else ""

"""A desk follows unmodified Prefect servers: what waits there is answered at its pages.

The newest and an older one.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.clients import connect
from tests.acceptance.people import PASSWORD, Person, make_people, person
from tests.acceptance.waiting import eventually
from tests.environments import PREFECT_PYTHON
from tests.forking import fork_python
from tests.reviewing import log_in, reject
from tests.servers import (
    ROOT,
    ApprovalsServer,
    PrefectServer,
    approvals_server,
    prefect_environment,
)

_FLOWS = ROOT / "tests" / "acceptance" / "flows_prefect_pauses.py"
_SCHEMA = {"type": "object", "properties": {"approve": {"type": "boolean"}}}
_KEYSET = {part: f"paused-1-{part}" for part in ("schema", "description", "response")}
YES = {"f_0": "1"}


# What is the same on each is tried on one.
newest_alone = pytest.mark.parametrize("theirs", ["prefects_server"], ids=["3.9"], indirect=True)


@pytest.fixture(scope="module")
def whole_desk() -> Iterator[ApprovalsServer]:
    with approvals_server() as running:
        make_people(running)
        yield running


@pytest.fixture(scope="module")
def desk(whole_desk: ApprovalsServer, theirs: PrefectServer) -> Iterator[ApprovalsServer]:
    """The desk, which follows that server."""
    whole_desk.manage("addserver", "theirs", theirs.api_url)
    yield whole_desk
    whole_desk.manage("removeserver", "theirs")


@pytest.fixture
def fay(desk: ApprovalsServer) -> Iterator[Person]:
    with person(desk, "fay") as somebody:
        yield somebody


@pytest.fixture
def pages(desk: ApprovalsServer) -> Iterator[httpx.Client]:
    with log_in(desk.url, "finn", PASSWORD) as browser:
        yield browser


class Api:
    """Asks the Prefect server, as its SDK and its own page do."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def post(self, path: str, body: Any) -> Any:
        answer = self._client.post(path, json=body).raise_for_status()
        return answer.json() if answer.content else None

    def state_of(self, run_id: str) -> dict[str, Any]:
        state: dict[str, Any] = self._client.get(f"/flow_runs/{run_id}").json()["state"]
        return state

    def delete(self, run_id: str) -> None:
        self._client.delete(f"/flow_runs/{run_id}").raise_for_status()

    def pause(self, *, seconds: float = 300, suspended: bool = False) -> str:
        flow = self.post("/flows/", {"name": "refund"})
        # Only what is deployed can be suspended
        deployed = self.post("/deployments/", {"name": "desk", "flow_id": flow["id"]})
        made = {"flow_id": flow["id"], "deployment_id": deployed["id"]}
        run = self.post("/flow_runs/", made | {"state": {"type": "RUNNING"}})
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        details = {"pause_timeout": until.isoformat(), "pause_key": "1"}
        details |= {"pause_reschedule": suspended, "run_input_keyset": _KEYSET}  # type: ignore[dict-item]
        state = {"type": "PAUSED", "name": "Suspended" if suspended else "Paused"}
        proposed = {"state": state | {"state_details": details}}
        verdict = self.post(f"/flow_runs/{run['id']}/set_state", proposed)
        assert verdict["status"] == "ACCEPT", verdict
        stored = {"key": _KEYSET["schema"], "value": json.dumps(_SCHEMA)}
        self.post(f"/flow_runs/{run['id']}/input", stored)
        return str(run["id"])


@pytest.fixture
def api(theirs: PrefectServer) -> Iterator[Api]:
    with connect(theirs) as client:
        yield Api(client)


@pytest.fixture
def see(pages: httpx.Client) -> Callable[[str, str], str]:
    """Wait until a run's page here says something, and return the page."""

    def wait(run_id: str, words: str) -> str:
        def ask() -> str | None:
            page = pages.get(f"/runs/flow-run/{run_id}")
            return page.text if page.status_code == 200 and words in page.text else None

        return eventually(ask, f"the page of {run_id} says {words}")

    return wait


@newest_alone
def test_a_flow_of_prefects_sdk_gets_the_answer_that_was_given_here(
    desk: ApprovalsServer, theirs: PrefectServer, fay: Person, tmp_path: Path
) -> None:
    process = fork_python(
        [PREFECT_PYTHON, _FLOWS, "block", tmp_path, "1"],
        prefect_environment(tmp_path / "home") | {"PREFECT_API_URL": theirs.api_url},
    )
    try:
        with log_in(desk.url, "finn", PASSWORD) as browser:
            found = eventually(lambda: _find_blocking(browser), "the flow waits here")
        run_id = found.split("/runs/flow-run/")[1][:36]
        fay.answer(run_id, f_0="1", f_1="fine {{ literally }}")
        given = eventually(lambda: _read(tmp_path / "blocked-0"), "the flow has its answer")
        assert json.loads(given) == {"approve": True, "reason": "fine {{ literally }}"}
    finally:
        process.terminate()
        process.wait(60)


def _find_blocking(browser: httpx.Client) -> str | None:
    rows = browser.get("/", params={"flow": "blocking", "server": "theirs"}).text
    start = rows.find('href="/approvals/')
    if start < 0:
        return None
    page = browser.get(rows[start + 6 :].split('"')[0]).text
    return page if "/runs/flow-run/" in page and "Submit" in page else None


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


@pytest.mark.parametrize("suspended", [False, True])
def test_an_answer_here_moves_the_run_there(
    api: Api, fay: Person, see: Callable[[str, str], str], suspended: bool
) -> None:
    run_id = api.pause(suspended=suspended)
    see(run_id, "Waits for you")
    page = fay.answer(run_id, **YES)
    assert "The flow goes on." in page
    assert api.state_of(run_id)["name"] == ("Resuming" if suspended else "Running")


def test_a_rejection_here_ends_the_run_there(
    api: Api, pages: httpx.Client, see: Callable[[str, str], str]
) -> None:
    run_id = api.pause(suspended=True)
    see(run_id, "Waits for you")
    reject(pages, run_id, "Too much")
    state = api.state_of(run_id)
    assert (state["type"], state["name"]) == ("CANCELLED", "Rejected")
    assert "Too much" in state["message"]


def test_what_ends_there_is_told_here(api: Api, see: Callable[[str, str], str]) -> None:
    runs = {way: api.pause() for way in ("answered", "cancelled", "deleted")}
    expiring = api.pause(seconds=3)
    for run_id in runs.values():
        see(run_id, "Waits for you")
    api.post(f"/flow_runs/{runs['answered']}/resume", {"run_input": {"approve": False}})
    cancelled = {"state": {"type": "CANCELLED", "message": "Stopped"}}
    api.post(f"/flow_runs/{runs['cancelled']}/set_state", cancelled)
    api.delete(runs["deleted"])
    assert "somebody on theirs" in see(runs["answered"], "Answered")
    assert "somebody on theirs" in see(runs["cancelled"], "Withdrawn")
    see(runs["deleted"], "Withdrawn")
    see(expiring, "Expired")


@newest_alone
def test_a_server_that_is_away_is_told_and_what_was_sent_becomes_definite(
    api: Api, theirs: PrefectServer, pages: httpx.Client, see: Callable[[str, str], str]
) -> None:
    run_id = api.pause()
    see(run_id, "Waits for you")
    with theirs.away():
        page = see(run_id, "does not answer")
        assert "Waits for you" in page
    eventually(
        lambda: "does not answer" not in pages.get(f"/runs/flow-run/{run_id}").text,
        "the server is heard again",
    )
    see(run_id, "Waits for you")


@newest_alone
def test_a_desk_that_is_killed_sends_what_it_was_about_to_send(
    desk: ApprovalsServer, api: Api, see: Callable[[str, str], str]
) -> None:
    run_id = api.pause()
    see(run_id, "Waits for you")
    _write_attempt(desk, run_id)
    desk.restart_at_once()
    eventually(lambda: api.state_of(run_id)["type"] == "RUNNING", "the answer arrives")


_ATTEMPT = """
from datetime import UTC, datetime
from approvals.models import Approval, Attempt
now = datetime.now(UTC)
approval = Approval.objects.get(flow_run_id="{run_id}")
Attempt.objects.create(approval=approval, name="fay", kind="answer", value='{{"approve": true}}',
    step="claimed", created_at=now, next_try_at=now)
"""


def _write_attempt(desk: ApprovalsServer, run_id: str) -> None:
    """Leave an attempt as a process does that dies between claim and move."""
    desk.manage("shell", "--command", _ATTEMPT.format(run_id=run_id))

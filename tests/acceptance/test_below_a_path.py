"""The whole product below a path of its host, behind a proxy: https://example.com/approvals/."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect as connect_socket

from tests.acceptance.clients import connect, until
from tests.acceptance.people import PASSWORD, make_people, person
from tests.acceptance.waiting import PATIENCE_SECONDS
from tests.environments import PREFECT_PYTHON
from tests.forking import ForkedProcess, fork_python
from tests.servers import ROOT, ApprovalsServer, free_port, prefect_environment

_ROOT = "/approvals"
_FLOW = Path(__file__).with_name("flow_that_waits.py")


@dataclass(kw_only=True)
class MountedServer(ApprovalsServer):
    """A server that everybody reaches through a proxy."""

    proxy_port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.proxy_port}{_ROOT}"

    @property
    def full_environment(self) -> dict[str, str]:
        return super().full_environment | {"PUBLIC_URL": self.url}


@contextmanager
def mounted_server(home: Path, mode: str) -> Iterator[MountedServer]:
    server = MountedServer(home=home)
    ports = [str(server.proxy_port), str(server.port)]
    command = [sys.executable, "-m", "tests.reverse_proxy", *ports, _ROOT, mode]
    proxy = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)
    try:
        server.start()
        yield server
        server.stop()
    finally:
        if server.is_running:
            server.kill()
        proxy.kill()
        proxy.wait()


@pytest.fixture(scope="module", params=["as-it-came", "strip"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MountedServer]:
    with mounted_server(tmp_path_factory.mktemp("server") / "home", request.param) as running:
        make_people(running)
        yield running


def start_flow(server: MountedServer, library: str, home: Path) -> ForkedProcess:
    environment, python = server.flow_environment, sys.executable
    if library == "prefect":
        environment, python = prefect_environment(home), str(PREFECT_PYTHON)
        key = server.api_key
        environment |= {"PREFECT_API_URL": server.api_url, "PREFECT_API_AUTH_STRING": key}
        environment |= {"PREFECT_API_KEY": key}
    return fork_python([python, _FLOW, library], environment)


def find_paused(client: httpx.Client) -> str | None:
    body = {"flow_runs": {"state": {"type": {"any_": ["PAUSED"]}}}}
    runs = client.post("/flow_runs/filter", json=body).raise_for_status().json()
    return str(runs[0]["id"]) if runs else None


def list_links(page: str) -> list[str]:
    """Return the addresses of ours that a page names."""
    found = re.findall(
        r'(?:href|src|action|hx-get|hx-post|data-probe|data-worker)="(/[^"]*)"', page
    )
    return [link.replace("&amp;", "&") for link in found]


@pytest.mark.parametrize("library", ["flowruns", "prefect"])
def test_a_flow_waits_and_is_answered_below_a_path(
    server: MountedServer, library: str, tmp_path: Path
) -> None:
    flow = start_flow(server, library, tmp_path / "prefect")
    with connect(server) as client, person(server, "fay") as fay:
        waits = until(lambda: find_paused(client))
        fay.answer(waits, f_0="7")
    output = flow.read_output(PATIENCE_SECONDS)
    assert "answered 7" in output


def test_every_address_that_is_given_out_is_below_the_path(server: MountedServer) -> None:
    pages = ["/", "/history/", "/docs/", "/docs/team/", "/me/", "/views/", "/nowhere/", "/preview/"]
    with httpx.Client(timeout=90) as browser:
        asked = browser.get(f"{server.url}/history/")
        assert asked.headers["Location"] == f"{_ROOT}/accounts/login/?next={_ROOT}/history/"
        assert browser.get(server.url).headers["Location"].startswith(f"{_ROOT}/")
        login = browser.get(f"{server.url}/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]*)"', login.text)
        assert token
        form = {"username": "fay", "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
        done = browser.post(f"{server.url}/accounts/login/", data=form)
        assert done.headers["Location"] == f"{_ROOT}/"
        assert {(cookie.name, cookie.path) for cookie in browser.cookies.jar} == {
            ("approvals_sessionid", f"{_ROOT}/"),
            ("approvals_csrftoken", f"{_ROOT}/"),
        }
        shown = [browser.get(f"{server.url}{page}") for page in pages]
        links = {link for page in shown for link in list_links(page.text)}
        assert [link for link in links if not link.startswith(f"{_ROOT}/")] == []
        host = server.url.removesuffix(_ROOT)
        broken = {
            link: code
            for link in sorted(links)
            if (code := browser.get(f"{host}{link}").status_code) not in {200, 204, 302, 405}
        }
        assert broken == {}


def test_the_api_and_websockets_are_below_the_path_and_this_machine_needs_none(
    server: MountedServer,
) -> None:
    with connect(server) as client:
        flow = client.post("/flows/", json={"name": "x"}).raise_for_status().json()
        for _ in range(2):
            client.post("/flow_runs/", json={"flow_id": flow["id"]}).raise_for_status()
        page = client.post("/events/filter", json={"limit": 1}).raise_for_status().json()
        assert client.get("/openapi.json").status_code == 200
        if page["next_page"]:
            assert page["next_page"].startswith(f"{server.api_url}/")
            assert client.get(page["next_page"]).status_code == 200
    address = f"{server.api_url.replace('http', 'ws')}/events/out"
    with connect_socket(address, subprotocols=["prefect"]) as socket:  # type: ignore[list-item]
        socket.send(json.dumps({"type": "auth", "token": server.api_key}))
        assert socket.recv(timeout=PATIENCE_SECONDS) == '{"type":"auth_success"}'
    straight = f"http://127.0.0.1:{server.port}"
    assert httpx.get(f"{straight}/api/ready").status_code == 200
    assert httpx.get(f"{straight}/accounts/login/").status_code == 200
    assert "They come through." in server.manage("doctor")

"""The wheel in environments of its own: the server in an empty folder, and the SDK alone."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.acceptance.clients import runs_in, until
from tests.environments import clean_environment
from tests.logs import follow_log
from tests.servers import CLIENT_SECONDS, ROOT, free_port, wait_until_ready

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
CHAPTERS = sorted(path.stem for path in (ROOT / "templates" / "docs").glob("*.md"))
STATIC = [path for path in sorted((ROOT / "static").rglob("*")) if path.is_file()]
_DEMO_FLOWS = 3
_INSTALL_SECONDS = 600
_LEFT_OUT = ("PYTHONPATH", "VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT")


def environment() -> dict[str, str]:
    """Return the environment of somebody who has no clone of the repository."""
    return {name: value for name, value in clean_environment().items() if name not in _LEFT_OUT}


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_INSTALL_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_uv(*arguments: str | Path, cwd: Path) -> str:
    uv = os.environ.get("UV") or shutil.which("uv")
    command = [uv] if uv else [shutil.which("python3") or "python3", "-m", "uv"]
    return run(*command, *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run_uv("build", "--wheel", "--python", sys.executable, "--out-dir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def install(wheel: Path, folder: Path, *, extra: str = "") -> Path:
    """Make an environment with the wheel, and return the folder of its programs."""
    run_uv("venv", "--python", sys.executable, folder / "venv", cwd=folder)
    programs = folder / "venv" / "bin"
    run_uv("pip", "install", "--python", programs / "python", f"{wheel}{extra}", cwd=folder)
    return programs


@dataclass(frozen=True, kw_only=True)
class Installed:
    """`approvals serve --demo` from the wheel, as it runs in an empty folder."""

    programs: Path
    folder: Path
    home: Path
    url: str
    log: Path

    @contextmanager
    def log_in(self) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=self.url, follow_redirects=True, timeout=90) as client:
            page = client.get("/accounts/login/").text
            token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[0]
            password = (self.home / "demo-password").read_text().strip()
            form = {"username": "demo", "password": password, "csrfmiddlewaretoken": token}
            assert "Log out" in client.post("/accounts/login/", data=form).text
            yield client


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    base = tmp_path_factory.mktemp("server")
    programs = install(wheel, base, extra="[server]")
    folder, home, port = base / "empty", base / "home", free_port()
    folder.mkdir()
    log = follow_log(base / "server.log", "Approvals from its wheel")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [programs / "approvals", "serve", "--demo", "--port", str(port)],
            cwd=folder,
            env=environment() | {"APPROVALS_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(f"{url}/api/ready", process, log)
        yield Installed(programs=programs, folder=folder, home=home, url=url, log=log)
    finally:
        process.terminate()
        process.wait(60)


def test_pages_static_files_and_chapters_are_there(installed: Installed) -> None:
    paths = ["/", "/history/", "/preview/", "/accounts/password/", "/favicon.ico"]
    paths += ["/api/docs", "/api/openapi.json", "/docs/", *(f"/docs/{name}/" for name in CHAPTERS)]
    paths += [f"/static/{path.relative_to(ROOT / 'static')}" for path in STATIC]
    with installed.log_in() as client:
        answers = {path: client.get(path).status_code for path in paths}
    assert {path: code for path, code in answers.items() if code != 200} == {}


def test_the_demos_flows_wait_in_the_inbox(installed: Installed) -> None:
    key = (installed.home / "api-key").read_text().strip()
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=f"{installed.url}/api/", headers=headers, timeout=60) as client:
        until(lambda: len(runs_in(client, "PAUSED")) == _DEMO_FLOWS)
    with installed.log_in() as client:
        link = re.findall(r'href="(/approvals/[0-9a-f-]+/)"', client.get("/").text)[0]
        assert 'id="answer"' in client.get(link).text


def test_it_says_how_to_go_on_with_the_same_command(installed: Installed) -> None:
    assert f"{installed.programs / 'approvals'} createapikey NAME" in installed.log.read_text()
    assert list(installed.folder.iterdir()) == []


def test_the_version_is_told_everywhere(installed: Installed) -> None:
    printed = run(installed.programs / "approvals", "--version", cwd=installed.folder)
    assert printed == f"Approvals {VERSION}\n"
    assert f"Approvals {VERSION}: serve" in installed.log.read_text().splitlines()[0]
    document = httpx.get(f"{installed.url}/api/openapi.json", timeout=CLIENT_SECONDS).json()
    assert document["info"]["version"] == VERSION
    with installed.log_in() as client:
        assert f"Approvals {VERSION}" in client.get("/").text


def test_without_the_server_it_is_what_flows_need(wheel: Path, tmp_path: Path) -> None:
    programs = install(wheel, tmp_path)
    listed = run_uv("pip", "list", "--python", programs / "python", cwd=tmp_path)
    assert {"httpx", "pydantic"} <= set(re.findall(r"^\S+", listed, re.MULTILINE))
    assert "django" not in listed.lower()
    (tmp_path / "flow.py").write_text(
        "from flowruns import flow\n"
        "from flowruns.testing import reviewed_by\n"
        "@flow\ndef add(a, b): return a + b\n"
        "with reviewed_by({}): print(add(1, 2))\n"
    )
    assert run(programs / "python", "flow.py", cwd=tmp_path).splitlines()[-1] == "3"
    with pytest.raises(AssertionError, match="Install the extra `server`"):
        run(programs / "approvals", "serve", cwd=tmp_path)

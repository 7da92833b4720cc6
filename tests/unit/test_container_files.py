"""The image and the composition: what can be told of them where nothing runs containers."""

import re
from typing import Any

import yaml

from tests.documents import DOCS
from tests.servers import ROOT

_STAGE = re.compile(r"^FROM ", re.MULTILINE)
_PROXY = re.compile(r"```caddyfile\n(.*?)```", re.DOTALL)


def read_stages() -> list[str]:
    return _STAGE.split((ROOT / "Dockerfile").read_text())[1:]


def read_services() -> dict[str, Any]:
    composed: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    services: dict[str, Any] = composed["services"]
    return services


def test_the_image_is_built_from_the_lock_and_its_last_stage_builds_nothing() -> None:
    build, last = read_stages()
    assert build.count("uv sync --locked --no-default-groups --extra server") == 2
    assert not re.search(r"\b(uv|pip|gcc|make)\b", last.replace("no-install-recommends", ""))


def test_the_image_runs_as_a_user_without_rights_and_tells_its_health() -> None:
    _, last = read_stages()
    user, start = last.index("\nUSER approvals"), last.index("\nENTRYPOINT")
    assert user < last.index("\nHEALTHCHECK") < start
    assert "/api/ready" in last


def test_all_that_is_copied_is_there_and_let_through() -> None:
    build, _ = read_stages()
    lines = re.findall(r"^COPY (.+)$", build, re.MULTILINE)
    copied = [name for line in lines for name in line.split()[:-1]]
    assert {"approvals", "flowruns", "templates", "static", "uv.lock"} <= set(copied)
    let_through = (ROOT / ".dockerignore").read_text().splitlines()
    assert [name for name in copied if f"!{name}" not in let_through] == []
    assert all((ROOT / name).exists() for name in copied)


def test_the_composition_has_two_servers_a_worker_a_database_and_a_proxy() -> None:
    services = read_services()
    assert set(services) == {"server-1", "server-2", "worker", "database", "proxy"}
    for name in ("server-1", "server-2", "worker"):
        assert services[name]["environment"] == services["server-1"]["environment"]
        assert services[name]["depends_on"]["database"]["condition"] == "service_healthy"
        assert services[name]["read_only"]
    assert services["server-1"]["command"][:2] == ["serve", "--no-background"]
    assert services["worker"]["command"][0] == "work"
    assert [name for name, each in services.items() if "ports" in each] == ["proxy"]


def test_the_composition_sets_what_the_settings_know() -> None:
    given = set(read_services()["server-1"]["environment"])
    table = (DOCS / "settings.md").read_text()
    assert [name for name in given if f"| `{name}` |" not in table] == []


def test_the_compositions_proxy_is_that_of_the_page() -> None:
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text())
    content = composed["configs"]["caddyfile"]["content"]
    found = _PROXY.search((DOCS / "team.md").read_text())
    assert found is not None
    page = found[1].replace("approvals.example.com", "{$$PUBLIC_HOST}")
    page = page.replace("10.0.0.5:8000 10.0.0.6:8000", "server-1:8000 server-2:8000")
    assert content.split() == page.split()

"""What a flow's process pays for an import, and that it needs no Django."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

_REPORT = """
import json, sys
before = set(sys.modules)
{statement}
loaded = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(json.dumps(sorted(loaded - set(sys.stdlib_module_names))))
"""


def _third_parties_of(statement: str) -> set[str]:
    return set(json.loads(_print_of(_REPORT.format(statement=statement)))) - {"flowruns"}


def _print_of(code: str) -> str:
    command = [sys.executable, "-I", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_importing_flowruns_loads_no_third_party_module() -> None:
    assert _third_parties_of("import flowruns") == set()


def test_every_public_name_needs_pydantic_only() -> None:
    loaded = _third_parties_of("from flowruns import *")
    assert "pydantic" in loaded
    assert not loaded & {"httpx", "django", "approvals", "prefect"}


@pytest.mark.parametrize(
    "module", ["artifacts", "blocks", "exceptions", "schedules", "testing", "variables"]
)
def test_the_modules_beside_them_need_pydantic_only(module: str) -> None:
    assert not _third_parties_of(f"import flowruns.{module}") & {"httpx", "anyio", "django"}


def test_making_a_flow_loads_no_http_client() -> None:
    statement = "from flowruns import flow, pause_flow_run\n@flow\ndef f(): ..."
    assert not _third_parties_of(statement) & {"httpx", "httpcore", "anyio", "django"}


def test_making_a_flow_loads_no_event_loop_and_builds_no_schema() -> None:
    check = (
        "import sys\nfrom flowruns import RunInput, flow, pause_flow_run\n"
        "from flowruns.sdk.states import FlowRun, State\n"
        "print('asyncio' in sys.modules, [each.__name__ for each in"
        " (FlowRun, State, RunInput) if each.__pydantic_complete__])"
    )
    assert _print_of(check).split() == ["False", "[]"]


def test_no_module_of_the_sdk_needs_django() -> None:
    statement = (
        "import importlib, pkgutil, flowruns.sdk\n"
        "for module in pkgutil.walk_packages(flowruns.sdk.__path__, 'flowruns.sdk.'):\n"
        "    importlib.import_module(module.name)"
    )
    assert not _third_parties_of(statement) & {"django", "httpx"}


def test_a_server_loads_what_some_of_its_uses_need_when_that_is_used() -> None:
    code = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'approvals.project.settings'\n"
        "import approvals.project.asgi\n"
        "from django.conf import settings\n"
        "from django.urls import get_resolver\n"
        "from django.utils.module_loading import import_string\n"
        "get_resolver().url_patterns\n"
        "[import_string(loop) for loop in settings.BACKGROUND_LOOPS]\n"
        "print(*sys.modules)"
    )
    loaded = set(_print_of(code).split())
    assert "ninja" in loaded
    of_clients, of_secrets = {"httpx", "httpcore", "websockets.sync.client"}, {"cryptography"}
    of_answers, of_pages = {"jinja2", "jsonschema", "regex"}, {"nh3", "rich"}
    of_tests = {"django.test", "unittest"}
    assert not loaded & (of_clients | of_secrets | of_answers | of_pages | of_tests)


def test_a_command_collects_garbage_again_once_all_is_loaded() -> None:
    code = (
        "import sys; sys.argv = ['manage.py', 'shell', '--no-imports', '--command',"
        " 'import gc; print(gc.isenabled(), gc.get_freeze_count() > 100_000)']\n"
        "from approvals.command import main; main()"
    )
    assert _print_of(code).split() == ["True", "True"]

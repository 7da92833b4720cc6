"""Our server's code, loaded once: each fork of this process is a management command.

What is loaded has been set up with settings that say nothing; a fork reads them once more, from
the variables of its command. So all but what a start makes of its variables is as in a command.
"""

import importlib
import os
import sys
import tempfile
from pathlib import Path

from tests.built_models import build_models
from tests.fork_server import fork_for_each, run_to_its_end

_ROOT = Path(__file__).resolve().parents[1]
# What a server loads before its first request, and what it then loads when that is first needed;
# the rest is built from the settings
_LOADED = (
    *("approvals.project.urls", "approvals.management.web_server", "django.core.asgi"),
    *("approvals.schemaforms.schema.validators", "flowruns.evaluation.validation", "regex", "nh3"),
    *("flowruns.evaluation.templates", "flowruns.connectors.prefect.stream", "httpcore"),
)


def main() -> None:
    socket = sys.argv[-1]
    sys.argv = ["manage.py"]  # as commands see it that are loaded now
    _load()
    sys.argv = ["manage.py", socket]
    sys.argv = ["manage.py", *fork_for_each()]
    run_to_its_end(_run_command)


def _run_command() -> None:
    _read_settings()
    from approvals.command import main as run_command

    run_command()


def _load() -> None:
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "approvals.project.settings"
    with tempfile.TemporaryDirectory(prefix="approvals-home-") as home:
        os.environ["APPROVALS_HOME"] = home
        django.setup()
    _hash_passwords_quickly()
    commands = _ROOT.glob("*/management/commands/[a-z]*.py")
    names = (".".join(path.relative_to(_ROOT).with_suffix("").parts) for path in commands)
    for name in (*names, *_LOADED):
        importlib.import_module(name)
    build_models()


def _hash_passwords_quickly() -> None:
    """Spend little on passwords of tests, in hashes that real commands can read."""
    from django.contrib.auth.hashers import ScryptPasswordHasher

    ScryptPasswordHasher.work_factor = 2


def _read_settings() -> None:
    """Have the settings of this process's variables, as if it had just begun."""
    from django.conf import settings
    from django.db import connections
    from django.utils.log import configure_logging

    read = importlib.reload(importlib.import_module("approvals.project.settings"))
    for name in filter(str.isupper, vars(read)):
        setattr(settings, name, getattr(read, name))
    del connections["default"]
    connections.settings = connections.configure_settings(settings.DATABASES)
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)


if __name__ == "__main__":
    main()

"""The command `approvals`, which `manage.py` is in a clone."""

import gc
import os
import sys

_NEEDS_SERVER = (
    "The server is not installed here, only what flows need. Install the extra `server`:"
    " pip install '/path/to/the/clone[server]'"
)


def main() -> None:
    """Run a management command, or print the version."""
    if sys.argv[1:] == ["--version"]:
        from flowruns.domain.version import VERSION

        print(f"Approvals {VERSION}")
        return
    # All that is loaded stays; to look through it for garbage takes a quarter of the start. The app
    # switches it on again when it is ready.
    gc.disable()
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db import OperationalError, ProgrammingError
        from django.db.migrations.exceptions import MigrationSchemaMissing
    except ModuleNotFoundError:
        sys.exit(_NEEDS_SERVER)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "approvals.project.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except (OperationalError, ProgrammingError, MigrationSchemaMissing) as error:
        if "--traceback" in sys.argv:
            raise
        from approvals.management.preparing import explain_trouble

        sys.exit(explain_trouble(error))

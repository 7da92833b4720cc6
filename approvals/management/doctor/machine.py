"""What is wrong on this machine: permissions, disk, keys and mail."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.mail import mailers
from django.db import connection

from approvals.management.doctor.findings import Finding, good, odd, wrong

_OTHERS = 0o077
_LITTLE = 1024**3  # bytes
_TOO_LITTLE = 100 * 1024**2


def check_permissions() -> Iterator[Finding]:
    """What only the server's user should read, and what that user must write."""
    home = Path(settings.APPROVALS_HOME)
    private = [home, *(home / name for name in ("secret-key", "api-key"))]
    if connection.vendor == "sqlite":
        private.append(Path(connection.settings_dict["NAME"]))
    there = [path for path in private if path.exists()]
    for path in there:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & _OTHERS:
            yield wrong("permissions", f"Others may read {path}. Run: chmod go= {path}")
        if not os.access(path, os.R_OK | os.W_OK):
            yield wrong("permissions", f"This user may not write {path}.")
        if path.stat().st_uid != os.getuid():
            yield odd("permissions", f"{path} belongs to another user than this one.")
    yield good("permissions", f"Looked at {', '.join(map(str, there))}.")


def check_disk() -> Iterator[Finding]:
    """How much room is left beside the files."""
    folders = {Path(settings.APPROVALS_HOME)}
    if connection.vendor == "sqlite":
        folders.add(Path(connection.settings_dict["NAME"]).absolute().parent)
    for folder in sorted(folders):
        free = shutil.disk_usage(folder).free
        say = wrong if free < _TOO_LITTLE else odd if free < _LITTLE else good
        yield say("disk", f"{folder} has {free / 1024**3:,.1f} GB left.")


def check_keys() -> Iterator[Finding]:
    """Whether what encrypts is set where several machines must share it."""
    if len(settings.ENCRYPTION_KEYS) > 1:
        yield good("keys", "ENCRYPTION_KEY is set. Is it stored with the backups?")
    elif settings.PUBLIC_URL:
        yield odd(
            "keys",
            "ENCRYPTION_KEY is not set, so SECRET_KEY encrypts blocks: it cannot be changed alone.",
        )
    if "SECRET_KEY" not in os.environ and connection.vendor == "postgresql":
        yield odd(
            "keys",
            f"SECRET_KEY is not set, and comes from {settings.APPROVALS_HOME}. Processes on other"
            " machines need the same.",
        )


def check_mail() -> Iterator[Finding]:
    """Whether the mail server lets us in; nothing is sent."""
    if not settings.SENDS_MAIL:
        yield odd("mail", "EMAIL_URL is not set, so nobody is told of what waits.")
        return
    mailer = mailers["default"]
    try:
        mailer.open()
        mailer.close()
    except Exception as error:  # noqa: BLE001 -- whatever a mail server answers is told
        reason = " ".join(str(error).split()) or type(error).__name__
        yield wrong("mail", f"The mail server does not let us in: {reason}")
    else:
        yield good("mail", "The mail server lets us in. `/me/` sends a test.")

"""The real settings, in a home folder of their own that goes with the test run."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from tests.migrated import copy_our_database

_home = Path(tempfile.mkdtemp(prefix="approvals-tests-"))
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ["APPROVALS_HOME"] = str(_home)
# What pytest-django appends to the name of the database, once the settings are read
_worker = os.environ.get("PYTEST_XDIST_WORKER")
_suffix = f"_{_worker}" if _worker else ""
# Decisions take effect at once, also on the servers of tests, but where a test is about undoing
os.environ.setdefault("UNDO_SECONDS", "0")

from approvals.project.settings import *  # noqa: E402, F403 -- the environment first
from approvals.project.settings import DATABASES  # noqa: E402 -- the environment first

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, so that threads meet each other's locks as they do in production
    DATABASES["default"]["TEST"] = {"NAME": str(_home / "test.sqlite3")}
    copy_our_database(_home / f"test.sqlite3{_suffix}")
    # Threads of tests end, and their connections with them
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    # A machine that is busy with other tests is no outage
    DATABASES["default"]["OPTIONS"]["timeout"] = 20
    # No test cuts the power, so none has to wait for the disk
    DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"
else:
    from tests.postgres import MIGRATED

    DATABASES["default"]["TEST"] = {"TEMPLATE": MIGRATED}
# Each of Django's test clients would else look for all static files first
WHITENOISE_AUTOREFRESH = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

"""`serve --demo`: people to log in as, and flows in processes of their own that wait for them."""

import logging
import os
import secrets
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import User

from approvals.management.private_files import open_private, read_private, write_private
from flowruns.domain.actors import api_key, server
from flowruns.domain.states import TERMINAL_STATES, StateType, cancelled
from flowruns.models import ApiKey, FlowRun
from flowruns.services.api_keys import replace_api_key
from flowruns.services.runs.states import set_flow_run_state

DEMO_USERS = ("demo", "demo2")
# Of the flow that waits for both of them
DEMO_POLICY = " + ".join(f"1 of {name}" for name in DEMO_USERS)

_KEY_NAME = "demo"
_SCRIPTS = ("expense", "promotion", "tool_call")
NEXT_AFTER_SECONDS = 3.0
_LONGEST_PAUSE_SECONDS = 300.0
# A script that fails sooner than a person can answer has a fault that will not go away at once.
_QUICK_SECONDS = 10.0
_LOOK_SECONDS = 0.5

_log = logging.getLogger(__name__)


def keep_demo_users(home: Path) -> dict[str, str]:
    """Make sure that the demo's users can log in, and return their passwords by name."""
    users = [User.objects.get_or_create(username=name)[0] for name in DEMO_USERS]
    paths = [home / f"{name}-password" for name in DEMO_USERS]
    with ThreadPoolExecutor() as pool:  # hashing takes most of the start, and a core each
        found = list(pool.map(_keep_password, paths, [user.password for user in users]))
    for user, path, (password, digest) in zip(users, paths, found, strict=True):
        if user.password != digest:
            user.password = digest
            user.save()
            write_private(path, f"{password}\n")
    return {name: password for name, (password, _) in zip(DEMO_USERS, found, strict=True)}


def _keep_password(path: Path, digest: str) -> tuple[str, str]:
    """Return the password in a file where it fits its digest, else another one; and its digest."""
    password = read_private(path)
    if password and check_password(password, digest):
        return password, digest
    password = secrets.token_urlsafe(9)
    return password, make_password(password)


class Demo:
    """The flows of the demo: started together, each again when it has ended, and ended together.

    They run under a key of their own, by which the runs that an earlier server left are found:
    their processes are gone, so nobody should be asked about them.
    """

    def __init__(self, *, home: Path, api_url: str) -> None:
        self._home = home
        self._api_url = api_url
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._key = replace_api_key(_KEY_NAME, scopes=[ApiKey.Scope.FLOWS])
        cancel_demo_runs()

    def start(self) -> None:
        """Start the flows; does not wait for them, so that it may be called by the server."""
        for script in _SCRIPTS:
            thread = threading.Thread(target=self._keep_running, args=(script,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(_LOOK_SECONDS)
        cancel_demo_runs()

    def _keep_running(self, script: str) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            started = time.monotonic()
            code = self._run(script)
            pause = next_pause(pause, code=code, lasted=time.monotonic() - started)
            if pause > NEXT_AFTER_SECONDS and not self._stop.is_set():
                _log.warning("The demo's %s failed; see %s.", script, self._log_path(script))

    def _run(self, script: str) -> int:
        """Run a script to its end, or ours, and return its exit code."""
        with open_private(self._log_path(script)) as log:
            child = subprocess.Popen(  # noqa: S603 -- our own scripts
                [sys.executable, "-m", "approvals.demos", script],
                env=os.environ | self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C in the terminal is for the server
            )
        while child.poll() is None and not self._stop.wait(_LOOK_SECONDS):
            pass
        child.kill()
        return child.wait()

    def _environment(self) -> dict[str, str]:
        root = str(Path(__file__).resolve().parents[2])
        return {
            "PYTHONPATH": root,
            "FLOWRUNS_API_URL": self._api_url,
            "FLOWRUNS_API_KEY": self._key,
            "DEMO_POLICY": DEMO_POLICY,
        }

    def _log_path(self, script: str) -> Path:
        return self._home / f"demo-{script}.log"


def next_pause(previous: float, *, code: int, lasted: float) -> float:
    """Return the seconds until a script that has ended starts again; ever more where it fails."""
    if code == 0 or lasted > _QUICK_SECONDS:
        return NEXT_AFTER_SECONDS
    return min(max(previous, NEXT_AFTER_SECONDS) * 2, _LONGEST_PAUSE_SECONDS)


def cancel_demo_runs() -> None:
    """Cancel the demo's runs that have not ended."""
    alive = [state for state in StateType if state not in TERMINAL_STATES]
    runs = FlowRun.objects.filter(state_type__in=alive, created_by=str(api_key(_KEY_NAME)))
    for run in runs:
        proposed = cancelled("The demo that this run belonged to has ended.")
        set_flow_run_state(run.pk, proposed=proposed, actor=server("demo"))

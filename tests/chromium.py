"""The browser of the browser tests: one that is there, or one that can be had."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

# The shell is Chromium without windows: a page costs a third of what it costs Chromium itself.
_SHELL = "chromium-headless-shell"
_OTHERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PLAYWRIGHTS_HOST = ("cdn.playwright.dev", 443)
_CONNECT_SECONDS = 5
_INSTALL_SECONDS = 600
_PLAYWRIGHT = ((sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"),)
_DEBIAN = (
    ("apt-get", "update"),
    ("apt-get", "install", "--yes", "--no-install-recommends", _SHELL),
)


def find_shell() -> str | None:
    """Return the path of a Chromium without windows that this machine has, or None."""
    return shutil.which(_SHELL) or _find_playwrights_shell()


def find_chromium() -> str | None:
    """Return the path of the cheapest Chromium that this machine has, or None."""
    return find_shell() or next(filter(None, map(shutil.which, _OTHERS)), None)


def install_chromium() -> None:
    """Get Playwright's own shell, or Debian's where its host cannot be reached.

    Where neither can be had an installed Chromium serves as well, only slower.
    """
    complaint = ""
    if find_shell() is None:
        if _is_reachable(_PLAYWRIGHTS_HOST):
            complaint = _install("Playwright's Chromium", _PLAYWRIGHT)
        else:
            complaint = _install("Debian's Chromium, as Playwright's host is out of reach", _DEBIAN)
    if (path := find_chromium()) is None:
        print(complaint)
        raise SystemExit("No Chromium: put one on the PATH, or run this as root on Debian.")
    print(f"Browser: {path}", flush=True)


def launch_options() -> dict[str, Any]:
    """Return what Playwright needs to start it."""
    root = ["--no-sandbox"] if os.getuid() == 0 else []  # Chromium's sandbox refuses root
    quiet = [
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    # Pages are drawn by software, which needs no process of its own
    drawing = ["--disable-gpu", "--in-process-gpu"]
    return {"executable_path": find_chromium(), "args": [*root, *quiet, *drawing]}


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start Chromium; while it runs, Django refuses its database in this thread."""
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(**launch_options())


def _find_playwrights_shell() -> str | None:
    with sync_playwright() as playwright:
        browsers = Path(playwright.chromium.executable_path).parents[2]
    found = browsers.glob("chromium_headless_shell-*/*/*headless*shell")
    return next((str(path) for path in found if os.access(path, os.X_OK)), None)


def _is_reachable(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=_CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def _install(what: str, commands: tuple[tuple[str, ...], ...]) -> str:
    """Run commands that may fail, quietly; return what they printed."""
    print(f"Browser: installing {what}.", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    printed = ""
    for command in commands:
        try:
            printed += subprocess.run(
                command,
                check=False,
                timeout=_INSTALL_SECONDS,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ).stdout
        except (OSError, subprocess.TimeoutExpired) as error:
            printed += f"{error}\n"
    return printed


if __name__ == "__main__":
    install_chromium()

"""The browser of the browser tests: one that is there, or one that can be had."""

import os
import shutil
import socket
import subprocess
import sys
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PLAYWRIGHTS_HOST = ("cdn.playwright.dev", 443)
_CONNECT_SECONDS = 5
_INSTALL_SECONDS = 600
_PLAYWRIGHT = ((sys.executable, "-m", "playwright", "install", "chromium"),)
_DEBIAN = (
    ("apt-get", "update"),
    ("apt-get", "install", "--yes", "--no-install-recommends", "chromium"),
)


def find_chromium() -> str | None:
    """Return the path of a Chromium that this machine has, or None."""
    found = (shutil.which(name) for name in _NAMES)
    return next((path for path in found if path), None) or _find_playwrights()


def install_chromium() -> None:
    """Get Playwright's own build, or Debian's package where its host cannot be reached."""
    if path := find_chromium():
        print(f"Browser: {path}", flush=True)
        return
    if _is_reachable(_PLAYWRIGHTS_HOST):
        complaint = _install("Playwright's Chromium", _PLAYWRIGHT)
    else:
        complaint = _install("Debian's Chromium, as Playwright's host is out of reach", _DEBIAN)
    if find_chromium() is None:
        print(complaint)
        raise SystemExit("No Chromium: put one on the PATH, or run this as root on Debian.")


def launch_options() -> dict[str, Any]:
    """Return what Playwright needs to start it."""
    root = ["--no-sandbox"] if os.getuid() == 0 else []  # Chromium's sandbox refuses root
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    return {"executable_path": find_chromium(), "args": [*root, *quiet]}


def _find_playwrights() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if os.access(path, os.X_OK) else None


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

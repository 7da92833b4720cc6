"""The browser of the browser tests: one that is there, or one that can be had."""

import os
import shutil
import subprocess
import sys
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_DOWNLOAD_SECONDS = 600


def find_chromium() -> str | None:
    """Return the path of a Chromium that this machine has, or None."""
    found = (shutil.which(name) for name in _NAMES)
    return next((path for path in found if path), None) or _find_playwrights()


def install_chromium() -> None:
    """Get Playwright's own build, or Debian's package where that cannot be had."""
    if find_chromium() is None:
        _try(sys.executable, "-m", "playwright", "install", "chromium")
    if find_chromium() is None:
        _try("apt-get", "update")
        _try("apt-get", "install", "--yes", "--no-install-recommends", "chromium")
    if find_chromium() is None:
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


def _try(*command: str) -> None:
    """Run a command that may fail: whether it helped is seen afterwards."""
    print("+", *command, flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(command, check=False, timeout=_DOWNLOAD_SECONDS, env=environment)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(error, flush=True)

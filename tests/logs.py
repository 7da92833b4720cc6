"""What the processes beside a test have printed, for the report of its failure."""

import sys
from pathlib import Path

# The end of a log says why; the beginning of a long one only hides it.
_SHOWN_CHARACTERS = 20_000

_titles: dict[Path, str] = {}
_seen: dict[Path, int] = {}


def follow_log(path: Path, title: str) -> Path:
    """Show what is written to `path` from now on in the report of a test that fails meanwhile."""
    _titles[path] = title
    return path


def begin_logs() -> None:
    """Leave out of the next report what has been written so far, and the logs that are gone."""
    for path in list(_titles):
        if path.exists():
            _seen[path] = path.stat().st_size
        else:
            del _titles[path]
            _seen.pop(path, None)


def read_logs() -> list[tuple[str, str]]:
    """Return the title of each log, and what was written to it since the test began."""
    found = [(title, path, _read_new(path)) for path, title in _titles.items() if path.exists()]
    return [(f"Log of {title}, {path}", text) for title, path, text in found if text]


def show_log(title: str, text: str) -> None:
    """Print the output of a process that has ended: pytest shows it where the test fails."""
    if text:
        sys.stdout.write(f"\n--- output of {title}\n{text}\n")


def _read_new(path: Path) -> str:
    with path.open("rb") as log:
        log.seek(_seen.get(path, 0))
        return log.read().decode(errors="replace").strip()[-_SHOWN_CHARACTERS:]

"""Run every test, five at a time.

`python -m tests.everything`. The benchmarks are among them: their ratios hold on a busy machine,
and what they print is worth something alone (`pytest -n0 -s tests/benchmarks`).

What fails beside others is tried once more alone, and named: if it passes then, it has met a busy
machine or another test's traces. That does not fail the run, but it is to be mended.
"""

import json
import re
import signal
import subprocess
import sys

from tests.servers import ROOT

_PYTEST = [sys.executable, "-m", "pytest"]
# Five workers on two cores, because much of what they do is to wait; the longest groups first.
_SIDE_BY_SIDE = ["-n", "5", "--no-loadscope-reorder", "--durations=25"]
_LAST_FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
_GROUP = re.compile(r"@[^@\[\]]+$")
_TESTS_FAILED = 1
# More than these are no accident.
_MOST = 12


def main() -> int:
    # Who ends this ends the tests, too: an exception does that, and a signal alone would not
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    _LAST_FAILED.unlink(missing_ok=True)
    code = _run(*_SIDE_BY_SIDE)
    failed = _read_failed() if code == _TESTS_FAILED else []
    if not 0 < len(failed) <= _MOST:
        return code
    print(f"\n== {len(failed)} failed beside others; once more alone:", *failed, sep="\n")
    return _run("-n0", *failed)


def _run(*arguments: str) -> int:
    sys.stdout.flush()
    return subprocess.run(
        [*_PYTEST, *arguments], cwd=ROOT, stdin=subprocess.DEVNULL, check=False
    ).returncode


def _read_failed() -> list[str]:
    """Return the ids of the tests that failed, without the groups that xdist appends."""
    if not _LAST_FAILED.exists():
        return []
    return [_GROUP.sub("", name) for name in json.loads(_LAST_FAILED.read_text())]


if __name__ == "__main__":
    sys.exit(main())

"""Clocks that go ten minutes wrong: of flows, the server, the database and the browser."""

import importlib.util
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from playwright.sync_api import Page, sync_playwright

from tests.acceptance.waiting import eventually
from tests.chromium import launch_options
from tests.faults.actors import Reviewer, Unanswered
from tests.faults.asking_flows import HEARING, LATE, LONG, SHORT
from tests.faults.crowds import FLOWS
from tests.faults.desks import PASSWORD, Desk, postgresql_desk, sqlite_desk
from tests.faults.evidence import Note, read_notes, read_runs
from tests.faults.ledger import Kind, Ledger
from tests.faults.tables import Row

_MINUTES = (10, -10)
# Seconds by which something may be late, where others use the machine as well
_LATE = 20.0
# A policy decides so long before the end of a pause, and notices within two more
_BEFORE_THE_END = 7.0
# Milliseconds, after which less than a minute of ten is left
_NEARLY = 1000 * (LONG - 40)
# Lets the browser's clock go wrong by so many milliseconds, before any script of a page runs
_SHIFT = """
const Right = Date;
globalThis.Date = class extends Right {
  constructor(...given) { given.length ? super(...given) : super(Right.now() + SHIFT); }
  static now() { return Right.now() + SHIFT; }
};
"""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """How a flow ends, and after how many seconds at the soonest and at the latest."""

    flow: str
    ended: str
    soonest: float
    latest: float


_EXPECTED = (
    Expected(flow="alone", ended="answered", soonest=0, latest=120),
    Expected(flow="soon", ended="expired", soonest=SHORT - 0.5, latest=SHORT + _LATE),
    Expected(flow="late", ended="rejected", soonest=LATE - _BEFORE_THE_END, latest=LATE + _LATE),
    Expected(flow="quiet", ended="", soonest=HEARING - 0.5, latest=HEARING + _LATE),
)


def wrong_clock(minutes: int) -> dict[str, str]:
    """Return the variables of a process whose clock goes wrong by so many minutes.

    The calendar's alone, for the whole process: what measures durations goes as it should.
    """
    package = importlib.util.find_spec("libfaketime")
    assert package is not None
    assert package.origin is not None
    library = Path(package.origin).with_name("vendor") / "libfaketime/src/libfaketime.so.1"
    offset = f"{60 * minutes:+d}"
    return {"LD_PRELOAD": str(library), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def compare_clocks(*, seed: int) -> list[Row]:
    """Let each clock go wrong both ways, and return what did not hold."""
    rows = []
    for minutes in _MINUTES:
        rows.append(_with_flows(minutes, seed))
        rows.append(_with_server(minutes, seed))
        rows.append(_with_database(minutes, seed))
        rows.append(_with_browser(minutes))
    return rows


def _with_flows(minutes: int, seed: int) -> Row:
    with sqlite_desk() as desk:
        return _play(desk, "flows", minutes, seed, of_flows=wrong_clock(minutes))


def _with_server(minutes: int, seed: int) -> Row:
    with sqlite_desk(**wrong_clock(minutes)) as desk:
        return _play(desk, "server and loops", minutes, seed)


def _with_database(minutes: int, seed: int) -> Row:
    with postgresql_desk(number=1, of_database=wrong_clock(minutes)) as desk:
        return _play(desk, "PostgreSQL", minutes, seed)


def _play(
    desk: Desk, whose: str, minutes: int, seed: int, *, of_flows: Mapping[str, str] | None = None
) -> Row:
    """Have a flow of each kind end, one by the answer of somebody who has left a draft."""
    desk.let_in(["fay"], [])
    key = desk.first.api_key
    fay = Reviewer(desk=desk, ledger=Ledger(), name="fay", key=key, random=Random(seed))
    wrong: list[str] = []
    for expected in _EXPECTED:
        process = desk.make_process(
            expected.flow, FLOWS, expected.flow, str(desk.folder), **(of_flows or {})
        )
        process.start()
    eventually(lambda: _try_to_answer(fay, wrong), "fay has answered")
    eventually(lambda: len([*read_notes(desk.folder)]) >= len(_EXPECTED), "all flows have ended")
    flows = {run.id: run.flow for run in read_runs(desk.first).values()}
    found = {flows[note.run]: note for note in read_notes(desk.folder)}
    wrong += [why for each in _EXPECTED for why in _differ(each, found)]
    held = "deadline, step, message, draft, session"
    return Row(what=f"the clock of {whose}, {minutes:+d} min", counted=held, wrong=wrong)


def _try_to_answer(fay: Reviewer, wrong: list[str]) -> bool:
    try:
        return _answer(fay, wrong)
    except Unanswered:  # on a machine with much to do
        return False


def _answer(fay: Reviewer, wrong: list[str]) -> bool:
    """Leave a draft, come back to it, and answer; return whether the flow has asked by now."""
    asking = [run for run in fay.list_runs("PAUSED") if fay.flow_of(run) == "alone"]
    approval = fay.find_approval(asking[0]["id"]) if asking else None
    if approval is None:
        return False
    if fay.save_draft(approval) not in fay.read(approval):
        wrong.append("the draft is gone")
    if not fay.decide(Kind.ANSWER, asking[0]["id"], approval):
        wrong.append("the answer was not taken")
    return True


def _differ(expected: Expected, found: Mapping[str, Note]) -> Iterator[str]:
    note = found.get(expected.flow)
    if note is None or note.ended != expected.ended:
        yield f"{expected.flow} should be {expected.ended}: {note}"
    elif not expected.soonest <= note.after <= expected.latest:
        yield f"{expected.flow} was {expected.ended} after {note.after:.1f} s"


def _with_browser(minutes: int) -> Row:
    """Open what waits ten minutes in a browser whose clock is wrong, until its last minute."""
    with sqlite_desk() as desk:
        desk.let_in(["fay"], [])
        desk.make_process("alone", FLOWS, "alone", str(desk.folder)).start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(**launch_options())
            page = browser.new_page()
            page.add_init_script(_SHIFT.replace("SHIFT", str(60_000 * minutes)))
            first, last = _read_deadline(page, desk.url)
            browser.close()
    is_right = first.startswith("until ") and re.fullmatch(r"\d\d? seconds? left", last)
    wrong = [] if is_right else [f"the page says {first!r}, then {last!r}"]
    held = "deadline, session"
    return Row(what=f"the clock of the browser, {minutes:+d} min", counted=held, wrong=wrong)


def _read_deadline(page: Page, url: str) -> tuple[str, str]:
    """Return what a page says of its deadline when it is new, and in the last minute."""
    page.goto(f"{url}/accounts/login/")
    page.get_by_label("User name").fill("fay")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    link = page.get_by_role("link", name="alone")
    eventually(lambda: bool(page.goto(url)) and link.count(), "it waits")
    link.first.click()
    deadline = page.locator("#decision-bar .left time")
    first = deadline.inner_text()
    page.evaluate("ms => { const now = Date.now; Date.now = () => now() + ms; }", _NEARLY)
    page.wait_for_timeout(2_500)
    return first, deadline.inner_text()

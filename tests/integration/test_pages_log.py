"""A run's log: what is shown of it, by level and words, page by page."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from approvals.services import inbox
from approvals.views import logs
from flowruns.models import LogLine
from tests.integration.conftest import Run
from tests.integration.pages import ask, log_in, page_of, text_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def write(run: Run, count: int, *, level: int = 20, word: str = "line") -> None:
    LogLine.objects.bulk_create(
        LogLine(
            name="flow",
            level=level,
            message=f"{word} {number}",
            timestamp=NOON + timedelta(seconds=number),
            flow_run_id=run.uuid,
        )
        for number in range(1, count + 1)
    )


def log_of(run: Run) -> str:
    return f"/runs/flow-run/{run.id}/log/"


def lines_of(address: str) -> list[str]:
    page = log_in().get(address).content.decode()
    return re.findall(r"<bdi>(\w+ \d+)</bdi></li>", page)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (inbox, logs):
        monkeypatch.setattr(module, "MAX_LOG_LINES", 3)


@pytest.mark.usefixtures("short")
def test_a_page_says_that_it_shows_the_newest_of_more(run: Run) -> None:
    approval = ask(run)
    write(run, 7)
    for address in (page_of(approval), f"/runs/flow-run/{run.id}"):
        assert "The newest 3 of 7 lines" in text_of(log_in().get(address))
        assert lines_of(address) == ["line 7", "line 6", "line 5"]
        assert f'href="{log_of(run)}"' in log_in().get(address).content.decode()


def test_a_short_log_is_all_there(run: Run) -> None:
    write(run, 2)
    assert "2 lines, the newest first" in text_of(log_in().get(f"/runs/flow-run/{run.id}"))


@pytest.mark.usefixtures("short")
def test_more_is_loaded_page_by_page_without_gaps(run: Run) -> None:
    write(run, 7)
    LogLine.objects.update(timestamp=NOON)  # all at once, as a flow logs that is fast
    address, found = log_of(run), []
    while address:
        found += lines_of(address)
        page = log_in().get(address).content.decode()
        earlier = re.search(r'href="(\?[^"]*before=[^"]*)" rel="next"', page)
        address = f"{log_of(run)}{earlier[1].replace('&amp;', '&')}" if earlier else ""
    assert sorted(found) == [f"line {number}" for number in range(1, 8)]


def test_a_log_is_filtered_by_level_and_searched(run: Run) -> None:
    write(run, 2, level=20, word="fine")
    write(run, 2, level=30, word="odd")
    write(run, 1, level=50, word="broken")
    assert sorted(lines_of(f"{log_of(run)}?level=warning")) == ["broken 1", "odd 1", "odd 2"]
    assert lines_of(f"{log_of(run)}?level=error") == ["broken 1"]
    assert lines_of(f"{log_of(run)}?q=ODD+2") == ["odd 2"]
    assert lines_of(f"{log_of(run)}?q=fine&level=warning") == []
    assert "No line of the log matches" in text_of(log_in().get(f"{log_of(run)}?q=zebra"))


@pytest.mark.parametrize("query", ["level=x", "before=x", "q=%00", "level=warning%00"])
def test_what_means_nothing_narrows_nothing(run: Run, query: str) -> None:
    write(run, 1)
    assert lines_of(f"{log_of(run)}?{query}") == ["line 1"]


def test_a_filter_stays_from_page_to_page(run: Run, short: None) -> None:
    write(run, 5, word="odd")
    page = log_in().get(f"{log_of(run)}?q=odd").content.decode()
    assert re.search(r'href="\?q=odd&amp;before=[^"]+" rel="next"', page)


def test_the_log_of_a_run_that_is_not_there_is_not_found(db: None) -> None:
    assert log_in().get(f"/runs/flow-run/{UUID(int=1)}/log/").status_code == 404

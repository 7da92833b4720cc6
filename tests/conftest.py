"""What all tests may ask for."""

import gc
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management.color import Style
from django.core.management.commands import flush
from django.db.backends.base.base import BaseDatabaseWrapper
from playwright.sync_api import Browser, expect

from flowruns.domain.texts import readable
from tests.chromium import running_chromium
from tests.groups import PartScheduling
from tests.logs import begin_logs, read_logs
from tests.postgres import create_migrated_database, postgresql_server

pytest_plugins = ["tests.failed_pages"]

_HERE = Path(__file__).parent
_SLOW_FOLDERS = {
    _HERE / name for name in ("acceptance", "benchmarks", "browser", "prefect_clients")
}
# What goes through every door, page or example, and takes a fifth of a second or more each time
_THOROUGH = {
    *("absences", "absences_by_api", "answer_elsewhere", "answers_like_prefect", "any_template"),
    *("api_document", "architecture", "attendance", "audit_log", "block_types", "blocks"),
    *("bounded_evaluation", "bulk", "calendars", "changed_questions", "changing_calls"),
    *("comments", "confidential_votes"),
    *("deliver_messages", "described_operations", "dialect", "drafts", "every_door", "extending"),
    *("faults_elsewhere", "fields_have_an_effect", "forged_answers", "forged_rejections"),
    *("guarded_doors", "half_characters", "handing", "hands_of_operators", "held_back", "help"),
    *("history_told_apart", "hold_together", "hold_votes", "hostile_schemas", "inbox_filters"),
    *("known_complaints", "lockout", "metrics", "nets_elsewhere", "opening_together"),
    *("other_servers", "policies_meet_the_rest", "policy_commands", "policy_steps"),
    *("prefect_connector", "prefect_connector_answers", "presence", "prune"),
    *("questions_of_others", "read_task_runs", "requesters", "reviewers_words", "round_trip"),
    *("saved_views", "schedule_dates", "schema_cache", "searching", "secret_votes"),
    *("served_paths", "services_ask_the_judge", "slack_buttons", "slack_doors", "slack_forms"),
    *("slack_in_time", "slack_late", "slots", "tell_browsers", "tell_by_slack", "tell_groups"),
    *("tell_reviewers", "titles", "told_again", "told_complaints", "uploads", "vote_races"),
    *("votes", "votes_told", "webhooks"),
}
_DATABASE = {"db", "live_server", "transactional_db"}
_FILLED_BY_MIGRATING = {"auth_permission", "django_content_type"}

# A page on a busy machine may be slow; what a test waits for is there at once otherwise.
expect.set_options(timeout=30_000)


def pytest_configure() -> None:
    """Let the processes that tests start heed Ctrl-C, which jobs in a shell's background ignore."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> PartScheduling | None:
    return PartScheduling(config, log) if config.getoption("dist") == "loadgroup" else None


def pytest_collection_finish() -> None:
    """Spare the collector what lives as long as the run: to go through it takes a tenth of it."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Look once for what is left, as pytest does five times more among all that is there."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    begin_logs()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach what the servers, and the flows beside a test, have printed while it failed.

    Half characters, which some tests send and log, cannot be reported to xdist's first process.
    """
    report = yield
    if report.failed:
        report.sections.extend(read_logs())
    report.sections = [(name, readable(text)) for name, text in report.sections]
    return report


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import what is slow as a whole when the inner loop leaves it out."""
    if config.option.markexpr != "not slow":
        return None
    return collection_path in _SLOW_FOLDERS or _is_thorough(collection_path) or None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave what is thorough out of the inner loop, and name what PostgreSQL is asked once more."""
    for item in items:
        if _is_thorough(item.path):
            item.add_marker(pytest.mark.thorough)
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("django_db") or _asks_database(item):
            item.add_marker(pytest.mark.database)


def _asks_database(item: pytest.Item) -> bool:
    return not _DATABASE.isdisjoint(getattr(item, "fixturenames", ()))


def _is_thorough(path: Path) -> bool:
    name = path.stem.removeprefix("test_")
    return name in _THOROUGH or name.startswith("pages_")


@pytest.fixture(scope="session", autouse=True)
def _flush_what_tests_write() -> Iterator[None]:
    """Leave the rows that migrating has made when a test's are deleted: they take long to make."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush, "sql_flush", _delete_what_tests_write)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *_, **__: None)
        yield


def _delete_what_tests_write(style: Style, connection: BaseDatabaseWrapper, **options: bool) -> Any:
    """Return the statements that empty all tables but those that migrating fills."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    written = [table for table in tables if table not in _FILLED_BY_MIGRATING]
    if connection.vendor != "postgresql":
        return connection.ops.sql_flush(style, written, **options)
    # To truncate makes new files for each table and index, which takes longer than most tests
    deleted = [f"DELETE FROM {connection.ops.quote_name(table)}" for table in written]
    return ["; ".join(["SET LOCAL session_replication_role = replica", *deleted])]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server's first database."""
    with postgresql_server() as url:
        yield url


@pytest.fixture
def database_url(postgresql: str) -> str:
    """The URL of a PostgreSQL database with our tables, which are empty."""
    return create_migrated_database(postgresql)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one module, since others may ask Django's database."""
    with running_chromium() as browser:
        yield browser

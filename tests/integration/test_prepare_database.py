"""A server that starts brings its tables up to date, and loads no migration where they are."""

from typing import Any

import pytest
from django.db.migrations.recorder import MigrationRecorder

from approvals.management import preparing
from approvals.management.preparing import prepare_database

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []

    def call(name: str, **_: Any) -> None:
        names.append(name)

    monkeypatch.setattr(preparing, "call_command", call)
    return names


def test_a_database_with_all_migrations_is_left_as_it_is(called: list[str]) -> None:
    prepare_database()
    assert called == []


@pytest.mark.parametrize("app", ["flowruns", "approvals", "axes", "auth"])
def test_a_database_that_lacks_a_migration_is_migrated(app: str, called: list[str]) -> None:
    last = MigrationRecorder.Migration.objects.filter(app=app).latest("id")
    last.delete()
    try:
        prepare_database()
    finally:
        last.save(force_insert=True)
    assert called == ["migrate"]


def test_one_that_a_newer_version_has_migrated_further_is_left_as_it_is_with_a_warning(
    called: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    newer = MigrationRecorder.Migration.objects.create(app="flowruns", name="9999_newer")
    try:
        prepare_database()
    finally:
        newer.delete()
    assert called == []
    [warning] = caplog.messages
    assert "flowruns.9999_newer" in warning


def test_one_of_this_version_is_ready_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    prepare_database()
    assert caplog.messages == []

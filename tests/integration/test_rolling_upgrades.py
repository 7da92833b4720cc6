"""Processes of the former release, which still serve while the next one has migrated."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, OperationalError, connection, migrations, models, transaction
from django.db.migrations.loader import MigrationLoader

from approvals.models import Approval, Facet
from approvals.services.facets import list_choices
from flowruns.models import Flow

# Later ones are met by processes of the release before them
_BEFORE_ROLLING = {"approvals": "0013", "flowruns": "0018"}
_BREAKING = (
    migrations.RemoveField,
    migrations.RenameField,
    migrations.DeleteModel,
    migrations.RenameModel,
    migrations.AlterModelTable,
)


def _list_operations() -> Iterator[tuple[str, Any]]:
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        if app in _BEFORE_ROLLING and name[:4] >= _BEFORE_ROLLING[app]:
            yield from ((f"{app}.{name}", each) for each in migration.operations)


def _is_left_empty(field: "models.Field[Any, Any]") -> bool:
    """Whether a row that is inserted without the column would be refused."""
    return not field.null and not field.has_db_default() and not field.many_to_many


def test_the_former_release_can_write_rows_without_the_columns_of_the_next_one() -> None:
    """A new column has `db_default` or is null: Django's `default` is known to new code alone."""
    added = [each for each in _list_operations() if isinstance(each[1], migrations.AddField)]
    assert len(added) >= 5
    assert [(name, each.name) for name, each in added if _is_left_empty(each.field)] == []


def test_no_migration_takes_away_what_the_former_release_reads() -> None:
    """What goes is first unused for a release, and then removed by the one after it."""
    assert [name for name, each in _list_operations() if isinstance(each, _BREAKING)] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("approvals_attempt", "via"),
        ("approvals_decision", "via"),
        ("approvals_vote", "via"),
        ("approvals_vote", "is_open"),
        ("flowruns_runinput", "is_confidential"),
    ],
)
def test_the_database_itself_fills_what_the_former_release_leaves_out(
    table: str, column: str
) -> None:
    model = next(each for each in apps.get_models() if each._meta.db_table == table)
    field = model._meta.get_field(column)
    assert isinstance(field, models.Field)
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, table)
    assert next(each.default for each in described if each.name == column) is not None
    assert field.db_default == field.default


@pytest.mark.django_db
def test_a_row_that_lacks_a_column_of_a_newer_release_is_to_be_tried_again_elsewhere() -> None:
    with (
        pytest.raises(OperationalError, match="of a newer release"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("INSERT INTO flowruns_flow (id) VALUES (%s)", [Flow().pk.hex])


@pytest.mark.django_db
def test_a_row_that_is_there_already_is_a_collision_as_before() -> None:
    flow = Flow.objects.create(name="refund")
    with pytest.raises(IntegrityError), transaction.atomic():
        Flow.objects.create(name=flow.name)


@pytest.mark.django_db
def test_the_inbox_offers_the_filters_that_it_knows(admin_user: Any) -> None:
    now = datetime.now(UTC)
    run = Flow().pk
    approval = Approval.objects.create(
        flow_run_id=run, pause_state_id=run, flow_name="refund", opened_at=now
    )
    Facet.objects.bulk_create(
        Facet(approval=approval, kind=kind, name="eu") for kind in ("tag", "region")
    )
    assert list_choices(admin_user).tags == ["eu"]

"""A row whose SQL is written once is stored as Django's own writing of it stores it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Model
from django.db.models.signals import ModelSignal, post_delete, post_save, pre_save
from django.test.utils import CaptureQueriesContext

from approvals.models import Approval, Facet
from flowruns.models import Event, Flow, FlowRun, FlowRunState, RunInput
from flowruns.models.prepared import PreparedInsert, PreparedQuery, PreparedSave
from tests.integration.conftest import Run

_BEGINNING = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def fields_of(row: Model, *besides: str) -> dict[str, Any]:
    """Return the fields of a row that is read anew, without those that differ from row to row."""
    stored = type(row)._default_manager.values().get(pk=row.pk)
    return {name: value for name, value in stored.items() if name not in {"id", *besides}}


def draft_approval() -> Approval:
    return Approval(
        flow_run_id=uuid4(), pause_state_id=uuid4(), flow_name="refund", opened_at=_BEGINNING
    )


@contextmanager
def told(signal: ModelSignal, sender: type[Model]) -> Iterator[list[dict[str, Any]]]:
    """Collect what a signal tells of a model."""
    heard: list[dict[str, Any]] = []

    def hear(**said: Any) -> None:
        heard.append({name: said[name] for name in said if name not in {"signal", "sender"}})

    signal.connect(hear, sender=sender)
    try:
        yield heard
    finally:
        signal.disconnect(hear, sender=sender)


def test_a_row_is_stored_as_django_stores_it(run: Run) -> None:
    flow, inserts = Flow.objects.get(), PreparedInsert(FlowRun)

    def draft() -> FlowRun:
        return FlowRun(
            flow=flow,
            name="100 % 'sure'",
            tags=["a"],
            parameters={"a": [1, None], "ü": "🙂"},
            context={},
            job_variables=None,
            expected_start_time=_BEGINNING,
            total_run_time=timedelta(seconds=1.5),
        )

    for _ in range(2):  # written, and sent once more
        ours, djangos = draft(), draft()
        inserts.insert(ours)
        djangos.save(force_insert=True)
        both = [fields_of(row, "created", "updated") for row in (ours, djangos)]
        assert both[0] == both[1]
        assert both[0]["parameters"] == {"a": [1, None], "ü": "🙂"}
        for row in (ours, FlowRun.objects.get(pk=ours.pk)):
            assert abs(row.created - djangos.created) < timedelta(minutes=1)
            assert not row._state.adding
            assert row._state.db == "default"


def test_rows_of_one_statement_get_their_numbers_in_order(db: None) -> None:
    approval, inserts = draft_approval(), PreparedInsert(Facet)
    approval.save()
    for count in (1, 3, 3, 25):
        names = [f"{count}-{place}" for place in range(count)]
        facets = [Facet(approval=approval, kind=Facet.Kind.TAG, name=name) for name in names]
        Facet.objects.all().delete()
        with CaptureQueriesContext(connection) as asked:
            inserts.insert_all(facets)
        assert len(asked) == 1
        stored = dict(Facet.objects.values_list("pk", "name"))
        assert [stored[facet.pk] for facet in facets] == names
    inserts.insert_all([])
    assert Facet.objects.count() == 25


def test_what_is_stored_already_stays_where_conflicts_are_ignored(db: None) -> None:
    inserts, id_ = PreparedInsert(Event, ignore_conflicts=True), uuid4()
    for name in ("first", "second"):
        inserts.insert_all(
            [
                Event(
                    id=id_,
                    occurred=_BEGINNING,
                    received=_BEGINNING,
                    event=name,
                    resource_id="x",
                    resource={},
                )
            ]
        )
    assert Event.objects.get().event == "first"


@pytest.mark.parametrize("count", [1, 12])
def test_what_is_stored_already_takes_over_what_is_new(run: Run, count: int) -> None:
    latest = PreparedInsert(RunInput, unique=("flow_run", "key"), update=("value", "updated"))
    for value in ("first", "second"):
        latest.insert_all(
            RunInput(flow_run_id=run.uuid, key=str(place), value=value, actor_name=value)
            for place in range(count)
        )
    stored = RunInput.objects.values_list("value", "actor_name")
    assert list(stored) == [("second", "first")] * count
    assert all(row.updated > row.created for row in RunInput.objects.all())


def test_whoever_listens_to_saves_hears_of_a_row_and_not_of_rows(run: Run) -> None:
    inserts = PreparedInsert(RunInput)
    with told(pre_save, RunInput) as before, told(post_save, RunInput) as after:
        inserts.insert_all([RunInput(flow_run_id=run.uuid, key="0")])
        assert before == after == []
        row = RunInput(flow_run_id=run.uuid, key="1")
        inserts.insert(row)
        ours = [*before, *after]
        before.clear()
        after.clear()
        row.pk, row.key = uuid4(), "2"
        row.save(force_insert=True)
        assert ours == [*before, *after]


def test_a_row_that_is_refused_ends_its_transaction(run: Run) -> None:
    inserts = PreparedInsert(RunInput)
    inserts.insert(RunInput(flow_run_id=run.uuid, key="1"))
    with pytest.raises(IntegrityError), transaction.atomic():
        inserts.insert(RunInput(flow_run_id=run.uuid, key="1"))
    with transaction.atomic():
        with pytest.raises(IntegrityError):
            inserts.insert(RunInput(flow_run_id=run.uuid, key="1"))
        assert connection.needs_rollback
        transaction.set_rollback(True)


def test_only_a_row_with_all_the_values_is_changed(run: Run) -> None:
    moves = PreparedQuery(FlowRun.objects.exclude(name="x"), by=("pk", "version"))
    untouched = fields_of(run_row(run))
    to = {"version": 8, "pause_keys": ["1", "ü"], "start_time": _BEGINNING, "state_name": None}
    assert moves.update(run.uuid, untouched["version"] + 1, to=to) == 0
    assert moves.update(uuid4(), untouched["version"], to=to) == 0
    assert moves.update(None, untouched["version"], to=to) == 0
    assert fields_of(run_row(run)) == untouched
    assert moves.update(run.uuid, untouched["version"], to=to) == 1
    assert fields_of(run_row(run)) == untouched | to


def test_other_fields_are_another_statement(run: Run) -> None:
    changes = PreparedQuery(FlowRun.objects.all(), by="pk")
    for to in ({"name": "a"}, {"run_count": 7}, {"name": "b"}):
        assert changes.update(run.uuid, to=to) == 1
    row = run_row(run)
    assert (row.name, row.run_count) == ("b", 7)


def test_only_rows_with_the_value_are_deleted_and_who_listens_hears(run: Run) -> None:
    for key in "abc":
        assert run.put(key, "").status_code == 201
    inputs = PreparedQuery(RunInput.objects.exclude(key="c"), by=("flow_run", "key__in"))
    inputs.delete(uuid4(), ["a"])
    inputs.delete(run.uuid, ["a", "c"])
    assert set(RunInput.objects.values_list("key", flat=True)) == {"b", "c"}
    with told(post_delete, RunInput) as gone:
        inputs.delete(run.uuid, ["b"])
    assert [each["instance"].key for each in gone] == ["b"]


def test_what_refers_to_a_deleted_row_goes_with_it(run: Run) -> None:
    PreparedQuery(FlowRun.objects.all(), by="pk").delete(run.uuid)
    assert not FlowRunState.objects.exists()


def test_some_fields_of_a_row_are_saved_as_django_saves_them(run: Run) -> None:
    before = fields_of(run_row(run), "updated")
    row = run_row(run)
    row.name, row.tags, row.retries = "b", ["c"], 4
    with told(pre_save, FlowRun) as begun, told(post_save, FlowRun) as done:
        PreparedSave(FlowRun, ["tags", "updated"]).save(row)
        ours = [*begun, *done]
        begun.clear()
        done.clear()
        row.save(update_fields=["tags", "updated"])
        assert ours == [*begun, *done]
    stored = run_row(run)
    assert fields_of(stored, "updated") == before | {"tags": ["c"]}
    assert stored.updated > row.created


def test_a_row_that_is_gone_is_not_saved(run: Run) -> None:
    row = run_row(run)
    FlowRun.objects.all().delete()
    with pytest.raises(FlowRun.NotUpdated):
        PreparedSave(FlowRun, ["name"]).save(row)


def run_row(run: Run) -> FlowRun:
    return FlowRun.objects.get(pk=run.uuid)

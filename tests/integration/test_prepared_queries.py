"""A query that is written once finds what Django's own finds, row by row and field by field."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model, QuerySet
from django.test.utils import CaptureQueriesContext

from flowruns.models import ApiKey, FlowRun
from flowruns.models.prepared import PreparedQuery
from tests.integration.conftest import Api, Make

RUNS = FlowRun.objects.select_related("flow", "deployment__concurrency_limit", "slot_lease")
_WAY_BACK = "flow_run"  # from a lease to the run that it came with
KEYS = ApiKey.objects.select_related("owner").filter(revoked_at=None)


def walk(found: Model | None) -> dict[str, Any]:
    """Return the fields of an object, and those of all that came with it."""
    assert found is not None
    fields = {name: value for name, value in vars(found).items() if name != "_state"}
    beside = {name: row for name, row in found._state.fields_cache.items() if name != _WAY_BACK}
    return fields | {name: row and walk(row) for name, row in beside.items()}


def both(rows: QuerySet[Any], by: str, value: Any) -> Iterator[dict[str, Any]]:
    prepared: PreparedQuery[Any] = PreparedQuery(rows, by=by)
    for _ in range(2):  # written, and read once more
        yield walk(prepared.find(value))
    yield walk(rows.filter(**{by: value}).first())


@pytest.mark.parametrize("deployed", [False, True])
def test_a_run_comes_with_its_flow_and_deployment(make_run: Make, deployed: bool) -> None:
    run = make_run(deployed=deployed, parameters={"a": [1]}, tags=["x"])
    first, second, djangos = both(RUNS, "pk", run.uuid)
    assert first == second == djangos
    assert first["flow"]["name"] == "refund"
    assert (first["deployment"] is not None) is deployed


def test_a_held_slot_comes_with_its_run(api: Api, make_run: Make) -> None:
    limited = {"name": "limited", "concurrency_limit": 1, "flow_id": make_run().read()["flow_id"]}
    deployment = json.loads(api.post("/deployments/", limited).content)
    run = make_run(state="SCHEDULED", deployment_id=deployment["id"])
    run.enter("PENDING")
    first, second, djangos = both(RUNS, "pk", run.uuid)
    assert first == second == djangos
    assert first["deployment"]["concurrency_limit"]["limit"] == 1
    assert first["slot_lease"]["slots"] == 1


def test_a_key_comes_with_its_owner_unless_it_was_revoked(api: Api) -> None:
    key = ApiKey.objects.get()
    ApiKey.objects.update(owner=User.objects.create(username="alice"))
    first, second, djangos = both(KEYS, "digest", key.digest)
    assert first == second == djangos
    assert first["owner"]["username"] == "alice"
    ApiKey.objects.update(revoked_at=key.created)
    assert PreparedQuery(KEYS, by="digest").find(key.digest) is None


def test_rows_are_found_by_several_fields_in_their_order(make_run: Make) -> None:
    runs = [make_run(name=name).uuid for name in ("b", "c", "a")]
    named = PreparedQuery(
        FlowRun.objects.exclude(name="c").order_by("name"), by=("created__gt", "pk__in"), most=2
    )
    long_ago = datetime.now(UTC) - timedelta(days=1)
    assert [run.name for run in named.find_all(long_ago, runs)] == ["a", "b"]
    assert [run.name for run in named.find_all(long_ago, [*runs[:2], runs[0]])] == ["b"]
    assert named.find_all(datetime.now(UTC), runs) == []
    assert named.find_all(long_ago, []) == []


def test_no_more_than_the_first_rows_are_found(make_run: Make) -> None:
    runs = [make_run(name=name).uuid for name in ("b", "c", "a")]
    first = PreparedQuery(FlowRun.objects.order_by("name").only("name"), by="pk__in", most=2)
    for _ in range(2):
        assert [run.name for run in first.find_all(runs)] == ["a", "b"]


def test_what_is_not_there_is_none(db: None) -> None:
    assert PreparedQuery(RUNS, by="pk").find(uuid4()) is None


def test_none_finds_nothing_and_the_next_value_what_it_is_of(make_run: Make) -> None:
    make_run()
    run, of_deployment = make_run(deployed=True), PreparedQuery(RUNS, by="deployment")
    assert of_deployment.find_all(None) == []
    deployment_id = json.loads(run.api.get(f"/flow_runs/{run.id}").content)["deployment_id"]
    assert [found.pk for found in of_deployment.find_all(UUID(deployment_id))] == [run.uuid]


def test_all_that_comes_with_a_run_takes_one_query(make_run: Make) -> None:
    run, prepared = make_run(deployed=True), PreparedQuery(RUNS, by="pk")
    with CaptureQueriesContext(connection) as queries:
        found = prepared.find(run.uuid)
        assert found is not None
        assert found.deployment is not None
        assert (found.flow.name, found.deployment.concurrency_limit) == ("refund", None)
    assert len(queries) == 1

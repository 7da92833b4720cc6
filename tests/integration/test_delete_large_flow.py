"""A flow with many runs is deleted in pieces, so that others may write in between."""

from typing import Any

import pytest
from django.db import OperationalError

from flowruns.models import Flow, FlowRun
from flowruns.services.runs import flow_runs
from tests.integration.conftest import Make


@pytest.mark.django_db(transaction=True)
def test_runs_are_deleted_in_batches(make_run: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [make_run() for _ in range(5)]
    flow_id = runs[0].read()["flow_id"]
    monkeypatch.setattr(flow_runs, "_BATCH", 2)
    delete, count = flow_runs.delete_flow_run, 0

    def fail_at_the_fourth(*arguments: Any, **options: Any) -> None:
        nonlocal count
        count += 1
        if count == 4:
            raise OperationalError("database is locked")
        delete(*arguments, **options)

    with monkeypatch.context() as failing:
        failing.setattr(flow_runs, "delete_flow_run", fail_at_the_fourth)
        assert runs[0].api.request("DELETE", f"/flows/{flow_id}").status_code == 503
    assert FlowRun.objects.count() == 3  # the first batch is gone, the second came back
    assert runs[0].api.request("DELETE", f"/flows/{flow_id}").status_code == 204
    assert not FlowRun.objects.exists()
    assert not Flow.objects.exists()

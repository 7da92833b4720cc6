"""What ended long ago is deleted in small pieces; decisions stay, with who, when and what."""

import io
from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from approvals.models import Approval
from approvals.services.votes import answer_approval
from flowruns import wire
from flowruns.management.commands.prune import read_age
from flowruns.models import Artifact, FlowRun, FlowRunState, LogLine, RunInput, TaskRun
from flowruns.services.runs import task_runs
from flowruns.services.runs.artifacts import create_artifact
from flowruns.services.runs.logs import create_logs
from flowruns.services.upkeep import retention
from flowruns.services.upkeep.retention import count_prunable, prune_batch, prune_by_setting
from flowruns.wire.artifacts import ArtifactCreate
from flowruns.wire.task_runs import TaskRunCreate
from tests.integration.conftest import Make, Run
from tests.integration.pages import ask, log_in, page_of, text_of

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def later() -> datetime:
    """Return a moment before which all that ended here has ended."""
    return datetime.now(UTC) + HOUR


def fill(run: Run, *, lines: int = 3) -> None:
    """Have a run leave log lines, a task run and an artifact."""
    line = {"name": "flow", "level": 20, "timestamp": datetime.now(UTC), "flow_run_id": run.id}
    create_logs([wire.LogCreate(**line, message=str(n)) for n in range(lines)])
    task = {"flow_run_id": run.id, "task_key": "pay", "dynamic_key": "0"}
    task_runs.create_task_run(TaskRunCreate.model_validate(task))
    create_artifact(ArtifactCreate.model_validate({"flow_run_id": run.id, "data": "1"}))


def prune_all(before: datetime) -> int:
    batches = 0
    while prune_batch(before=before):
        batches += 1
    return batches


def count_rows() -> list[int]:
    tables: list[Any] = [FlowRun, FlowRunState, RunInput, LogLine, TaskRun, Artifact]
    return [table.objects.count() for table in tables]


def test_a_run_that_ended_goes_with_all_that_belongs_to_it(make_run: Make) -> None:
    run = make_run()
    fill(run)
    run.put("note", "text")
    run.enter("COMPLETED")
    prune_all(later())
    assert count_rows() == [0, 0, 0, 0, 0, 0]


def test_what_waits_runs_or_ended_lately_stays(make_run: Make) -> None:
    ended, waits, runs = make_run(), make_run(), make_run()
    waits.pause()
    ended.enter("COMPLETED")
    before = datetime.now(UTC)
    lately = make_run()
    lately.enter("FAILED")
    for run in (ended, waits, runs, lately):
        fill(run)
    prune_all(before)
    left = set(FlowRun.objects.values_list("pk", flat=True))
    assert left == {waits.uuid, runs.uuid, lately.uuid}
    assert LogLine.objects.count() == 9


def test_a_subflow_stays_as_long_as_its_parent_goes_on(make_run: Make) -> None:
    parent = make_run()
    task = {"flow_run_id": parent.id, "task_key": "child", "dynamic_key": "0"}
    call, _ = task_runs.create_task_run(TaskRunCreate.model_validate(task))
    child = make_run(parent_task_run_id=str(call.pk))
    child.enter("COMPLETED")
    prune_all(later())
    assert FlowRun.objects.filter(pk=child.uuid).exists()
    parent.enter("COMPLETED")
    prune_all(later())
    assert not FlowRun.objects.exists()


def test_a_run_that_begins_again_meanwhile_stays(
    make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()
    run.enter("FAILED")
    prune_contents = retention._prune_contents

    def begin_again(ids: list[Any]) -> retention.Pruned:
        run.propose("SCHEDULED", force=True)
        return prune_contents(ids)

    monkeypatch.setattr(retention, "_prune_contents", begin_again)
    prune_batch(before=later())
    assert FlowRun.objects.filter(pk=run.uuid).exists()


def test_a_long_log_goes_in_pieces(make_run: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 4)
    run = make_run()
    fill(run, lines=10)
    run.enter("COMPLETED")
    left = [10]
    while prune_batch(before=later()):
        left.append(LogLine.objects.count())
    assert left == [10, 6, 2, 0, 0]


def test_a_decision_stays_with_who_when_and_what(make_run: Make) -> None:
    run = make_run()
    approval = ask(run, "Refund **2.5 EUR**?")
    alice = User.objects.create(username="alice")
    answer_approval(approval, user=alice, run_input={"approve": True, "reason": "fine"})
    decided_at = Approval.objects.get(pk=approval.pk).decision.decided_at
    run.enter("COMPLETED")
    prune_all(later())
    assert not FlowRun.objects.exists()
    decision = Approval.objects.get(pk=approval.pk).decision
    assert (decision.decided_by, decision.decided_at) == ("alice", decided_at)
    browser = log_in("alice")
    page = text_of(browser.get(page_of(approval)))
    assert "Refund 2.5 EUR" in page
    assert "fine" in page
    assert "alice" in text_of(browser.get("/history/"))
    export = browser.get("/history/export/")
    assert b"fine" in b"".join(export.streaming_content)  # type: ignore[attr-defined]


def test_lines_of_runs_that_are_not_known_go_too(make_run: Make) -> None:
    line = {"name": "flow", "level": 20, "message": "x", "timestamp": datetime.now(UTC)}
    create_logs([wire.LogCreate(**line)])
    assert prune_all(datetime.now(UTC) - HOUR) == 0
    assert prune_all(later()) == 1
    assert not LogLine.objects.exists()


def test_the_setting_prunes_by_itself_and_does_nothing_unset(
    make_run: Make, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [make_run() for _ in range(3)]
    for run in runs:
        run.enter("COMPLETED")
    monkeypatch.setattr(retention, "datetime", _InHundredDays)
    settings.RETENTION_DAYS = 0
    assert prune_by_setting() == 0
    settings.RETENTION_DAYS = 101
    assert prune_by_setting() == 0
    settings.RETENTION_DAYS = 90
    assert prune_by_setting() == 3


class _InHundredDays(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> "_InHundredDays":
        moment = datetime.now(tz) + timedelta(days=100)
        return cls.fromisoformat(moment.isoformat())


def prune(*arguments: str) -> str:
    out = io.StringIO()
    call_command("prune", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_counts_first_and_deletes_then(
    make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()
    fill(run)
    run.enter("COMPLETED")
    monkeypatch.setattr("flowruns.management.commands.prune.datetime", _InHundredDays)
    found = "1 runs, 1 task runs, 3 log lines and 1 artifacts that ended before"
    assert f"Would delete {found}" in prune("--older-than", "90d", "--dry-run")
    assert count_prunable(before=later()).runs == 1
    assert "Deleted 0 runs" in prune("--older-than", "101d")
    assert f"Deleted {found}" in prune("--older-than", "90d")
    assert not count_prunable(before=later())


def test_ages_are_read_with_their_unit() -> None:
    assert [read_age(text).days for text in ("90d", "48h", " 2w")] == [90, 2, 14]
    for text in ("", "90", "0d", "-1d", "1y", "999999w", "9d 1h"):
        with pytest.raises(ArgumentTypeError):
            read_age(text)

"""The reviewers' pages name people and flows; the engine's words are for the run's own page."""

import re
from typing import Any

import pytest

from approvals.models import Approval
from flowruns.services.upkeep.expiry import expire_pauses
from tests.integration.conftest import Make, Run
from tests.integration.pages import FROM_HTMX, YES, ask, log_in, page_of, text_of

ENGINE = re.compile(
    r"API key|api_key|\b(queued|running|suspended|paused|pending|scheduled|crashed|resum\w+|"
    r"cancell(ed|ing)|completed|state|flow run|server:\w+|deployment)\b|[0-9a-f]{8}-[0-9a-f]{4}-",
    re.IGNORECASE,
)


def expect_no_engine_words(page: Any) -> None:
    """Look at all that a page says, titles and labels included."""
    html = page.content.decode()
    said = re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', html)
    text = " ".join([text_of(page), *said, *re.findall(r"<title>([^<]*)", html)])
    assert [found[0] for found in ENGINE.finditer(text)] == [], text


def open_pages(approval: Approval, *more: str) -> None:
    alice = log_in()
    expect_no_engine_words(alice.get(page_of(approval)))
    for path in ("/", "/history/", *more):
        expect_no_engine_words(alice.get(path))


def answer_as_program(run: Run, answer: Any) -> None:
    response = run.api.post(f"/flow_runs/{run.id}/resume", {"run_input": answer})
    assert response.status_code == 201


@pytest.fixture
def waiting(make_run: Make) -> tuple[Run, Approval]:
    run = make_run(name="quick-otter", tags=["finance"], parameters={"order": 4711})
    return run, ask(run)


def test_what_waits_is_told_without_engine_words(waiting: tuple[Run, Approval]) -> None:
    _, approval = waiting
    text = text_of(log_in().get(page_of(approval)))
    assert "The flow began" in text
    assert "Waits for you" in text
    open_pages(approval, f"{page_of(approval)}reject/", "/?q=otter", "/?q=nothing")


def test_a_persons_answer_is_told_without_engine_words(waiting: tuple[Run, Approval]) -> None:
    run, approval = waiting
    log_in("bob").post(page_of(approval), YES)
    run.propose("COMPLETED")
    text = text_of(log_in().get(page_of(approval)))
    assert "The flow went on" in text
    assert "The flow has finished" in text
    open_pages(approval)


def test_a_programs_answer_names_the_program(waiting: tuple[Run, Approval]) -> None:
    run, approval = waiting
    alice = log_in()
    answer_as_program(run, {"approve": False, "reason": "No receipt"})
    assert "The program “tests” answered this" in text_of(alice.get(page_of(approval)))
    ending = alice.get(f"{page_of(approval)}state/", headers=FROM_HTMX)
    assert "The program “tests” answered this" in text_of(ending)
    expect_no_engine_words(ending)
    too_late = alice.post(page_of(approval), YES)
    assert "The program “tests” was first" in text_of(too_late)
    expect_no_engine_words(too_late)
    assert "by the program “tests”" in text_of(alice.get("/history/"))
    export = b"".join(alice.get("/history/export/")).decode()
    assert "the program “tests”" in export
    assert not ENGINE.search(export)
    open_pages(approval, "/history/?person=api_key:tests")


def test_a_rejection_is_told_without_engine_words(waiting: tuple[Run, Approval]) -> None:
    _, approval = waiting
    log_in("bob").post(f"{page_of(approval)}reject/", {"reason": "No receipt"})
    assert "Rejected" in text_of(log_in().get(page_of(approval)))
    open_pages(approval)


def test_what_was_withdrawn_is_told_without_engine_words(waiting: tuple[Run, Approval]) -> None:
    run, approval = waiting
    run.propose("CANCELLED")
    assert "Called off" in text_of(log_in().get(page_of(approval)))
    open_pages(approval)


def test_what_expired_is_told_without_engine_words(make_run: Make) -> None:
    run = make_run()
    run.pause(seconds=-1)
    expire_pauses()
    approval = Approval.objects.get(flow_run_id=run.uuid)
    assert "The time to answer has run out" in text_of(log_in().get(page_of(approval)))
    open_pages(approval)


def test_the_runs_own_page_keeps_the_engines_words(waiting: tuple[Run, Approval]) -> None:
    run, _ = waiting
    text = text_of(log_in().get(f"/runs/flow-run/{run.id}"))
    assert "Running" in text
    assert "API key “tests”" in text


def suspend(run: Run) -> Approval:
    run.pause(pause_reschedule=True)
    return Approval.objects.get(flow_run_id=run.uuid)


def test_a_suspended_run_that_nothing_starts_again_is_told_in_plain_words(make_run: Make) -> None:
    run = make_run(deployed=True)
    approval = suspend(run)
    deployment = run.read()["deployment_id"]
    assert run.api.request("DELETE", f"/deployments/{deployment}").status_code == 204
    refused = log_in().post(page_of(approval), {})
    assert "Nothing would start this flow again" in text_of(refused)
    expect_no_engine_words(refused)
    open_pages(approval)


def test_a_suspended_run_that_a_program_ends_is_told_in_plain_words(make_run: Make) -> None:
    run = make_run(deployed=True)
    approval = suspend(run)
    run.propose("CANCELLING")
    assert "Called off" in text_of(log_in().get(page_of(approval)))
    open_pages(approval)

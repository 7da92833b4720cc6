"""Of two votes that complete an approval at the same moment, one does.

The threads meet on purpose, so that a few rounds tell. For more of them, on PostgreSQL and SQLite:
`VOTE_RACES=300 python -m tests.postgres tests/integration/test_vote_races.py`, and with `pytest`.
"""

import os
import threading
from typing import Any

import pytest
from django.db import connection

from approvals.models import Approval, Decision
from approvals.services import votes
from approvals.services.decisions import Decided, TooLate
from approvals.services.votes import VoteResult
from tests.integration.conftest import Make, Run
from tests.teams import YES, hold, make_teams, person, say_yes

ROUNDS = int(os.environ.get("VOTE_RACES", "4"))


def vote_together(approval: Approval, names: list[str]) -> list[VoteResult]:
    """Let these people agree in threads that meet once their answers are checked."""
    standing = votes.read_standing(approval)
    seen, people = votes.mark_seen(approval, standing), [person(name) for name in names]
    results: list[VoteResult] = []

    def vote(user: Any) -> None:
        try:
            mine = Approval.objects.get(pk=approval.pk)
            results.append(votes.answer_approval(mine, user=user, run_input=YES, seen=seen))
        finally:
            connection.close()

    threads = [threading.Thread(target=vote, args=(user,)) for user in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_of_two_completing_votes_one_completes(
    make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_teams()
    hold("2 of @finance")
    check, barrier = votes._check, threading.Barrier(2)

    def check_together(*args: Any) -> Any:
        checked = check(*args)
        if threading.current_thread() is not threading.main_thread():
            barrier.wait(timeout=30)
        return checked

    monkeypatch.setattr(votes, "_check", check_together)
    for _ in range(ROUNDS):
        run: Run = make_run()
        run.pause_for_input()
        approval = Approval.objects.get(flow_run_id=run.uuid)
        say_yes(approval, "F1")
        results = vote_together(approval, ["F2", "B"])
        assert {type(result) for result in results} == {Decided, TooLate}
        winner = Decision.objects.get(approval=approval).decided_by
        assert winner in {"F2", "B"}
        standing = set(approval.votes.filter(voided_at=None).values_list("name", flat=True))
        assert standing == {"F1", winner}
        assert run.read()["state_type"] == "RUNNING"

"""What opens at once opens together: the same rows as one by one, in hardly more statements."""

from collections.abc import Sequence

import pytest
from django.contrib.auth.models import Group
from django.db import DataError, connection
from django.forms.models import model_to_dict
from django.test.utils import CaptureQueriesContext

from approvals.models import (
    Approval,
    Asker,
    Facet,
    Notification,
    Seat,
    Snapshot,
    Step,
    Webhook,
    WebhookDelivery,
)
from approvals.remote import gathering, settling
from approvals.remote.snapshots import begin_snapshot
from approvals.services.opening import Opening, open_approvals
from approvals.services.policies import set_policy
from tests.fake_prefect import FakePrefect
from tests.integration.elsewhere import look, reviewer
from tests.integration.telling import Mail, mail, reach

__all__ = ["mail"]
pytestmark = pytest.mark.django_db
_ROWS = (Approval, Snapshot, Facet, Seat, Asker, Step, Notification, WebhookDelivery)
_OWN = {"id", "read_at", "created_at", "next_try_at", "body", "approval"}


@pytest.fixture
def policies() -> None:
    """Have policies of every kind: by tag, by requester, with steps, hidden, of an author."""
    finance = Group.objects.create(name="finance")
    for name in ("alice", "bob"):
        reviewer(name).groups.add(finance)
    line = "all of @finance, not the requester; after 1 hours remind"
    set_policy("money", values={"line": line, "tag": "money", "requester_from": "parameters.who"})
    set_policy("quiet", values={"line": "1 of bob, seen by them only", "tag": "quiet"})


def pause_some(server: FakePrefect, count: int) -> None:
    for number in range(count):
        tags = [[], ["money"], ["quiet", "money"]][number % 3]
        run_id, _ = server.pause(name=f"run {number}", tags=tags, parameters={"who": "bob"})
        if number % 4 == 0:
            server.store(run_id, "paused-1-policy", '"1 of alice"')


def list_rows() -> list[tuple[str, Sequence[object]]]:
    """Return all that has opened, without what differs by its nature."""
    rows = []
    for model in _ROWS:
        for row in model._default_manager.all():
            fields = {k: v for k, v in model_to_dict(row).items() if k not in _OWN}
            of = str(getattr(row, "approval", row))
            rows.append((of, (model.__name__, sorted(map(str, fields.items())))))
    return sorted(rows, key=str)


def test_many_open_with_the_rows_of_one_by_one(
    server: FakePrefect,
    policies: None,
    mail: Mail,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("alice", "bob"):
        reach(name)
    Webhook.objects.create(name="ours", url="https://ours.example")
    pause_some(server, 12)
    monkeypatch.setattr(gathering, "_MOST_AT_ONCE", 1)
    look()
    alone = list_rows()
    Approval.objects.all().delete()
    monkeypatch.undo()
    look()
    assert list_rows() == alone
    kinds = {kind for _, (kind, _) in alone}
    assert kinds == {model.__name__ for model in _ROWS}


def test_a_second_approval_costs_no_statement_more(server: FakePrefect, policies: None) -> None:
    # Twelve have every combination of policies
    assert count_statements(server, 24) <= count_statements(server, 12)


def count_statements(server: FakePrefect, count: int) -> int:
    """Open so many more in one go; what is told of each is told by itself."""
    drafts: list[Opening] = []
    pause_some(server, count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settling, "open_approvals", drafts.extend)
        look()
    once = {each.approval.pause_state_id: each for each in drafts}  # a walk is followed by a look
    with CaptureQueriesContext(connection) as asked:
        open_approvals(list(once.values()))
    assert len(once) == count
    return sum("webhook" not in each["sql"] for each in asked)


def test_one_that_cannot_be_stored_keeps_no_other_from_opening(
    server: FakePrefect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pause_some(server, 5)

    def refuse_one(openings: Sequence[Opening]) -> None:
        open_approvals(openings)
        if any(each.approval.flow_run_name == "run 2" for each in openings):
            raise DataError("No database takes this.")

    monkeypatch.setattr(settling, "open_approvals", refuse_one)
    look()
    names = set(Approval.objects.values_list("flow_run_name", flat=True))
    assert names == {"run 0", "run 1", "run 3", "run 4"}
    assert "Left out the run" in caplog.text
    monkeypatch.undo()
    look()
    assert Approval.objects.count() == 5


def test_what_another_process_opened_meanwhile_opens_once(
    server: FakePrefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause_some(server, 5)
    raced: list[bool] = []

    def come_second(asked: gathering.Question) -> Snapshot:
        if not raced:
            raced.append(True)
            look()  # as the other process does
        return begin_snapshot(asked)

    monkeypatch.setattr(settling, "begin_snapshot", come_second)
    look()
    assert Approval.objects.count() == 5

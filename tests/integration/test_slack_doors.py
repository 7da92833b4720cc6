"""Each way in from Slack, for each who comes: the table in tests/data/doors.txt once more."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User

from approvals.messages import slack_buttons, slack_windows
from approvals.messages.slack_asked import name_asked
from approvals.models import Approval
from tests.doors import Door, find_slack, read_table
from tests.integration.test_slack_buttons import Desk, approval, desk

__all__ = ["approval", "desk"]
pytestmark = pytest.mark.django_db


@contextmanager
def watching(door: Door) -> Iterator[list[Any]]:
    """Note who comes through a door, in place of what it leads to."""
    came: list[Any] = []
    way, _, name = door.route.partition("/")
    module, table = (slack_buttons, "PRESSES") if way == "press" else (slack_windows, "WINDOWS")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, table, {name: lambda *told: came.append(told)})
        yield came


def comes_in(desk: Desk, door: Door, approval: Approval, *, member: str, user: User) -> bool:
    way, _, name = door.route.partition("/")
    with watching(door) as came:
        if way == "press":
            desk.press({"action_id": name, "value": name_asked(approval)}, member=member)
        else:
            asked = {"asked": name_asked(approval), "seen": "", "user": user.pk}
            view: dict[str, Any] = {"callback_id": name, "private_metadata": json.dumps(asked)}
            view |= {"id": "V1", "state": {"values": {}}, "blocks": []}
            desk.send({"type": "view_submission", "user": {"id": member}, "view": view})
    return bool(came)


def test_each_door_of_slack_opens_for_people_of_the_desk_alone(
    desk: Desk, approval: Approval
) -> None:
    bob, table = User.objects.get(username="bob"), read_table()
    closed = User.objects.create_user("eve", is_active=False)
    for door in find_slack():
        assert "reviewer" in table[str(door)]
        assert comes_in(desk, door, approval, member="Ubob", user=bob), door
        assert not comes_in(desk, door, approval, member="Ueve", user=closed), door


def test_what_nobody_has_written_a_row_for_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.doors.PRESSES", {"new": print})
    monkeypatch.setattr("tests.doors.WINDOWS", {"newer": print})
    found = {str(door) for door in find_slack()} - set(read_table())
    assert found == {"SLACK press/new", "SLACK window/newer"}


def test_a_button_that_the_desk_does_not_know_does_nothing(desk: Desk, approval: Approval) -> None:
    desk.press({"action_id": "delete", "value": name_asked(approval)})
    approval.refresh_from_db()
    assert approval.is_waiting

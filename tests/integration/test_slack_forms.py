"""Windows in Slack: few plain fields, checked by the form of the page and decided as on it."""

import json
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import pytest
from django.contrib.auth.models import User
from pydantic import BaseModel, Field, SecretStr
from slack_sdk.models.views import View

from approvals.models import Approval
from flowruns.sdk.inputs.schemas import schema_of
from tests.integration.conftest import Run
from tests.integration.pages import ask, log_in, text_of
from tests.integration.telling import reach
from tests.integration.test_slack_buttons import Desk, desk
from tests.teams import hold, make_teams, say_yes

__all__ = ["desk"]
pytestmark = pytest.mark.django_db


class Refund(BaseModel):
    approve: bool = Field(description="Paid with the **next** run.")
    amount: int = Field(79, ge=1, le=100)
    reason: Literal["late", "broken"] = "late"
    due: date | None = None
    comment: str = ""


class Wide(Refund):
    sixth: str = ""


class Secret(BaseModel):
    token: SecretStr


class Nested(BaseModel):
    inner: Refund


class Several(BaseModel):
    names: list[str]


class Window:
    """A window that has opened in Slack."""

    def __init__(self, desk: Desk, *, member: str = "Ubob") -> None:
        self._desk, self._member = desk, member
        desk.press(desk.deliver()[0], member=member)
        self.view = json.loads(desk.slack.named("views.open")[-1]["view"])
        View(**self.view).validate_json()

    @property
    def fields(self) -> dict[str, dict[str, Any]]:
        return {
            each["label"]["text"]: each for each in self.view["blocks"] if each["type"] == "input"
        }

    def submit(self, **typed: str) -> dict[str, Any]:
        values = {}
        for label, block in self.fields.items():
            text = typed.get(label.lower().replace(" ", "_"), _initial(block["element"]))
            values[block["block_id"]] = {"entry": _enter(block["element"], text)}
        view = {**self.view, "state": {"values": values}}
        payload = {"type": "view_submission", "user": {"id": self._member}, "view": view}
        return self._desk.send(payload)

    def errors(self, told: dict[str, Any]) -> dict[str, str]:
        assert told["response_action"] == "errors"
        names = {block["block_id"]: label for label, block in self.fields.items()}
        return {names[block_id]: text for block_id, text in told["errors"].items()}


def _initial(element: dict[str, Any]) -> str:
    chosen = element.get("initial_option", {}).get("text", {}).get("text", "")
    return str(element.get("initial_value") or element.get("initial_date") or chosen)


def _enter(element: dict[str, Any], text: str) -> dict[str, Any]:
    match element["type"]:
        case "static_select":
            options = {each["text"]["text"]: each for each in element["options"]}
            return {"type": "static_select", "selected_option": options.get(text)}
        case "datepicker":
            return {"type": "datepicker", "selected_date": text or None}
    return {"type": element["type"], "value": text or None}


def read_told(told: dict[str, Any]) -> str:
    assert told["response_action"] == "update"
    View(**told["view"]).validate_json()
    return str(told["view"]["blocks"][0]["text"]["text"])


@pytest.fixture
def approval(desk: Desk, run: Run) -> Approval:
    return ask(run, schema=schema_of(Refund))


def test_what_is_typed_in_slack_is_what_the_flow_gets(desk: Desk, approval: Approval) -> None:
    window = Window(desk)
    assert list(window.fields) == ["Approve", "Amount", "Reason", "Due", "Comment"]
    kinds = [each["element"]["type"] for each in window.fields.values()]
    line, choice = "plain_text_input", "static_select"
    assert kinds == [choice, line, choice, "datepicker", line]
    told = window.submit(approve="Yes", amount="42", due="2031-02-03")
    assert read_told(told) == "Your answer is on its way."
    approval.refresh_from_db()
    assert json.loads(approval.decision.answer) == {
        "approve": True,
        "amount": 42,
        "reason": "late",
        "due": "2031-02-03",
        "comment": "",
    }
    assert (approval.decision.decided_by, approval.decision.via) == ("bob", "slack")


def test_what_is_left_alone_means_what_it_means_on_the_page(desk: Desk, approval: Approval) -> None:
    Window(desk).submit(approve="No")
    approval.refresh_from_db()
    answer = json.loads(approval.decision.answer)
    assert (answer["amount"], answer["due"], answer["reason"]) == (79, None, "late")


def test_what_is_wrong_stands_at_its_field_and_nothing_is_decided(
    desk: Desk, approval: Approval
) -> None:
    window = Window(desk)
    errors = window.errors(window.submit(approve="", amount="101"))
    assert errors["Approve"] == "Choose Yes or No."
    assert "100" in errors["Amount"]
    approval.refresh_from_db()
    assert approval.is_waiting
    assert read_told(window.submit(approve="Yes", amount="100")) == "Your answer is on its way."


def test_what_is_likely_not_meant_is_for_the_desk(desk: Desk, run: Run) -> None:
    class Paid(BaseModel):
        amount: float

    approval = ask(run, schema=schema_of(Paid))
    window = Window(desk)
    [error] = window.errors(window.submit(amount="1.234")).values()
    assert error.endswith("answer at the desk.")
    approval.refresh_from_db()
    assert approval.is_waiting


@pytest.mark.parametrize("text", ["x\x00y", "=1+1", "<!channel>", "\ud83d\ude00", "'; drop --"])
def test_any_text_is_taken_or_refused_and_nothing_breaks(
    desk: Desk, approval: Approval, text: str
) -> None:
    window = Window(desk)
    told = window.submit(approve="Yes", comment=text)
    approval.refresh_from_db()
    if "\x00" in text:
        assert "Comment" in window.errors(told)
        assert approval.is_waiting
    else:
        expected = text.encode("utf-16", "surrogatepass").decode("utf-16")
        assert json.loads(approval.decision.answer)["comment"] == expected


def test_a_decimal_keeps_its_digits(desk: Desk, run: Run) -> None:
    class Paid(BaseModel):
        amount: Decimal

    approval = ask(run, schema=schema_of(Paid))
    Window(desk).submit(amount="0.10")
    approval.refresh_from_db()
    assert json.loads(approval.decision.answer) == {"amount": "0.10"}


@pytest.mark.parametrize("model", [Wide, Secret, Nested, Several])
def test_more_than_that_keeps_the_link_alone(desk: Desk, run: Run, model: type[BaseModel]) -> None:
    ask(run, schema=schema_of(model))
    assert desk.deliver() == []


def test_where_messages_say_nothing_forms_stay_at_the_desk(
    desk: Desk, settings: Any, run: Run
) -> None:
    settings.MESSAGE_CONTENT = "nothing"
    ask(run, schema=schema_of(Refund))
    assert desk.deliver() == []


def test_the_question_is_shown_where_messages_may_say_it(
    desk: Desk, settings: Any, approval: Approval
) -> None:
    assert "Refund 2.5 EUR?" not in json.dumps(Window(desk).view)
    settings.MESSAGE_CONTENT = "question"
    desk.press(desk.deliver()[0])
    assert "2.5 EUR?" in desk.slack.named("views.open")[-1]["view"]


def test_what_slack_has_no_room_for_stays_at_the_desk(desk: Desk, run: Run) -> None:
    """A menu of Slack has a hundred options at most."""
    cities = {"enum": [f"city {number}" for number in range(101)]}
    ask(run, schema={"type": "object", "properties": {"city": cities}})
    assert desk.deliver() == []


def test_an_answer_that_came_too_late_changes_nothing(desk: Desk, approval: Approval) -> None:
    window = Window(desk)
    say_yes(approval, "alice", {"approve": False})
    assert read_told(window.submit(approve="Yes")) == "It does not wait for you any more."
    approval.refresh_from_db()
    assert approval.decision.decided_by == "alice"


def test_who_has_lost_their_account_meanwhile_decides_nothing(
    desk: Desk, approval: Approval
) -> None:
    window = Window(desk)
    User.objects.filter(username="bob").update(is_active=False)
    assert read_told(window.submit(approve="Yes")) == "It does not wait for you any more."
    approval.refresh_from_db()
    assert approval.is_waiting


def test_a_quorum_agrees_in_slack_and_sees_what_was_proposed(desk: Desk, run: Run) -> None:
    make_teams()
    reach("F1", email="bob@example.com")
    reach("bob", email="")
    hold("2 of @finance")
    approval = ask(run, schema=schema_of(Refund))
    say_yes(approval, "F2", {"approve": True, "amount": 50, "reason": "broken"})
    window = Window(desk)
    assert window.fields["Amount"]["element"]["initial_value"] == "50"
    assert read_told(window.submit()) == "Your answer is on its way."
    approval.refresh_from_db()
    assert json.loads(approval.decision.answer)["amount"] == 50
    assert "via Slack" in text_of(log_in("alice").get("/history/"))
    exported = log_in("alice").get("/history/export/")
    assert b"F1: yes via Slack" in b"".join(exported)


def test_a_proposal_that_came_while_the_window_was_open_is_looked_at_first(
    desk: Desk, run: Run
) -> None:
    make_teams()
    reach("F1", email="bob@example.com")
    reach("bob", email="")
    hold("2 of @finance")
    approval = ask(run, schema=schema_of(Refund))
    window = Window(desk)
    say_yes(approval, "F2", {"approve": True, "amount": 50, "reason": "broken"})
    told = window.errors(window.submit(approve="Yes"))
    assert "Look at it again." in told["Approve"]
    assert approval.votes.count() == 1


def test_a_fault_of_ours_is_told_in_the_window(
    desk: Desk, approval: Approval, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("The disk is full.")

    window = Window(desk)
    monkeypatch.setattr("approvals.messages.slack_windows.find_window", fail)
    assert list(window.errors(window.submit(approve="Yes"))) == ["Approve"]
    assert "could not be taken" in caplog.text

"""What somebody in Slack is told of what they pressed: a note for them alone, or in the window."""

from datetime import UTC, datetime
from math import ceil
from typing import Any

from approvals.messages.slack_api import NotTaken, answer_at, call_slack
from approvals.messages.slack_forms import write_plain
from approvals.models import Approval
from approvals.services.decisions import Decided, Refused, Sent, TooLate
from approvals.services.holding import Held, HoldResult
from approvals.services.votes import Counted

UNDO = "undo"
GONE = "It does not wait for you any more."
_MOST = 2_000  # characters
type Blocks = list[dict[str, Any]]


def explain(result: HoldResult) -> str:
    match result:
        case Decided() | Sent():
            return "Your answer is on its way."
        case Counted(lack):
            return f"Your answer counts. {lack}"
        case Held(moment):
            left = max(ceil((moment - datetime.now(UTC)).total_seconds()), 0)
            return f"It takes effect in {left} s. Until then you can undo it."
        case TooLate():
            return "Somebody was faster, or it has ended."
        case Refused(reason):
            return reason
        case _:
            return result.why


def write_result(approval: Approval, result: HoldResult) -> Blocks:
    """Return what became of a decision, with a button to undo it as long as it is held."""
    blocks = _write_text(explain(result))
    if isinstance(result, Held):
        button = write_button("Undo", UNDO, str(approval.pk))
        blocks.append({"type": "actions", "elements": [button]})
    return blocks


def write_button(text: str, action: str, value: str, style: str = "") -> dict[str, Any]:
    button = {
        "type": "button",
        "text": {"type": "plain_text", "text": text},
        "action_id": action,
        "value": value,
    }
    return {**button, "style": style} if style else button


def note(place: str, member: str, said: str | Blocks) -> None:
    """Tell one person what came of it; a note that Slack does not take is not worth a fault."""
    blocks = _write_text(said) if isinstance(said, str) else said
    text = blocks[0]["text"]["text"]
    try:
        call_slack(
            "chat.postEphemeral", channel=place or member, user=member, text=text, blocks=blocks
        )
    except NotTaken:
        return


def replace_note(url: str, said: str | Blocks) -> bool:
    """Put another note in the place of one whose button was pressed; return whether it is there.

    As Slack has it: a note for one person has no other address, and this one holds for 30 minutes.
    """
    blocks = _write_text(said) if isinstance(said, str) else said
    return answer_at(url, text=blocks[0]["text"]["text"], blocks=blocks, replace_original=True)


def tell(said: str | Blocks) -> dict[str, Any]:
    """Have a window say what came of it."""
    blocks = _write_text(said) if isinstance(said, str) else said
    view = {"type": "modal", "title": write_plain("Answer"), "blocks": blocks}
    return {"response_action": "update", "view": view}


def point_out(errors: dict[str, str]) -> dict[str, Any]:
    """Have a window say at its fields what is wrong there."""
    return {"response_action": "errors", "errors": errors}


def read_told(told: dict[str, Any]) -> str:
    """Return what a window would have said, as one text."""
    if "view" in told:
        return str(told["view"]["blocks"][0]["text"]["text"])
    return " ".join(told["errors"].values()) or GONE


def show(view: dict[str, Any], told: dict[str, Any]) -> None:
    """Have a window that Slack has been answered about say what came of it after all.

    What is wrong stands above the fields, which keep what somebody has typed.
    """
    shown = told.get("view") or _write_again(view, told["errors"])
    call_slack("views.update", view_id=view["id"], view=shown)


def _write_again(view: dict[str, Any], errors: dict[str, str]) -> dict[str, Any]:
    kept = ("type", "callback_id", "private_metadata", "title", "submit")
    labels = {block.get("block_id"): block.get("label", {}).get("text") for block in view["blocks"]}
    lines = "\n".join(f"{labels.get(name, 'Answer')}: {text}" for name, text in errors.items())
    typed = view["state"]["values"]
    blocks = [_fill_in(block, typed.get(block.get("block_id"), {})) for block in view["blocks"]]
    return {**{name: view[name] for name in kept}, "blocks": [*_write_text(lines), *blocks]}


def _fill_in(block: dict[str, Any], typed: dict[str, Any]) -> dict[str, Any]:
    """Return a field that begins with what was typed, picked or chosen in it."""
    if block["type"] != "input":
        return block
    element = {name: each for name, each in block["element"].items() if "initial" not in name}
    entry: dict[str, Any] = next(iter(typed.values()), {})
    for source, target in (
        ("value", "initial_value"),
        ("selected_date", "initial_date"),
        ("selected_option", "initial_option"),
    ):
        if entry.get(source):
            element[target] = entry[source]
    return {**block, "element": element}


def _write_text(text: str) -> Blocks:
    return [{"type": "section", "text": write_plain(text, _MOST)}]

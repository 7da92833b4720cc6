"""One-way channels of groups: a card for a workflow of Teams, and whatever Apprise reaches.

Neither says what its message is called there, so what has ended is told by a second one.
"""

import json
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from approvals.display.addresses import write_address
from approvals.messages.composing import Item, describe_row, write_subject
from approvals.messages.posting import NotPosted, post, read_seconds
from approvals.messages.sealing import unseal_address
from approvals.messages.timing import zone_of
from approvals.messages.verdicts import Dead, Later, SendVerdict, Sent
from approvals.models import Channel, Notification

_SHOWN = 20
_MOST_BYTES = 24_000  # Teams takes 28 kB, with what it adds itself
_PASSING = {408, 409, 425, 429}
_CARD = "application/vnd.microsoft.card.adaptive"


def send_teams(channel: Channel, rows: Sequence[Notification]) -> SendVerdict:
    """Post an adaptive card to the address of a workflow, which lets whoever has it write."""
    body = _write_body(channel, rows)
    try:
        status, retry_after = post(
            unseal_address(channel), body, {"content-type": "application/json"}
        )
    except NotPosted as error:
        return Later(why=str(error))
    if 200 <= status < 300:
        return Sent("")
    if status in _PASSING or status >= 500:
        return Later(why=f"HTTP {status}", seconds=read_seconds(retry_after))
    return Dead(f"HTTP {status}")


def send_apprise(channel: Channel, rows: Sequence[Notification]) -> SendVerdict:
    """Send by Apprise, which does not tell a moment's trouble from one that stays."""
    if find_spec("apprise") is None:
        return Later(why="Apprise is not installed: pip install 'approvals[apprise]'.")
    import apprise

    sender = apprise.Apprise()
    if not sender.add(unseal_address(channel)):
        return Dead("Apprise cannot read the address.")
    items = _items(channel, rows)
    lines = [line for item in items for line in (item.heading, *item.lines, item.address)]
    is_sent = sender.notify(title=write_subject(rows), body="\n".join(lines))
    return Sent("") if bool(is_sent) else Later(why="Apprise could not send it.")


def _items(channel: Channel, rows: Sequence[Notification], most: int = _SHOWN) -> list[Item]:
    """Describe the first rows, and say where the others are."""
    zone = zone_of(channel)
    items = [describe_row(row, zone) for row in rows[:most]]
    if left := len(rows) - len(items):
        items.append(Item(heading=f"And {left} more.", address=write_address("inbox")))
    return items


def _write_body(channel: Channel, rows: Sequence[Notification]) -> bytes:
    """Return a card that tells of as many rows as Teams takes."""
    for most in range(_SHOWN, 0, -1):
        card = _write_card(_items(channel, rows, most))
        body = json.dumps(card, ensure_ascii=False).encode()
        if len(body) <= _MOST_BYTES:
            break
    return body


def _write_card(items: Sequence[Item]) -> dict[str, Any]:
    """Return a message with one card; its texts are plain, and its buttons open our pages."""
    card = {
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [block for item in items for block in _blocks(item)],
        "actions": [
            {"type": "Action.OpenUrl", "title": item.heading[:80], "url": item.address}
            for item in [*items[:4], *items[4:][-1:]]
        ],
    }
    return {"type": "message", "attachments": [{"contentType": _CARD, "content": card}]}


def _blocks(item: Item) -> list[dict[str, Any]]:
    """Return runs of text, in which Teams makes nothing of what looks like Markdown."""
    texts = [(item.heading, "bolder"), *((line, "default") for line in item.lines)]
    return [
        {
            "type": "RichTextBlock",
            "inlines": [{"type": "TextRun", "text": text, "weight": weight}],
        }
        for text, weight in texts
    ]

"""The channel Slack: one message, changed where it is when somebody decides.

A message is always written from the rows that it told, so that a digest can be changed as well.
"""

from collections.abc import Sequence
from typing import Any

from approvals.messages.composing import Item, describe_row, write_subject
from approvals.messages.sealing import seal, unseal_address
from approvals.messages.slack_api import NotTaken, call_slack, find_member
from approvals.messages.slack_buttons import write_buttons
from approvals.messages.timing import is_quiet, zone_of
from approvals.messages.verdicts import Dead, SendVerdict, Sent
from approvals.models import Channel, Notification

Kind = Notification.Kind
_SHOWN = 20  # of a digest; Slack takes 50 blocks in a message
_LOST = {"channel_not_found", "message_not_found"}
_FIXED = {"cant_update_message", "edit_window_closed"}
_TOLD_LATER = {
    *(Kind.OUTCOME, Kind.OVERRIDDEN, Kind.REMINDER, Kind.LAST_CALL),
    *(Kind.MENTIONED, Kind.ASKED, Kind.REPLIED),
}
_PLAIN = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "❘"})


def send_slack(channel: Channel, rows: Sequence[Notification]) -> SendVerdict:
    """Post rows as one message, in the thread of what was told before; or change what is there."""
    try:
        return _edit(channel, rows) if is_quiet(channel, rows) else _post(channel, rows)
    except NotTaken as refused:
        return refused.verdict


def find_place(channel: Channel) -> str:
    """Return the id of a person or a Slack channel. Raises `NotTaken`.

    A person is whom Slack knows by the address of their account; it is asked once for each address.
    """
    user = channel.user
    if user is None or channel.verified_by in {Channel.CODE, user.email}:
        return unseal_address(channel)
    found = find_member(user.email)
    if not found:
        raise NotTaken(Dead(f"Slack knows nobody with the address {user.email}."))
    link(channel, found, verified_by=user.email)
    return found


def link(channel: Channel, member: str, *, verified_by: str) -> None:
    """Keep which of Slack's users a person is."""
    Channel.objects.filter(pk=channel.pk).update(address=seal(member), verified_by=verified_by)


def _post(channel: Channel, rows: Sequence[Notification]) -> SendVerdict:
    message = _write(channel, rows)
    if thread := _find_thread(rows):
        place, message["thread_ts"] = thread.split("/")
    elif rows[0].kind == Kind.CODE:
        place = rows[0].content["member"]
    else:
        place = find_place(channel)
    answer = call_slack("chat.postMessage", channel=place, **_QUIET, **message)
    return Sent(f"{answer['channel']}/{answer['ts']}")


def _edit(channel: Channel, rows: Sequence[Notification]) -> SendVerdict:
    """Change each message that told of what has ended; a message that is gone needs no change."""
    asked = _asked(channel, rows)
    for receipt in {row.receipt for row in asked}:
        told = list(channel.notifications.filter(kind=Kind.WAITS, receipt=receipt).order_by("id"))
        place, moment = receipt.split("/")
        try:
            call_slack("chat.update", channel=place, ts=moment, **_write(channel, _endings(told)))
        except NotTaken as refused:
            if refused.code in _FIXED:
                endings = [row for row in rows if row.approval_id in {t.approval_id for t in told}]
                message = _write(channel, endings)
                call_slack("chat.postMessage", channel=place, thread_ts=moment, **_QUIET, **message)
            elif refused.code not in _LOST:
                raise
    return Sent("")


def _asked(channel: Channel, rows: Sequence[Notification]) -> list[Notification]:
    approvals = [row.approval_id for row in rows]
    asked = channel.notifications.filter(kind=Kind.WAITS, approval__in=approvals)
    return list(asked.exclude(receipt="").order_by("id"))


def _endings(told: Sequence[Notification]) -> list[Notification]:
    """Put in place of each row the one that says how its approval ended, where there is one."""
    ended = Notification.objects.filter(
        channel=told[0].channel_id,
        kind=Kind.ENDED,
        approval__in=[row.approval_id for row in told],
    ).select_related("approval")
    found = {row.approval_id: row for row in ended}
    return [found.get(row.approval_id, row) for row in told]


def _find_thread(rows: Sequence[Notification]) -> str:
    """Return the message that this one answers, "" where it begins a thread."""
    row = rows[0]
    if len(rows) > 1 or row.kind not in _TOLD_LATER:
        return ""
    asked = _asked(row.channel, rows)
    return asked[0].receipt if asked else ""


def _write(channel: Channel, rows: Sequence[Notification]) -> dict[str, Any]:
    """Return the text for notices and the blocks of one message."""
    zone = zone_of(channel)
    blocks = [_block(describe_row(row, zone)) for row in rows[:_SHOWN]]
    blocks += write_buttons(rows[0]) if len(rows) == 1 else []
    if len(rows) > _SHOWN:
        blocks.append(_section(f"And {len(rows) - _SHOWN} more."))
    return {"text": plain(write_subject(rows)), "blocks": blocks}


def _block(item: Item) -> dict[str, Any]:
    lines = "".join(f"\n{plain(line)}" for line in item.lines)
    return _section(f"<{item.address}|{plain(item.heading)}>{lines}")


def _section(text: str) -> dict[str, Any]:
    """Return a block in which Slack makes neither links nor mentions of what looks like some."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def plain(text: str) -> str:
    """Return a text in which nothing is a link, a mention or a command to Slack."""
    return text.translate(_PLAIN)


_QUIET: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False}

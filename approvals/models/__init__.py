"""The tables of the reviewers' side. Only `services` and `messages` of `approvals` write them."""

from approvals.models.absences import Absence
from approvals.models.approvals import Approval, AskedSchema, Asker, Facet, Presence
from approvals.models.calendars import DayOff, GroupHours
from approvals.models.comments import Comment
from approvals.models.drafts import Draft, Upload
from approvals.models.handing import HandOver, PutOff
from approvals.models.outbox import Channel, Notification, Profile, Webhook, WebhookDelivery
from approvals.models.remote import Attempt, Snapshot, Vanishing
from approvals.models.steps import Step
from approvals.models.views import SavedView
from approvals.models.votes import (
    HELD,
    REPLACED,
    STANDING,
    TAKEN_BACK,
    Decision,
    Policy,
    Seat,
    Via,
    Vote,
)

__all__ = [
    "HELD",
    "REPLACED",
    "STANDING",
    "TAKEN_BACK",
    "Absence",
    "Approval",
    "AskedSchema",
    "Asker",
    "Attempt",
    "Channel",
    "Comment",
    "DayOff",
    "Decision",
    "Draft",
    "Facet",
    "GroupHours",
    "HandOver",
    "Notification",
    "Policy",
    "Presence",
    "Profile",
    "PutOff",
    "SavedView",
    "Seat",
    "Snapshot",
    "Step",
    "Upload",
    "Vanishing",
    "Via",
    "Vote",
    "Webhook",
    "WebhookDelivery",
]

"""The tables of the reviewers' side. Only `services` and `messages` of `approvals` write them."""

from approvals.models.absences import Absence
from approvals.models.approvals import (
    HELD,
    REPLACED,
    STANDING,
    TAKEN_BACK,
    Approval,
    AskedSchema,
    Asker,
    Decision,
    Draft,
    Facet,
    Policy,
    Presence,
    SavedView,
    Seat,
    Upload,
    Via,
    Vote,
)
from approvals.models.calendars import DayOff, GroupHours
from approvals.models.comments import Comment
from approvals.models.handing import HandOver, PutOff
from approvals.models.outbox import Channel, Notification, Profile, Webhook, WebhookDelivery
from approvals.models.remote import Attempt, Snapshot, Vanishing
from approvals.models.steps import Step

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

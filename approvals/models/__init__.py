"""The tables of the reviewers' side. Only `services` and `messages` of `approvals` write them."""

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
    Vote,
)
from approvals.models.comments import Comment
from approvals.models.outbox import Channel, Notification, Profile, Webhook, WebhookDelivery
from approvals.models.remote import Attempt, Snapshot, Vanishing

__all__ = [
    "HELD",
    "REPLACED",
    "STANDING",
    "TAKEN_BACK",
    "Approval",
    "AskedSchema",
    "Asker",
    "Attempt",
    "Channel",
    "Comment",
    "Decision",
    "Draft",
    "Facet",
    "Notification",
    "Policy",
    "Presence",
    "Profile",
    "SavedView",
    "Seat",
    "Snapshot",
    "Upload",
    "Vanishing",
    "Vote",
    "Webhook",
    "WebhookDelivery",
]

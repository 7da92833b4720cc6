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

__all__ = [
    "HELD",
    "REPLACED",
    "STANDING",
    "TAKEN_BACK",
    "Approval",
    "AskedSchema",
    "Asker",
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
    "Upload",
    "Vote",
    "Webhook",
    "WebhookDelivery",
]

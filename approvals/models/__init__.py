"""The tables of the reviewers' side. Only `services` and `messages` of `approvals` write them."""

from approvals.models.absences import Absence
from approvals.models.approvals import (
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
from approvals.models.handing import HandOver, PutOff
from approvals.models.outbox import Channel, Notification, Profile, Webhook, WebhookDelivery
from approvals.models.steps import Step

__all__ = [
    "REPLACED",
    "STANDING",
    "TAKEN_BACK",
    "Absence",
    "Approval",
    "AskedSchema",
    "Asker",
    "Channel",
    "Decision",
    "Draft",
    "Facet",
    "HandOver",
    "Notification",
    "Policy",
    "Presence",
    "Profile",
    "PutOff",
    "SavedView",
    "Seat",
    "Step",
    "Upload",
    "Vote",
    "Webhook",
    "WebhookDelivery",
]

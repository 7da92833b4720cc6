"""Whom an approval concerns, and where they hear of it."""

from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from approvals.models import STANDING, Approval, Channel, Notification, Seat
from approvals.services.absences import find_absences
from flowruns.connectors import get_connector
from flowruns.domain.errors import FlowRunNotFound
from flowruns.domain.policies import WhoKind

_NOBODY = Q(pk__in=())


def is_mail_on() -> bool:
    """Whether this server sends mail at all."""
    return bool(settings.SENDS_MAIL)


def find_answerers(approval: Approval) -> QuerySet[User]:
    """Return who may answer an approval now and has not: whose inbox has it in "Waits for you"."""
    people = User.objects.filter(is_active=True)
    if not approval.is_guarded:
        return people
    askers = approval.askers.filter(user__isnull=False).values_list("user", flat=True)
    chosen = _NOBODY
    for seat in approval.seats.filter(is_open=True):
        if not seat.bars_askers:
            chosen |= _choose(seat)
        elif approval.askers_known:
            chosen |= _choose(seat) & ~Q(pk__in=list(askers))
    votes = approval.votes.filter(STANDING, is_key=False)
    voted = Q(username__in=votes.values("name")) | Q(username__in=votes.values("for_whom"))
    answerers = people.filter(chosen).exclude(voted).distinct()
    away = find_absences().filter(person__in=answerers.values("pk"))
    away = away.exclude(Q(person__in=list(askers)) | Q(stand_in__in=list(askers)))
    stand_ins = list(away.values_list("stand_in", flat=True))
    if not stand_ins:
        return answerers
    return people.filter(Q(pk__in=answerers.values("pk")) | Q(pk__in=stand_ins)).exclude(voted)


def find_requesters(approval: Approval) -> QuerySet[User]:
    """Return who asked for the run, as its policies have it or as the run was made."""
    if approval.is_guarded:
        return User.objects.filter(pk__in=approval.askers.values("user"))
    try:
        requester = get_connector(approval.connector).read_requester(approval.flow_run_id)
    except FlowRunNotFound:
        return User.objects.none()
    if requester.user is None:
        return User.objects.none()
    return User.objects.filter(pk=requester.user.id)


def find_staff() -> QuerySet[User]:
    return User.objects.filter(is_active=True, is_staff=True)


def find_asked(approval: Approval) -> list[Channel]:
    """Return where people were told that an approval waits for them, or are being told now."""
    told = Notification.objects.filter(
        approval=approval,
        kind=Notification.Kind.WAITS,
        outcome__in=[Notification.Outcome.WAITING, Notification.Outcome.SENT],
    )
    found = Channel.objects.filter(is_on=True, notifications__in=told).select_related("user")
    return list(found.order_by("pk"))


def open_channels(people: QuerySet[User]) -> list[Channel]:
    """Return where these people want to hear; a channel is made for who has none."""
    reached = people.filter(is_active=True).exclude(email="")
    by_mail = Channel.objects.filter(kind=Channel.Kind.EMAIL)
    _make_channels(reached.exclude(pk__in=by_mail.values("user")))
    return list(by_mail.filter(is_on=True, user__in=reached.values("pk")).order_by("pk"))


def get_channel(user: User) -> Channel:
    """Return where a user hears by mail."""
    return Channel.objects.get_or_create(user=user, kind=Channel.Kind.EMAIL)[0]


def _make_channels(people: Iterable[User]) -> None:
    made = [Channel(user=person) for person in people]
    Channel.objects.bulk_create(made, ignore_conflicts=True)


def _choose(seat: Seat) -> Q:
    match WhoKind(seat.kind):
        case WhoKind.ANYONE:
            return Q(pk__isnull=False)
        case WhoKind.PERSON:
            return Q(username=seat.name)
        case WhoKind.GROUP:
            return Q(groups__name=seat.name)
        case WhoKind.KEY:
            return _NOBODY

"""Whom an approval concerns, and where they hear of it."""

from collections.abc import Sequence

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from approvals.models import STANDING, Approval, Channel, Notification, Seat
from approvals.services.absences import find_absences
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


def find_staff() -> QuerySet[User]:
    return User.objects.filter(is_active=True, is_staff=True)


def kinds_in_use() -> list[Channel.Kind]:
    """Return where this server can send: links need an address to begin with."""
    if not settings.PUBLIC_URL:
        return []
    kinds = [Channel.Kind.PUSH, Channel.Kind.TEAMS, Channel.Kind.APPRISE]
    kinds += [Channel.Kind.EMAIL] if settings.SENDS_MAIL else []
    return kinds + ([Channel.Kind.SLACK] if settings.SLACK_BOT_TOKEN else [])


def is_telling() -> bool:
    """Whether this server tells people by itself, without their having added a browser."""
    return default_kind() is not None


def is_reachable(channel: Channel, user: User) -> bool:
    """Whether messages can reach a person there: mail and Slack find them by their address."""
    found_by_mail = channel.kind in {Channel.Kind.EMAIL, Channel.Kind.SLACK}
    return user.is_active and bool(channel.address or (found_by_mail and user.email))


def find_asked(approval: Approval) -> list[Channel]:
    """Return where people were told that an approval waits for them, or are being told now."""
    told = Notification.objects.filter(
        approval=approval,
        kind=Notification.Kind.WAITS,
        outcome__in=[Notification.Outcome.WAITING, Notification.Outcome.SENT],
    )
    found = Channel.objects.filter(is_on=True, notifications__in=told).select_related("user")
    return list(found.order_by("pk").distinct())


def open_channels(people: QuerySet[User]) -> list[Channel]:
    """Return where these people want to hear; a channel is made for who has none.

    They are found once, and their channels once: this runs with each event.
    """
    reached = list(people.filter(is_active=True).values_list("pk", "email"))
    chosen = Channel.objects.filter(user__in=[pk for pk, _ in reached]).select_related("user")
    found = list(chosen.order_by("pk"))
    if _make_channels([pk for pk, email in reached if email], found):
        found = list(chosen.order_by("pk"))
    kinds = kinds_in_use()
    return [each for each in found if each.is_on and each.kind in kinds and _is_reached(each)]


def open_group_channels(approval: Approval) -> list[Channel]:
    """Return the channels of groups that may answer now; what is hidden goes to none."""
    if approval.is_hidden:
        return []
    chosen = Channel.objects.filter(user=None, is_on=True, kind__in=kinds_in_use())
    return list(chosen.filter(_whose(approval)).order_by("pk"))


def concerns(channel: Channel, approval: Approval) -> bool:
    """Whether the group of a channel may answer now."""
    return Channel.objects.filter(_whose(approval), pk=channel.pk).exists()


def get_channel(user: User, kind: Channel.Kind = Channel.Kind.EMAIL) -> Channel:
    """Return where a user hears by mail, or by something else that each has one of."""
    return Channel.objects.get_or_create(user=user, kind=kind, mark="")[0]


def default_kind() -> Channel.Kind | None:
    """Return how people hear who have not chosen: by mail, else by Slack."""
    by_default = (Channel.Kind.EMAIL, Channel.Kind.SLACK)
    return next((kind for kind in by_default if kind in kinds_in_use()), None)


def _make_channels(people: Sequence[int], found: Sequence[Channel]) -> int:
    """Make the usual channel of those who have none among what was found; returns how many."""
    kind = default_kind()
    have = {channel.user_id for channel in found if channel.kind == kind}
    made = [Channel(user_id=pk, kind=kind) for pk in people if kind and pk not in have]
    if made:
        Channel.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def _is_reached(channel: Channel) -> bool:
    return channel.user is not None and is_reachable(channel, channel.user)


def _whose(approval: Approval) -> Q:
    """Choose the channels of those who may answer; where anyone may, also those of no group."""
    if not approval.is_guarded:
        return Q(group__isnull=True)
    seats = approval.seats.filter(is_open=True)
    groups = seats.filter(kind=WhoKind.GROUP).values("name")
    is_for_anyone = seats.filter(kind=WhoKind.ANYONE).exists()
    return Q(group__name__in=groups) | (Q(group__isnull=True) if is_for_anyone else _NOBODY)


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

"""When those who are asked work: by their group, else by themselves, else as the server is set."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db.models import Q

from approvals.models import DayOff, GroupHours, Profile
from approvals.policies.hours import WorkingHours, parse_hours, recall_hours
from flowruns.domain.policies import Policy, Who, WhoKind


def find_hours(policy: Policy | None) -> WorkingHours | None:
    """Return the hours in which the steps of a policy are counted; None where every hour counts.

    They are those of the first whom its first part names and who has some: a group before a
    person, and the server's where nobody has.
    """
    who = policy.parts[0].who if policy else ()
    groups_first = sorted(who, key=lambda each: each.kind is not WhoKind.GROUP)
    own = [_hours_of(each) for each in groups_first]
    hours = next((each for each in own if each is not None), None) or read_server_hours()
    if hours is None:
        return None
    groups = [each.name for each in who if each.kind is WhoKind.GROUP]
    return replace(hours, days_off=read_days_off(groups))


def list_hours(policies: Iterable[Policy]) -> list[WorkingHours | None]:
    """Return the hours of everybody whom policies name, in each of their parts.

    Without any they are the server's, and None where every hour counts.
    """
    who = dict.fromkeys(each for policy in policies for part in policy.parts for each in part.who)
    return [_add_days_off(_hours_of(each) or read_server_hours(), each) for each in who] or [
        find_hours(None)
    ]


def _add_days_off(hours: WorkingHours | None, who: Who) -> WorkingHours | None:
    groups = [who.name] if who.kind is WhoKind.GROUP else []
    return replace(hours, days_off=read_days_off(groups)) if hours else None


def read_server_hours() -> WorkingHours | None:
    return parse_hours(settings.WORKING_HOURS) if settings.WORKING_HOURS else None


def read_days_off(groups: Collection[str]) -> frozenset[date]:
    """Return the days on which nobody works, or one of these groups does not."""
    found = DayOff.objects.filter(Q(group=None) | Q(group__name__in=groups))
    return frozenset(found.values_list("day", flat=True))


def read_days_off_of(user: User) -> frozenset[date]:
    """Return the days on which somebody does not work, by their groups."""
    groups = Group.objects.filter(user=user).values_list("name", flat=True)
    return read_days_off(list(groups))


def _hours_of(who: Who) -> WorkingHours | None:
    if who.kind is WhoKind.GROUP:
        line = GroupHours.objects.filter(group__name=who.name).values_list("line", flat=True)
        return recall_hours(line[0]) if line else None
    if who.kind is WhoKind.PERSON:
        own = Profile.objects.filter(user__username=who.name).exclude(hours="").first()
        return recall_hours(own.hours, zone=own.zone) if own else None
    return None

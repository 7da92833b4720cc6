"""Who is away, and who answers meanwhile: looked up when somebody votes, and never in chains."""

from datetime import UTC, datetime
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet

from approvals.models import Absence
from flowruns.domain.actors import Actor
from flowruns.models.prepared import PreparedQuery

_MAX_SUGGESTED = 500
_kept = Absence.objects.filter(removed_at__isnull=True)
_away = PreparedQuery(
    _kept.filter(person__is_active=True).select_related("person"),
    by=("stand_in", "since__lte", "until__gt"),
)


class AbsenceProblem(ValueError):
    """An absence is not one; the message says what is wrong with it."""


def keep_absence(absence: Absence, *, by: Actor) -> None:
    """Let somebody answer for a person for a while; raises `AbsenceProblem`."""
    check_absence(absence)
    absence.set_by = str(by)
    absence.save()


def check_absence(absence: Absence) -> None:
    """Raise `AbsenceProblem` for an absence that may not be."""
    if absence.person == absence.stand_in:
        raise AbsenceProblem("Nobody stands in for themselves.")
    if not absence.stand_in.is_active:
        raise AbsenceProblem(f"{absence.stand_in} may not log in.")
    if absence.until <= absence.since:
        raise AbsenceProblem("An absence ends after it begins.")
    if absence.until <= datetime.now(UTC):
        raise AbsenceProblem("That is over already.")
    others = list_absences(absence.person)
    if others.filter(since__lt=absence.until, until__gt=absence.since).exists():
        raise AbsenceProblem("Somebody stands in at that time already; remove that first.")


def remove_absence(absence_id: UUID, *, by: Actor, person: User | None = None) -> bool:
    """End an absence now and keep who did it; `person` says whose it has to be.

    False where there is none any more.
    """
    found = list_absences(person).filter(pk=absence_id)
    return bool(found.update(removed_at=datetime.now(UTC), removed_by=str(by)))


def list_absences(person: User | None = None) -> QuerySet[Absence]:
    """Return absences that are not over, of everybody or of one person."""
    found = _kept.filter(until__gt=datetime.now(UTC))
    found = found.filter(person=person) if person else found
    return found.select_related("person", "stand_in").order_by("since")


def find_same(absence: Absence) -> Absence | None:
    """Return what is kept already of an absence that is sent again."""
    same = list_absences(absence.person).filter(
        stand_in=absence.stand_in, since=absence.since, until=absence.until
    )
    return same.first()


def find_absences() -> QuerySet[Absence]:
    """Return the absences of this moment: from `since` on, and `until` no longer."""
    now = datetime.now(UTC)
    return _kept.filter(since__lte=now, until__gt=now)


def list_absent(user: User | AnonymousUser) -> list[User]:
    """Return for whom a user stands in now; those who stand in for them are not among them."""
    now = datetime.now(UTC)
    people = {each.person for each in _away.find_all(user.pk, now, now)}
    return sorted(people, key=User.get_username)


def list_stand_ins(user: User) -> list[str]:
    """Return by name who could stand in for a user, for a field that suggests them."""
    others = User.objects.filter(is_active=True).exclude(pk=user.pk)
    return list(others.order_by("username").values_list("username", flat=True)[:_MAX_SUGGESTED])

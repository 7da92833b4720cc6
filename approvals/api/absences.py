"""/desk/absences: who is away, for keys whose owner is away or may say it for others."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from approvals.models import Absence
from approvals.services import absences as services
from flowruns.api import auth
from flowruns.api.http import respond, respond_empty, respond_list
from flowruns.domain.errors import Forbidden, NotFound, Unprocessable
from flowruns.wire.base import Request, to_utc

router = Router(tags=["Desk"], auth=auth.desk)

type _Moment = Annotated[AwareDatetime, AfterValidator(to_utc)]
type _Name = Annotated[str, Field(min_length=1, max_length=150)]


class AbsenceToSet(Request):
    """An absence as it is asked for: of the key's owner, and from now on, where nothing is said."""

    model_config = ConfigDict(extra="forbid")

    person: _Name | None = None
    stand_in: _Name
    since: _Moment | None = None
    until: _Moment
    reason: str = Field(default="", max_length=200)


class AbsenceShown(BaseModel):
    """An absence as it is kept; `set_by` is a reviewer, or `api_key:` and the name of a key."""

    id: UUID
    person: str
    stand_in: str
    since: datetime
    until: datetime
    reason: str
    set_by: str


@router.get("/absences", response=list[AbsenceShown])
def read_absences(request: HttpRequest, person: str = "") -> HttpResponse:
    owner = _owner_of(request)
    whose = _find_person(owner, person) if person or not _speaks_for_others(owner) else None
    return respond_list(AbsenceShown, [_show(each) for each in services.list_absences(whose)])


@router.post("/absences", response={200: AbsenceShown, 201: AbsenceShown})
def set_absence(request: HttpRequest, absence: AbsenceToSet) -> HttpResponse:
    person = _find_person(_owner_of(request), absence.person or "")
    wanted = Absence(
        person=person,
        stand_in=_find_user(absence.stand_in),
        since=absence.since or datetime.now(UTC),
        until=absence.until,
        reason=absence.reason,
    )
    if kept := services.find_same(wanted):
        return respond(_show(kept))
    try:
        services.keep_absence(wanted, by=auth.actor_of(request))
    except services.AbsenceProblem as problem:
        raise Unprocessable(str(problem)) from None
    return respond(_show(wanted), status=201)


@router.delete("/absences/{uuid:absence_id}", response={204: None})
def end_absence(request: HttpRequest, absence_id: UUID) -> HttpResponse:
    owner = _owner_of(request)
    whose = None if _speaks_for_others(owner) else owner
    if not services.remove_absence(absence_id, by=auth.actor_of(request), person=whose):
        raise NotFound("There is no such absence, or it is over.")
    return respond_empty()


def _owner_of(request: HttpRequest) -> User:
    """Return the user who answers for the key, as long as they may log in."""
    owner = auth.actor_of(request).owner
    user = User.objects.filter(pk=owner.id, is_active=True).first() if owner else None
    if user is None:
        raise Forbidden("The API key has no owner who may log in: make one with --owner.")
    return user


def _speaks_for_others(owner: User) -> bool:
    """Whether the administration lets its owner set absences of everybody, too."""
    return owner.is_staff and owner.has_perm("approvals.add_absence")


def _find_person(owner: User, name: str) -> User:
    if name in {"", owner.get_username()}:
        return owner
    if not _speaks_for_others(owner):
        raise Forbidden("Only staff who may add absences set and read those of others.")
    return _find_user(name)


def _find_user(name: str) -> User:
    found = User.objects.filter(username=name, is_active=True).first()
    if found is None:
        raise Unprocessable(f"Nobody who may log in is named {name!r}.")
    return found


def _show(absence: Absence) -> AbsenceShown:
    return AbsenceShown(
        id=absence.pk,
        person=absence.person.get_username(),
        stand_in=absence.stand_in.get_username(),
        since=absence.since,
        until=absence.until,
        reason=absence.reason,
        set_by=absence.set_by,
    )

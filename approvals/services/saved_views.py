"""Views of the inbox that people keep under a name: their own, and what staff share."""

from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q
from django.http import Http404

from approvals.models import SavedView
from flowruns.models.prepared import PreparedQuery

# For each person
MAX_VIEWS = 50

_MAX_NAME = 60
_IS_SHARED = Q(is_shared=True, owner__is_staff=True, owner__is_active=True)
_with_owners = SavedView.objects.select_related("owner")
_own = PreparedQuery(_with_owners, by="owner")
_shared = PreparedQuery(_with_owners.filter(_IS_SHARED), by=())


class ViewRefused(ValueError):
    """A view cannot be kept like this; the message says why."""


def list_views(user: User) -> list[SavedView]:
    """Return a user's own views and what staff share, by name."""
    found = {view.pk: view for view in (*_own.find_all(user.pk), *_shared.find_all())}
    return sorted(found.values(), key=lambda view: (view.name, view.pk))


def save_view(user: User, *, name: str, query: str, is_shared: bool = False) -> SavedView:
    """Keep a choice under a name, in the place of one of that name; raises `ViewRefused`."""
    name = _check_name(name)
    _check_sharing(user, is_shared=is_shared)
    mine = SavedView.objects.filter(owner=user)
    if mine.exclude(name=name).count() >= MAX_VIEWS:
        raise ViewRefused(f"You have {MAX_VIEWS} views already. Delete one first.")
    values = {"query": query, "is_shared": is_shared}
    return SavedView.objects.update_or_create(owner=user, name=name, defaults=values)[0]


def change_view(user: User, view_id: UUID, *, name: str, is_shared: bool) -> SavedView:
    """Give a view another name, share it or cease to; raises `ViewRefused` or `Http404`."""
    view = _get_own(user, view_id)
    view.name, view.is_shared = _check_name(name), is_shared
    _check_sharing(user, is_shared=is_shared)
    if SavedView.objects.filter(owner=view.owner, name=view.name).exclude(pk=view.pk).exists():
        raise ViewRefused(f"There is a view “{view.name}” already.")
    view.save(update_fields=["name", "is_shared"])
    return view


def delete_view(user: User, view_id: UUID) -> SavedView:
    """Delete a view and return what it was; raises `Http404`."""
    view = _get_own(user, view_id)
    SavedView.objects.filter(pk=view.pk).delete()
    return view


def may_change(user: User, view: SavedView) -> bool:
    """Whether a view is this user's; those that are shared are the staff's."""
    return view.owner_id == user.pk or (view.is_shared and user.is_staff)


def _get_own(user: User, view_id: UUID) -> SavedView:
    view = SavedView.objects.filter(Q(owner=user) | _IS_SHARED, pk=view_id).first()
    if view is None or not may_change(user, view):
        raise Http404("No such view.")
    return view


def _check_sharing(user: User, *, is_shared: bool) -> None:
    if is_shared and not user.is_staff:
        raise ViewRefused("Only staff may share a view.")


def _check_name(name: str) -> str:
    name = " ".join(name.replace("\x00", "").split())
    if not name:
        raise ViewRefused("Give the view a name.")
    if len(name) > _MAX_NAME:
        raise ViewRefused(f"Keep the name under {_MAX_NAME} characters.")
    return name

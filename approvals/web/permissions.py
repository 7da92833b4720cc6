"""What a user may do, read by one statement: every page asks, and Django writes two each time."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import connection

_PERMISSIONS = """SELECT type.app_label, permission.codename FROM auth_permission permission
JOIN django_content_type type ON type.id = permission.content_type_id
WHERE permission.id IN (
    SELECT permission_id FROM auth_user_user_permissions WHERE user_id = %s
    UNION ALL
    SELECT granted.permission_id FROM auth_group_permissions granted
    JOIN auth_user_groups member ON member.group_id = granted.group_id WHERE member.user_id = %s
)"""


class PermissionsAtOnce(ModelBackend):
    """Reads the permissions of users and their groups; Django's own backend, after it, logs in.

    What is read is kept where that one looks, so that it asks no more.
    """

    def authenticate(self, *_: Any, **__: Any) -> None:
        """Know nobody."""

    def get_all_permissions(
        self, user_obj: AbstractBaseUser | AnonymousUser, obj: Any = None
    ) -> set[str]:
        """Return the permissions of somebody, as `app.codename`."""
        user: Any = user_obj
        if obj is not None or not user.is_active or user.is_anonymous or user.is_superuser:
            return super().get_all_permissions(user, obj)
        if not hasattr(user, "_perm_cache"):
            user._perm_cache = _read_permissions(user.pk)  # noqa: SLF001 -- where Django keeps them
        return set(user._perm_cache)  # noqa: SLF001 -- as above


def _read_permissions(user: int) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(_PERMISSIONS, [user, user])
        return {f"{app}.{name}" for app, name in cursor.fetchall()}

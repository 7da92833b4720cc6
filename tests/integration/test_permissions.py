"""What a user may do, read by one statement, is what Django reads by its two."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.test.utils import CaptureQueriesContext

from approvals.web.permissions import PermissionsAtOnce
from tests.integration.pages import log_in

pytestmark = pytest.mark.django_db


def grant(to: User | Group, *names: str) -> None:
    granted = to.user_permissions if isinstance(to, User) else to.permissions
    granted.add(*Permission.objects.filter(codename__in=names))


@pytest.fixture
def alice() -> User:
    """Somebody with permissions of her own and of two groups, one of them twice."""
    alice = User.objects.create(username="alice")
    leads, finance = (Group.objects.create(name=name) for name in ("leads", "finance"))
    grant(alice, "override_policy", "view_user")
    grant(leads, "extend_deadline")
    grant(finance, "extend_deadline", "view_all")
    grant(Group.objects.create(name="others"), "delete_user")
    alice.groups.add(leads, finance)
    return alice


def find(name: str) -> User:
    return User.objects.get(username=name)


def test_they_are_those_that_django_reads(alice: User) -> None:
    User.objects.create(username="bob")
    User.objects.create(username="left", is_active=False)
    User.objects.create_superuser("root")
    for name in ("alice", "bob", "left", "root"):
        ours = PermissionsAtOnce().get_all_permissions(find(name))
        assert ours == ModelBackend().get_all_permissions(find(name))
    assert PermissionsAtOnce().get_all_permissions(find("alice")) == {
        *("approvals.override_policy", "approvals.extend_deadline", "approvals.view_all"),
        "auth.view_user",
    }


def test_one_statement_serves_what_is_granted_and_what_is_not(
    alice: User, django_assert_num_queries: CaptureQueriesContext
) -> None:
    reader = find("alice")
    with django_assert_num_queries(1):  # type: ignore[operator]  # a fixture that is called
        assert reader.has_perm("approvals.view_all")
        assert not reader.has_perm("auth.delete_user")
        assert reader.has_module_perms("approvals")
        assert not reader.has_module_perms("sessions")


def test_nobody_logs_in_by_it_and_a_session_that_ended_is_nobodys(alice: User) -> None:
    assert PermissionsAtOnce().authenticate(None, username="alice", password="") is None  # type: ignore[func-returns-value]
    browser = log_in("alice")
    assert browser.get("/").status_code == 200
    browser.session.flush()
    assert browser.get("/").status_code == 302
    late = log_in("alice")
    assert late.get("/").status_code == 200
    Session.objects.update(expire_date=datetime.now(UTC) - timedelta(seconds=1))
    assert late.get("/").status_code == 302

"""Make somebody who answers, so that a team is set up by a script."""

import os
from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial
from getpass import getpass
from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

_FIELDS = {"username": "The name", "email": "--email", "name": "--group"}
PASSWORD = "APPROVALS_PASSWORD"  # noqa: S105 -- the name of a variable


def _check(what: str, clean: Callable[[], None]) -> None:
    """Say which field is wrong, and why."""
    try:
        clean()
    except ValidationError as error:
        fields = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        faults = [
            f"{_FIELDS.get(field, what)}: {' '.join(messages)}"
            for field, messages in fields.items()
        ]
        raise CommandError(" ".join(faults)) from None


class Command(BaseCommand):
    help = f"Make a reviewer. The password is asked for, or read from {PASSWORD}."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what they log in with")
        parser.add_argument("--email", default="")
        parser.add_argument(
            "--group",
            action="append",
            dest="groups",
            default=[],
            help="a group that they belong to, made if it is not there; repeat for several",
        )
        parser.add_argument("--staff", action="store_true", help="let them into /admin/")

    def handle(self, *, name: str, email: str, groups: list[str], staff: bool, **_: Any) -> None:
        user = User(username=name, email=email, is_staff=staff)
        password = os.environ.get(PASSWORD) or self._ask()
        _check("The user", partial(user.full_clean, exclude=["password"]))
        _check("The password", partial(validate_password, password, user))
        names = dict.fromkeys(each.strip() for each in groups)
        for each in names:
            _check("The group", partial(Group(name=each).full_clean, validate_unique=False))
        user.set_password(password)
        with transaction.atomic():
            user.save()
            made = [Group.objects.get_or_create(name=each) for each in names]
            user.groups.set([group for group, _ in made])
        self.stdout.write(f"{name} can log in.")
        for group, is_new in made:
            self.stdout.write(f"  in the group {group.name}{', which is new' * is_new}")

    def _ask(self) -> str:
        try:
            password = getpass()
        except EOFError:
            raise CommandError(f"Nobody is here to type a password: set {PASSWORD}.") from None
        if getpass("Password (again): ") != password:
            raise CommandError("The two passwords differ.")
        return password

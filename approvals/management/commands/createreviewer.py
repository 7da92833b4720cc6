"""Make somebody who answers, so that a team is set up by a script."""

import os
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

PASSWORD = "APPROVALS_PASSWORD"  # noqa: S105 -- the name of a variable


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
        try:
            user.full_clean(exclude=["password"])
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        user.set_password(password)
        with transaction.atomic():
            user.save()
            user.groups.set([Group.objects.get_or_create(name=each)[0] for each in groups])
        self.stdout.write(f"{name} can log in.")

    def _ask(self) -> str:
        password = getpass()
        if getpass("Password (again): ") != password:
            raise CommandError("The two passwords differ.")
        return password

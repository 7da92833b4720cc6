"""The doctor says in a sentence what is wrong, and what to do."""

import io
import shutil
import smtplib
from collections import namedtuple
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.mail.backends.base import BaseEmailBackend
from django.core.management import CommandError, call_command
from django.db import connection

from approvals.management.doctor import database, machine, outside
from approvals.management.doctor.findings import Finding
from flowruns.services.upkeep.rounds import LoopRecord, note_rounds

Usage = namedtuple("Usage", "total used free")  # noqa: PYI024 -- as shutil's


def said(findings: Iterable[Finding]) -> str:
    return "\n".join(map(str, findings))


def answer(status: int, location: str = "", **headers: str) -> httpx.Response:
    request = httpx.Request("GET", "https://desk.example.com/accounts/login/")
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    if location:
        named["Location"] = location
    return httpx.Response(status, headers=named, request=request)


def test_files_that_others_may_read_are_named_with_the_command_that_closes_them(
    tmp_path: Path, settings: Any
) -> None:
    settings.APPROVALS_HOME = tmp_path
    tmp_path.chmod(0o700)
    key = tmp_path / "secret-key"
    key.write_text("x")
    key.chmod(0o644)
    assert f"WRONG  permissions: Others may read {key}. Run: chmod go= {key}" in said(
        machine.check_permissions()
    )
    key.chmod(0o600)
    database = Path(connection.settings_dict["NAME"])
    if database.exists():  # of these tests, in a folder that others cannot enter
        database.chmod(0o600)
    assert "WRONG" not in said(machine.check_permissions())


@pytest.mark.parametrize(("left", "level"), [(5e9, "ok"), (5e8, "odd"), (5e7, "WRONG")])
def test_a_disk_that_fills_is_odd_and_then_wrong(
    monkeypatch: pytest.MonkeyPatch, left: float, level: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, left))
    assert said(machine.check_disk()).startswith(level)


def test_a_mail_server_that_lets_nobody_in_is_quoted(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "so nobody is told" in said(machine.check_mail())
    settings.SENDS_MAIL = True
    assert "lets us in" in said(machine.check_mail())

    def refuse(_: BaseEmailBackend) -> bool:
        raise smtplib.SMTPAuthenticationError(535, "bad \n password")

    monkeypatch.setattr(BaseEmailBackend, "open", refuse)
    assert "WRONG  mail: The mail server does not let us in" in said(machine.check_mail())


def test_keys_that_several_machines_must_share_are_asked_for(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "x" * 50)
    settings.PUBLIC_URL, settings.ENCRYPTION_KEYS = "https://desk.example.com", ["one"]
    assert "odd    keys: ENCRYPTION_KEY is not set" in said(machine.check_keys())
    settings.ENCRYPTION_KEYS = ["one", "two"]
    assert "stored with the backups?" in said(machine.check_keys())


@pytest.mark.django_db
def test_the_database_is_looked_at_with_its_people_and_loops(django_user_model: Any) -> None:
    found = said(database.check_database())
    assert "There is no administrator" in found
    assert "background loops have never run" in found
    assert "WRONG" not in found
    django_user_model.objects.create_superuser("boss")
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    loop = "flowruns.services.upkeep.expiry.expire_pauses"
    note_rounds([LoopRecord(loop=loop, started_at=hour_ago, error="OSError: x")], host="a")
    found = said(database.check_database())
    assert "There is no administrator" not in found
    assert "WRONG  loops: expire_pauses has not run since" in found
    assert "OSError: x (60 minutes). Is `work` running?" in found


@pytest.mark.parametrize(
    ("response", "sentence"),
    [
        (answer(301, "https://desk.example.com/accounts/login/"), "set TRUST_PROXY=true"),
        (answer(400), "does not pass on the host"),
        (answer(502), "The log-in page answers 502"),
        (answer(200), "removes X-Request-ID"),
        (answer(200, X_Request_ID="1"), "Pages arrive with the right host and scheme"),
    ],
)
def test_a_proxy_is_known_by_how_a_page_arrives(response: httpx.Response, sentence: str) -> None:
    assert sentence in said(outside.check_proxy(response))


def test_clocks_are_compared_to_the_second() -> None:
    now = datetime.now(UTC)
    late = answer(200, Date=format_datetime(now - timedelta(minutes=10), usegmt=True))
    assert "are 600 s apart" in said(outside.check_clock(late, now)).replace("601", "600")
    assert "ok" in said(
        outside.check_clock(answer(200, Date=format_datetime(now, usegmt=True)), now)
    )


def test_an_address_that_leads_nowhere_is_said(settings: Any) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:9"
    assert "http://127.0.0.1:9 cannot be reached from here" in said(outside.check_address())


@pytest.mark.django_db
def test_the_command_fails_where_something_must_be_mended(settings: Any) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:9"
    out = io.StringIO()
    with pytest.raises(CommandError, match="must be mended"):
        call_command("doctor", stdout=out)
    assert "WRONG  address:" in out.getvalue()

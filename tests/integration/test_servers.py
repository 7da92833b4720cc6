"""Servers elsewhere: added, listed and removed, and what opens them kept to ourselves."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from flowruns.connectors import get_connector, get_remote_connector, list_remote_connectors
from flowruns.connectors.prefect.errors import NeedsAttempt, Unauthorized
from flowruns.domain.actors import reviewer
from flowruns.domain.ids import new_id
from flowruns.models import RemoteServer
from flowruns.services import servers
from tests.fake_prefect import FakePrefect

pytestmark = pytest.mark.django_db

BASIC_DESK_SECRET = "Basic ZGVzazpzZWNyZXQ="


class Terminal(StringIO):
    """An input at which somebody sits."""

    def isatty(self) -> bool:
        return True


def run(*arguments: str, given: str = "", at: type[StringIO] = StringIO) -> str:
    """Run a command, with what is given to it on the lines of its input."""
    said = StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", at(given))
        call_command(*arguments, stdout=said, stderr=said)
    return said.getvalue()


def test_addserver_says_in_a_sentence_each_what_it_found(theirs: FakePrefect) -> None:
    theirs.auth = BASIC_DESK_SECRET
    said = run(
        "addserver", "staging", theirs.url, "--auth-string", "--tag", "desk", given="desk:secret\n"
    )
    assert said.splitlines() == [
        f"Reached {theirs.url}.",
        "It accepts the credentials.",
        "It runs Prefect 3.9.1, whose runs can be answered from here.",
        "Added staging. Its waiting runs will be in the inbox in a moment.",
    ]
    server = servers.read_server("staging")
    assert (server.version, server.tags, server.answer_mode) == ("3.9.1", ["desk"], "claim")
    assert "secret" not in server.credentials
    assert get_connector("staging").name == "staging"
    assert [connector.name for connector in list_remote_connectors()] == ["staging"]


@pytest.mark.parametrize(
    ("option", "variable", "sent"),
    [
        ("--auth-string", "PREFECT_API_AUTH_STRING", BASIC_DESK_SECRET),
        ("--api-key", "PREFECT_API_KEY", "Bearer desk:secret"),
    ],
)
def test_credentials_come_from_a_variable_the_input_or_a_prompt(
    theirs: FakePrefect, monkeypatch: pytest.MonkeyPatch, option: str, variable: str, sent: str
) -> None:
    theirs.auth = sent
    monkeypatch.delenv(variable, raising=False)
    run("addserver", "piped", theirs.url, option, given="desk:secret\r\n")
    with pytest.raises(CommandError, match=f"Set {variable}"):
        run("addserver", "nobody", theirs.url, option)
    monkeypatch.setattr("getpass.getpass", lambda _: "desk:secret")
    run("addserver", "asked", theirs.url, option, at=Terminal)
    monkeypatch.setenv(variable, "desk:secret")
    run("addserver", "told", theirs.url, option)
    assert [server.name for server in servers.list_servers()] == ["asked", "piped", "told"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("staging", "{url}", "--auth-string", "hunter:two"),
        ("staging", "{url}", "--auth-string=hunter:two"),
        ("staging", "{url}", "--api-key", "hunter:two"),
        ("--api-key", "hunter:two", "staging", "{url}"),
        ("staging", "{url}", "--header", "Authorization: hunter:two"),
        ("staging", "{url}", "--header", "CF-Access-Client-Secret: hunter:two"),
    ],
)
def test_a_secret_on_the_command_line_is_refused_unread_with_the_way_out(
    theirs: FakePrefect, arguments: tuple[str, ...]
) -> None:
    with pytest.raises(CommandError) as refusal:
        run("addserver", *(argument.format(url=theirs.url) for argument in arguments))
    said = str(refusal.value)
    assert "list of processes" in said
    assert "a line of the input, or asked for" in said
    assert "hunter" not in said
    assert theirs.requests == []
    assert servers.list_servers() == []


def test_the_value_of_a_header_may_be_a_secret_too(theirs: FakePrefect) -> None:
    options = ("--api-key", "--header", "X-Team: desk", "--header", "CF-Access-Client-Secret")
    run("addserver", "staging", theirs.url, *options, given="pnu_1\nlets us: in\n")
    server = servers.read_server("staging")
    assert servers.read_headers(server) == {
        "X-Team": "desk",
        "CF-Access-Client-Secret": "lets us: in",
    }
    with pytest.raises(CommandError, match="Write the value of X-Token to the input"):
        run("addserver", "other", theirs.url, "--header", "X-Token")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["staging", "{url}"], "does not accept this desk"),
        (["staging", "http://127.0.0.1:9/api"], "cannot be reached"),
        (["staging", "{url}/v2", "--auth-string"], "check the address"),
        (["staging", "ftp://example.com"], "must look like"),
        (["staging", "http://desk:secret@127.0.0.1/api"], "must not hold a password"),
        (["two words", "{url}"], "valid “slug”"),
        (["local", "{url}"], "this server itself"),
        (["staging", "{url}", "--header", "no colon"], "NAME: VALUE"),
        (["staging", "{url}", "--header", "X: 1\r\nY: 2"], "NAME: VALUE"),
        (["staging", "https://127.0.0.1:9/api", "--ca-file", "/nowhere"], "CA file /nowhere"),
    ],
)
def test_what_cannot_work_is_not_added(
    theirs: FakePrefect, arguments: list[str], words: str
) -> None:
    theirs.auth = BASIC_DESK_SECRET
    words_given = [argument.format(url=theirs.url) for argument in arguments]
    with pytest.raises(CommandError, match=words) as refusal:
        run("addserver", *words_given, given="desk:secret\n")
    assert "secret" not in str(refusal.value)
    assert servers.list_servers() == []


def test_a_name_is_given_once(theirs: FakePrefect) -> None:
    run("addserver", "staging", theirs.url)
    with pytest.raises(CommandError, match="named 'staging' already"):
        run("addserver", "staging", theirs.url)


def test_an_old_server_is_added_to_be_read(theirs: FakePrefect) -> None:
    theirs.version = "2.20.3"
    assert "known for 3.4 and later 3.x only" in run("addserver", "old", theirs.url)


def test_a_workspace_of_the_cloud_is_told_by_its_address(theirs: FakePrefect) -> None:
    theirs.prefix = "/api/accounts/a/workspaces/w"
    assert "not tried" in run("addserver", "cloud", theirs.url, "--api-key", given="pnu_1")
    server = servers.read_server("cloud")
    assert (server.kind, server.answer_mode) == ("cloud", "resume")


def test_servers_are_listed_with_how_they_are_and_removed(theirs: FakePrefect) -> None:
    assert "There are none" in run("listservers")
    run("addserver", "staging", theirs.url)
    pk = servers.read_server("staging").pk
    servers.record_freshness(pk, seconds=[0.1] * 98 + [0.7, 3])
    servers.record_stream(pk, since=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    listed = run("listservers")
    assert f"staging: {theirs.url} (3.9.1)" in listed
    assert "within 0.1 s (half of them), 0.7 s (99 in 100)" in listed
    servers.record_trouble(pk, words="The server cannot be reached.")
    assert "trouble: The server cannot be reached." in run("listservers")
    run("removeserver", "staging")
    with pytest.raises(CommandError, match="no server named 'staging'"):
        run("removeserver", "staging")
    with pytest.raises(LookupError):
        get_connector("staging")


def test_one_worker_at_a_time_looks_after_a_server(theirs: FakePrefect) -> None:
    run("addserver", "staging", theirs.url)
    pk, now = servers.read_server("staging").pk, datetime.now(UTC)
    later = now + timedelta(minutes=1)
    assert servers.take_lease(pk, holder="one", until=later)
    assert not servers.take_lease(pk, holder="two", until=later)
    assert servers.take_lease(pk, holder="one", until=now - timedelta(seconds=1))
    assert servers.take_lease(pk, holder="two", until=later)
    servers.give_lease_back(pk, holder="one")
    assert not servers.take_lease(pk, holder="one", until=later)
    servers.give_lease_back(pk, holder="two")
    assert servers.take_lease(pk, holder="one", until=later)


def test_credentials_are_encrypted_anew_with_the_blocks(theirs: FakePrefect, settings) -> None:  # type: ignore[no-untyped-def]
    settings.ENCRYPTION_KEYS = ["old" * 20]
    run("addserver", "staging", theirs.url, "--api-key", "--header", "X-Proxy: y", given="pnu_1")
    settings.ENCRYPTION_KEYS = ["new" * 20, "old" * 20]
    assert run("encryptblocks") == "Encrypted 0 blocks and the credentials of 1 server.\n"
    settings.ENCRYPTION_KEYS = ["new" * 20]
    server = servers.read_server("staging")
    assert servers.read_credentials(server).secret == "pnu_1"
    assert servers.read_headers(server) == {"X-Proxy": "y"}
    settings.ENCRYPTION_KEYS = ["another" * 20]
    with pytest.raises(Unauthorized, match="ENCRYPTION_KEY"):
        get_remote_connector("staging").probe()
    with pytest.raises(CommandError, match="What opens the server 'staging'"):
        run("encryptblocks")


def test_a_run_elsewhere_is_not_answered_in_one_call(theirs: FakePrefect) -> None:
    run("addserver", "staging", theirs.url)
    connector = get_connector("staging")
    actor = reviewer("alice")
    with pytest.raises(NeedsAttempt):
        connector.resume_flow_run(new_id(), run_input={}, pause_state_id=new_id(), actor=actor)
    with pytest.raises(NeedsAttempt):
        connector.reject_flow_run(new_id(), reason="no", pause_state_id=new_id(), actor=actor)


def test_the_admin_changes_credentials_and_never_shows_them(theirs: FakePrefect) -> None:
    options = ("--api-key", "--header", "X-Proxy: lets-us-in")
    run("addserver", "staging", theirs.url, *options, given="pnu_1")
    server = RemoteServer.objects.get()
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    address = f"/admin/flowruns/remoteserver/{server.pk}/change/"
    page = client.get(address).content.decode()
    assert all(secret not in page for secret in ("pnu_1", "lets-us-in", server.credentials))
    form = {"name": "staging", "url": theirs.url, "kind": "prefect", "answer_mode": "claim"}
    form |= {"is_enabled": "on", "tag_list": "a, b"}
    assert client.post(address, form).status_code == 302
    server.refresh_from_db()
    assert server.tags == ["a", "b"]
    assert servers.read_credentials(server).secret == "pnu_1"
    assert servers.read_headers(server) == {"X-Proxy": "lets-us-in"}
    form |= {"credentials_kind": "basic", "secret": "desk:new", "forget_headers": "on"}
    assert client.post(address, form).status_code == 302
    server.refresh_from_db()
    found = servers.read_credentials(server)
    assert (found.kind, found.secret) == ("basic", "desk:new")
    assert servers.read_headers(server) == {}
    refused = client.post(address, form | {"secret": "", "name": "local"})
    assert b"goes with a kind" in refused.content
    assert b"this server itself" in refused.content

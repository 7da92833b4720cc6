"""Each wrong value of the environment is answered with a sentence that names its variable."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from approvals.project.environment import (
    read_bool,
    read_database,
    read_encryption_keys,
    read_home,
    read_hosts,
    read_int,
    read_secret_key,
    read_url,
)
from tests.environments import clean_environment
from tests.servers import ROOT

type Env = pytest.MonkeyPatch
LONG = "k" * 50


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("Yes", True), (" off ", False), ("", False)]
)
def test_switches_have_several_words(monkeypatch: Env, text: str, value: bool) -> None:
    monkeypatch.setenv("DEBUG", text)
    assert read_bool("DEBUG", default=not value) is value


def test_another_word_for_a_switch_is_refused(monkeypatch: Env) -> None:
    monkeypatch.setenv("TRUST_PROXY", "maybe")
    with pytest.raises(ImproperlyConfigured, match=r"TRUST_PROXY must be true or false.*'maybe'"):
        read_bool("TRUST_PROXY", default=False)


@pytest.mark.parametrize("text", ["0", "-1", "ten", "1.5", "", "²"])
def test_numbers_are_whole_and_large_enough(monkeypatch: Env, text: str) -> None:
    monkeypatch.setenv("LOGIN_FAILURE_LIMIT", text)
    with pytest.raises(ImproperlyConfigured, match="LOGIN_FAILURE_LIMIT must be a whole number"):
        read_int("LOGIN_FAILURE_LIMIT", default=10, minimum=1)


def test_host_names_are_separated_by_commas(monkeypatch: Env) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "a.example, .example.org,[::1],*,10.0.0.7,")
    assert read_hosts("ALLOWED_HOSTS") == ["a.example", ".example.org", "[::1]", "*", "10.0.0.7"]


@pytest.mark.parametrize("text", ["https://a.example", "a.example:8000", "a b", "a..b", "a/b"])
def test_what_is_no_host_name_is_refused(monkeypatch: Env, text: str) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", f"good.example,{text}")
    with pytest.raises(ImproperlyConfigured, match="ALLOWED_HOSTS must be host names"):
        read_hosts("ALLOWED_HOSTS")


@pytest.mark.parametrize(
    "text",
    ["https://a.example", "http://10.0.0.7:8080", "http://[::1]:80", "https://a.example/x/desk-1"],
)
def test_an_address_may_end_in_a_slash(monkeypatch: Env, text: str) -> None:
    monkeypatch.setenv("PUBLIC_URL", f"{text}/")
    assert read_url("PUBLIC_URL") == text


@pytest.mark.parametrize(
    "text",
    [
        "a.example",
        "ftp://a.example",
        "https://",
        "https://a.example/a b",
        "https://a.example/../x",
        "https://a.example//x",
        "https://a.example/api",
        "https://a:b@c.example",
        "https://a.example:99999",
        "https://[::1",
        "https://a.example?x=1",
        "https://a.example#x",
    ],
)
def test_what_is_no_address_is_refused(monkeypatch: Env, text: str) -> None:
    monkeypatch.setenv("PUBLIC_URL", text)
    with pytest.raises(ImproperlyConfigured, match="PUBLIC_URL must look like https://"):
        read_url("PUBLIC_URL")


def test_the_home_folder_is_made_for_its_owner_only(monkeypatch: Env, tmp_path: Path) -> None:
    monkeypatch.setenv("APPROVALS_HOME", str(tmp_path / "deep" / "home"))
    assert stat.S_IMODE(read_home().stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o777, 0o701])
@pytest.mark.parametrize("held", [[], ["secret-key", "approvals.sqlite3"]])
def test_a_home_folder_with_loose_modes_is_tightened(
    monkeypatch: Env, tmp_path: Path, mode: int, held: list[str]
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for name in held:
        (home / name).touch()
    home.chmod(mode)
    monkeypatch.setenv("APPROVALS_HOME", str(home))
    assert stat.S_IMODE(read_home().stat().st_mode) == 0o700


def test_a_folder_that_others_use_is_refused_and_left_as_it_is(
    monkeypatch: Env, tmp_path: Path
) -> None:
    home = tmp_path / "shared"
    home.mkdir()
    (home / "of somebody").touch()
    home.chmod(0o755)
    monkeypatch.setenv("APPROVALS_HOME", str(home))
    with pytest.raises(ImproperlyConfigured, match=r"APPROVALS_HOME=.* is open to other users"):
        read_home()
    assert stat.S_IMODE(home.stat().st_mode) == 0o755


@pytest.mark.parametrize("home", ["/dev/null/home", "/etc/passwd", "~nobody-has-this-name/home"])
def test_a_home_that_cannot_be_a_folder_is_refused(monkeypatch: Env, home: str) -> None:
    monkeypatch.setenv("APPROVALS_HOME", home)
    with pytest.raises(ImproperlyConfigured, match=r"APPROVALS_HOME=.* cannot be used"):
        read_home()


def test_a_secret_key_is_made_once_and_kept(monkeypatch: Env, tmp_path: Path) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    key = read_secret_key(tmp_path)
    assert len(key) >= 50
    assert read_secret_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "secret-key").stat().st_mode) == 0o600


def test_a_secret_key_of_the_environment_comes_first(monkeypatch: Env, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET_KEY", LONG)
    assert read_secret_key(tmp_path) == LONG
    assert not list(tmp_path.iterdir())


def test_a_short_secret_key_is_refused(monkeypatch: Env, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET_KEY", "short")
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY must have at least 50"):
        read_secret_key(tmp_path)
    monkeypatch.delenv("SECRET_KEY")
    (tmp_path / "secret-key").write_text("")
    with pytest.raises(ImproperlyConfigured, match=r"secret-key must have at least 50"):
        read_secret_key(tmp_path)


def test_blocks_are_encrypted_with_keys_of_their_own_or_the_secret_key(monkeypatch: Env) -> None:
    monkeypatch.delenv("ENCRYPTION_KEY", raising=False)
    assert read_encryption_keys("secret") == ["secret"]
    monkeypatch.setenv("ENCRYPTION_KEY", f" {LONG}1, {LONG}2,")
    assert read_encryption_keys("secret") == [f"{LONG}1", f"{LONG}2", "secret"]


def test_a_short_encryption_key_is_refused(monkeypatch: Env) -> None:
    monkeypatch.setenv("ENCRYPTION_KEY", f"{LONG},short")
    with pytest.raises(ImproperlyConfigured, match="ENCRYPTION_KEY must have at least 50"):
        read_encryption_keys("secret")


def test_without_a_database_url_a_file_in_the_home_is_used(
    monkeypatch: Env, tmp_path: Path
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert read_database(tmp_path)["NAME"] == str(tmp_path / "approvals.sqlite3")
    assert stat.S_IMODE((tmp_path / "approvals.sqlite3").stat().st_mode) == 0o600


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgresql_is_reached_through_a_pool(
    monkeypatch: Env, tmp_path: Path, scheme: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{scheme}://me:secret@db.example:5433/desk?sslmode=require")
    monkeypatch.setenv("DATABASE_POOL_SIZE", "7")
    config = read_database(tmp_path)
    assert config["ENGINE"] == "django.db.backends.postgresql"
    assert (config["HOST"], config["PORT"], config["NAME"]) == ("db.example", 5433, "desk")
    assert config["OPTIONS"]["sslmode"] == "require"
    assert config["OPTIONS"]["pool"]["max_size"] == 7


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me@db/desk",
        "nonsense",
        "postgresql://me@db:port/desk",
        "postgresql://me@db/",
        "sqlite:////no/such/folder/file",
        "sqlite://",
    ],
)
def test_a_database_that_cannot_be_is_refused(monkeypatch: Env, tmp_path: Path, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        read_database(tmp_path)


def test_the_pool_has_room_for_the_loops_and_a_request(monkeypatch: Env, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@db/desk")
    monkeypatch.setenv("DATABASE_POOL_SIZE", "1")
    with pytest.raises(ImproperlyConfigured, match="DATABASE_POOL_SIZE must be a whole number"):
        read_database(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "value", "found"),
    [
        ("TRUST_PROXY", "true", "no issues"),
        ("TRUST_PROXY", "false", "approvals.W001"),
        ("ALLOWED_HOSTS", "*", "approvals.W002"),
    ],
)
def test_the_settings_of_production_pass_djangos_own_check(
    tmp_path: Path, variable: str, value: str, found: str
) -> None:
    environment = {
        "APPROVALS_HOME": str(tmp_path),
        "PUBLIC_URL": "https://approvals.example.com",
        "TRUST_PROXY": "true",
        "PATH": os.environ["PATH"],
        variable: value,
    }
    result = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=clean_environment() | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode == 0) == (found == "no issues"), result.stderr
    assert found in result.stdout + result.stderr
    assert result.stderr.count("approvals.") == (found != "no issues")

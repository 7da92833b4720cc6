"""The key that `serve` makes for the flows of its own machine."""

import socket
from pathlib import Path

import pytest

from approvals.management.local_key import keep_local_key
from flowruns.models import ApiKey
from flowruns.services.api_keys import create_api_key, find_api_key, revoke_api_keys

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch) -> str:
    return be_on("laptop", monkeypatch)


def be_on(name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(socket, "gethostname", lambda: name)
    return name


def names() -> set[str]:
    return set(ApiKey.objects.filter(revoked_at=None).values_list("name", flat=True))


def test_it_is_named_after_its_host_and_has_both_scopes(tmp_path: Path) -> None:
    found = find_api_key(keep_local_key(tmp_path))
    assert found is not None
    assert (found.name, found.scopes) == ("local@laptop", ["flows", "resume"])
    assert (tmp_path / "api-key").stat().st_mode & 0o777 == 0o600


def test_it_stays_while_it_is_valid(tmp_path: Path) -> None:
    assert keep_local_key(tmp_path) == keep_local_key(tmp_path)


def test_the_key_of_an_earlier_release_stays(tmp_path: Path) -> None:
    key = create_api_key("local", scopes=["flows", "resume"])
    (tmp_path / "api-key").write_text(f"{key}\n")
    assert keep_local_key(tmp_path) == key


@pytest.mark.parametrize("loses_its_file", [False, True])
@pytest.mark.parametrize("name", ["local@laptop", "local"])
def test_what_was_revoked_stays_so(tmp_path: Path, name: str, loses_its_file: bool) -> None:
    keep_local_key(tmp_path)
    ApiKey.objects.update(name=name)
    revoke_api_keys(ApiKey.objects.all())
    if loses_its_file:
        (tmp_path / "api-key").unlink()
    assert keep_local_key(tmp_path) == ""
    assert names() == set()


@pytest.mark.parametrize("other", ["desktop", "laptop"])
def test_another_host_or_home_folder_has_a_key_of_its_own(
    tmp_path: Path, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = keep_local_key(tmp_path)
    be_on(other, monkeypatch)
    (tmp_path / "other").mkdir()
    second = keep_local_key(tmp_path / "other")
    assert first != second
    assert find_api_key(first) is not None
    assert find_api_key(second) is not None
    assert len(names()) == 2


def test_a_key_that_nobody_knows_here_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "api-key").write_text("fr_of-another-database\n")
    assert find_api_key(keep_local_key(tmp_path)) is not None

"""Where the SDK finds its server and its key."""

from pathlib import Path

import pytest

from flowruns.exceptions import ConfigurationError
from flowruns.sdk.config import DEFAULT_API_URL, load_config


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("FLOWRUNS_API_URL", "FLOWRUNS_API_KEY", "PREFECT_API_URL", "PREFECT_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("APPROVALS_HOME", str(tmp_path))


def _write_local_key(tmp_path: Path, key: str = "local-key") -> None:
    (tmp_path / "api-key").write_text(f"{key}\n")


def test_without_settings_it_is_the_server_on_this_machine() -> None:
    config = load_config()
    assert (config.api_url, config.api_key) == (DEFAULT_API_URL, None)
    assert config.ui_url == "http://127.0.0.1:8000"


def test_our_variables_come_before_prefects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "https://prefect.example/api")
    monkeypatch.setenv("PREFECT_API_KEY", "theirs")
    assert load_config().api_url == "https://prefect.example/api"
    assert load_config().api_key == "theirs"
    monkeypatch.setenv("FLOWRUNS_API_URL", "https://approvals.example/api/")
    monkeypatch.setenv("FLOWRUNS_API_KEY", "ours")
    assert load_config().api_url == "https://approvals.example/api"
    assert load_config().api_key == "ours"
    assert load_config().key_source == "the API key in FLOWRUNS_API_KEY"


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:80"])
def test_a_server_on_this_machine_is_shown_the_local_key(
    host: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _write_local_key(tmp_path)
    monkeypatch.setenv("FLOWRUNS_API_URL", f"http://{host}/api")
    assert load_config().api_key == "local-key"
    assert str(tmp_path) in load_config().key_source


@pytest.mark.parametrize("host", ["approvals.example", "10.0.0.1", "127.0.0.1.example"])
def test_no_other_machine_is_shown_the_local_key(
    host: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _write_local_key(tmp_path)
    monkeypatch.setenv("FLOWRUNS_API_URL", f"https://{host}/api")
    assert load_config().api_key is None


def test_a_key_in_the_environment_comes_before_the_local_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _write_local_key(tmp_path)
    monkeypatch.setenv("FLOWRUNS_API_KEY", "mine")
    assert load_config().api_key == "mine"


def test_an_empty_local_key_is_none(tmp_path: Path) -> None:
    _write_local_key(tmp_path, "")
    assert load_config().api_key is None


@pytest.mark.parametrize(
    "value", ["127.0.0.1:8000/api", "ftp://x/api", "http://", "http://a b/api", "http://[::1/api"]
)
@pytest.mark.parametrize("variable", ["FLOWRUNS_API_URL", "PREFECT_API_URL"])
def test_a_url_that_is_none_names_its_variable(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=variable):
        load_config()


def test_a_key_that_cannot_be_one_names_its_variable_but_not_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLOWRUNS_API_KEY", "sécret")
    with pytest.raises(ConfigurationError, match="FLOWRUNS_API_KEY") as caught:
        load_config()
    assert "cret" not in str(caught.value)


def test_a_local_key_that_cannot_be_read_names_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "api-key").mkdir()
    with pytest.raises(ConfigurationError, match="FLOWRUNS_API_KEY"):
        load_config()


def test_the_home_defaults_to_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("APPROVALS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".approvals").mkdir()
    _write_local_key(tmp_path / ".approvals", "from-home")
    assert load_config().api_key == "from-home"

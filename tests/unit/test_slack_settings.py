"""SLACK_BOT_TOKEN and SLACK_APP_TOKEN: what they need, and how a wrong one is told."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from approvals.project.slack import read_slack_token

NEEDS = {"PUBLIC_URL": "https://desk.example.com"}


def read(token: str, monkeypatch: pytest.MonkeyPatch, **needs: str) -> str:
    monkeypatch.setenv("SLACK_BOT_TOKEN", token)
    return read_slack_token("SLACK_BOT_TOKEN", begins="xoxb-", needs={**NEEDS, **needs})


def test_without_a_token_nothing_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(" ", monkeypatch, PUBLIC_URL="") == ""


def test_a_token_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(" xoxb-1 ", monkeypatch) == "xoxb-1"


@pytest.mark.parametrize("token", ["xapp-hunter2", "xoxb-hunter2 x", "xoxb-hunter2é"])
def test_a_wrong_token_is_told_and_not_repeated(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ImproperlyConfigured, match="SLACK_BOT_TOKEN must begin") as told:
        read(token, monkeypatch)
    assert "hunter2" not in str(told.value)


def test_a_token_without_what_it_needs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImproperlyConfigured, match="SLACK_BOT_TOKEN needs PUBLIC_URL"):
        read("xoxb-1", monkeypatch, PUBLIC_URL="")

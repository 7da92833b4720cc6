"""A request for a host that is not ours: a page that says so, and one line of the log."""

import json
import logging

from django.test import Client

from approvals.views.wrong_hosts import EachOnce


def test_the_page_names_the_host_and_the_remedy() -> None:
    page = Client(headers={"host": "elsewhere.example"}).get("/accounts/login/")
    text = page.content.decode()
    assert page.status_code == 400
    assert "elsewhere.example" in text
    assert "ALLOWED_HOSTS" in text
    assert "too large" not in text


def test_the_api_says_it_in_json() -> None:
    answer = Client(headers={"host": "elsewhere.example"}).get("/api/flows/x")
    assert answer.status_code == 400
    assert "elsewhere.example" in json.loads(answer.content)["detail"]


def test_each_name_is_one_line_of_the_log() -> None:
    each_once = EachOnce()

    def passes(host: str) -> bool:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "Invalid %s", (host,), None)
        return each_once.filter(record)

    assert [passes("a"), passes("a"), passes("b")] == [True, False, True]
    assert sum(passes(str(number)) for number in range(1_000)) < 100

"""Reviewers of a real server, in groups, who answer on its pages without a browser."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape

import httpx

from tests.servers import ApprovalsServer

PASSWORD = "correct horse battery"
_MAKE = """
from django.contrib.auth.models import Group, User
finance = Group.objects.get_or_create(name="finance")[0]
for name in ("fay", "finn"):
    if not User.objects.filter(username=name).exists():
        User.objects.create_user(name, password={password!r}).groups.add(finance)
"""


def make_people(server: ApprovalsServer) -> None:
    """Let fay and finn of the group finance log in."""
    server.manage("shell", "--command", _MAKE.format(password=PASSWORD))


class Person:
    """Somebody who has logged in."""

    def __init__(self, browser: httpx.Client) -> None:
        self._browser = browser

    def answer(self, run_id: str, **fields: str) -> str:
        """Answer what a run asks now, and return the page that comes then."""
        named = {name.replace("_", "."): value for name, value in fields.items()}
        return self._post(self._find(run_id), "", named)

    def agree(self, run_id: str) -> str:
        """Agree to what another has answered, and return the page that comes then."""
        return self._post(self._find(run_id), "agree/", {})

    def _find(self, run_id: str) -> str:
        page = self._browser.get(f"/runs/flow-run/{run_id}").text
        found = re.search(r"/approvals/[0-9a-f-]{36}/", page)
        assert found, page
        return found[0]

    def _post(self, path: str, action: str, fields: dict[str, str]) -> str:
        form = self._browser.get(path).text
        hidden = {name: _hidden(form, name) for name in ("csrfmiddlewaretoken", "asked", "seen")}
        answered = self._browser.post(f"{path}{action}", data=hidden | fields)
        assert answered.status_code == 200, answered.text
        return answered.text


@contextmanager
def person(server: ApprovalsServer, name: str, *, password: str = PASSWORD) -> Iterator[Person]:
    with httpx.Client(base_url=server.url, follow_redirects=True, timeout=90) as browser:
        browser.headers["Referer"] = server.url
        form = browser.get("/accounts/login/").text
        fields = {"username": name, "password": password}
        fields["csrfmiddlewaretoken"] = _hidden(form, "csrfmiddlewaretoken")
        assert "Log out" in browser.post("/accounts/login/", data=fields).text
        yield Person(browser)


def _hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    return unescape(found[1]) if found else ""

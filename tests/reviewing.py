"""Reviewers at a real server's pages, without a browser."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_APPROVAL = re.compile(r'href="(/approvals/[0-9a-f-]+/)"')


@contextmanager
def log_in(url: str, name: str, password: str) -> Iterator[httpx.Client]:
    """Yield the browser of somebody who has logged in at the server."""
    with httpx.Client(base_url=url, timeout=60, follow_redirects=True) as browser:
        _submit(browser, "/accounts/login/", username=name, password=password)
        yield browser


def reject(browser: httpx.Client, flow_run_id: object, reason: str) -> None:
    """Say no to a run that waits."""
    run = browser.get(f"/runs/flow-run/{flow_run_id}").raise_for_status()
    approval = _find(_APPROVAL, run)
    _submit(browser, f"{approval}reject/", reason=reason)


def _submit(browser: httpx.Client, path: str, **form: str) -> None:
    token = _find(_TOKEN, browser.get(path).raise_for_status())
    answer = browser.post(path, data={"csrfmiddlewaretoken": token, **form})
    assert answer.is_success, answer.text


def _find(pattern: re.Pattern[str], page: httpx.Response) -> str:
    found = pattern.search(page.text)
    assert found is not None, page.text
    return found[1]

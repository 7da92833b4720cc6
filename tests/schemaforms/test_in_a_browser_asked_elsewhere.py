"""What people complain about in other forms, in a real browser, with JavaScript and without."""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.core.handlers.wsgi import WSGIRequest
from playwright.sync_api import Browser, Page, expect

from approvals.schemaforms import Form, open_form, read_form
from tests.barriers import EVERY, find_barriers
from tests.schemaforms.asked_elsewhere import ASKED, CHAINS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser-forms-asked-elsewhere")]

STATIC = Path(__file__).parents[2] / "static"
POLICY = "default-src 'self'; img-src 'self' data:"
PAGE = """<!doctype html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{name}</title>
<meta name="htmx-config" content='{{"allowEval":false,"includeIndicatorStyles":false}}'>
<link rel="stylesheet" href="/static/vendor/pico.min.css">
<link rel="stylesheet" href="/static/forms.css">
<script src="/static/vendor/htmx.min.js" defer></script>
<script src="/static/forms.js" defer></script></head><body><main class="container">
<h1>{name}</h1>{summary}<form id="answer" method="post" enctype="multipart/form-data" novalidate>
{fields}<p><button type="submit">Submit</button></p></form></main></body></html>"""


class Site:
    """Serves each question at `/<name>/<theme>/` and remembers what was read last."""

    def __init__(self) -> None:
        self.url = ""
        self.form: Form | None = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith("/static/"):
            kind = "text/css" if path.endswith("css") else "text/javascript"
            start_response("200 OK", [("Content-Type", kind)])
            return [(STATIC / path.removeprefix("/static/")).read_bytes()]
        if path.count("/") < 3:
            start_response("404 Not Found", [])
            return []
        headers = [("Content-Type", "text/html"), ("Content-Security-Policy", POLICY)]
        start_response("200 OK", headers)
        name, theme = path.strip("/").split("/")
        form = open_form(ASKED[name])
        if environ["REQUEST_METHOD"] == "POST":
            self.form = form = read_form(ASKED[name], WSGIRequest(environ).POST)
        summary, fields = form.render_summary(), form.render()
        page = PAGE.format(name=name, theme=theme, summary=summary, fields=fields)
        return [page.encode()]


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- inherited name
        pass


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    with make_server("127.0.0.1", 0, site, server_class=_Server, handler_class=_Quiet) as server:
        site.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield site
        server.shutdown()
        thread.join()


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def either_page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    with browser.new_context(java_script_enabled=request.param) as context:
        page = context.new_page()
        page.set_default_timeout(15_000)
        yield page


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        yield context.new_page()


def visit(page: Page, site: Site, name: str, theme: str = "light") -> None:
    page.goto(f"{site.url}/{name}/{theme}/")


def press(page: Page, name: str) -> None:
    """Press a button and wait for what it changes."""
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.get_by_role("button", name=name, exact=True).last.click()


def choose(page: Page, name: str) -> None:
    """Choose an answer that decides what else is asked, and wait for that."""
    if page.evaluate("'htmx' in window"):
        with page.expect_response(lambda response: response.request.method == "POST"):
            page.get_by_label(name, exact=True).check()
    else:
        page.get_by_label(name, exact=True).check()
        press(page, "Update questions")


def answer(page: Page, site: Site) -> Any:
    press(page, "Submit")
    assert site.form is not None
    assert site.form.problems == []
    assert site.form.is_valid
    return site.form.value


@pytest.mark.parametrize("name", [name.replace(" ", "-") for name in CHAINS])
def test_every_level_of_a_chain_appears(either_page: Page, site: Site, name: str) -> None:
    visit(either_page, site, name)
    choose(either_page, "US")
    choose(either_page, "CA")
    either_page.get_by_label("LA", exact=True).check()
    assert answer(either_page, site) == {"country": "US", "state": "CA", "county": "LA"}


def test_a_typed_answer_brings_in_its_question_once_the_field_is_left(
    page: Page, site: Site
) -> None:
    visit(page, site, "typed-place")
    page.get_by_label("Country").fill("US")
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.get_by_label("Country").press("Tab")
    choose(page, "CA")
    page.get_by_label("LA", exact=True).check()
    assert answer(page, site) == {"country": "US", "state": "CA", "county": "LA"}


def test_what_was_typed_returns_with_its_question(either_page: Page, site: Site) -> None:
    visit(either_page, site, "refund")
    choose(either_page, "Yes")
    either_page.get_by_label("Iban").fill("DE02 1203")
    choose(either_page, "No")
    expect(either_page.get_by_label("Iban")).to_have_count(0)
    assert answer(either_page, site) == {"refund": False}
    choose(either_page, "Yes")
    expect(either_page.get_by_label("Iban")).to_have_value("DE02 1203")
    assert answer(either_page, site) == {"refund": True, "iban": "DE02 1203"}


def test_options_are_chosen_by_their_words(either_page: Page, site: Site) -> None:
    visit(either_page, site, "incident")
    page = either_page
    expect(page.get_by_text("Tonight.").first).to_be_visible()
    expect(page.get_by_label("Left as it is (3)")).to_be_checked()
    page.get_by_role("radio", name="High: page somebody").check()
    page.get_by_role("checkbox", name="Low: nobody notices").check()
    page.get_by_label("high", exact=True).check()
    assert answer(page, site) == {"severity": 2, "others": [1], "level": 2}


def test_thousands_and_texts_beside_numbers(either_page: Page, site: Site) -> None:
    visit(either_page, site, "limits")
    page = either_page
    threshold = page.get_by_role("group", name="Threshold")
    with page.expect_response(lambda response: response.request.method == "POST"):
        threshold.get_by_role("button", name="Text").click()
    page.get_by_label("Text", exact=True).fill("auto")
    page.get_by_label("Count").fill("10.000")
    page.get_by_label("Ratio").fill("1.000")
    press(page, "Submit")
    expect(page.get_by_role("link", name="Write 10000, without point or comma.")).to_be_visible()
    page.get_by_label("Count").fill("10000")
    press(page, "Submit")
    expect(page.get_by_text("If you mean 1000, write it without the point.").first).to_be_visible()
    assert answer(page, site) == {"threshold": "auto", "share": 5, "count": 10000, "ratio": 1.0}


def test_the_only_possible_values_are_ticked_and_shown(either_page: Page, site: Site) -> None:
    visit(either_page, site, "signed")
    page = either_page
    page.get_by_label("gdpr").check()
    press(page, "Add entry Sums")
    expect(page.get_by_text("total", exact=True)).to_be_visible()
    page.get_by_label("Value 1").fill("3")
    assert answer(page, site) == {"laws": ["gdpr"], "sums": {"total": 3}}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_are_accessible_and_fit_a_phone(page: Page, site: Site, theme: str) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    for name in ("incident", "limits", "signed", "options-that-depend"):
        visit(page, site, name, theme)
        assert list(find_barriers(page, EVERY | {"rules": {"region": {"enabled": False}}})) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 320

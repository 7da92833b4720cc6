"""Forms served to a real browser, under the strict policy that our pages have."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.core.handlers.wsgi import WSGIRequest
from django.http import QueryDict
from playwright.sync_api import Page

from approvals.schemaforms import Form, JSONValue, find_options, open_form, read_form

_STATIC = Path(__file__).parents[2] / "static"
_POLICY = "default-src 'self'; img-src 'self' data:"
_PAGE = """<!doctype html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{name}</title>
<meta name="htmx-config" content='{{"allowEval":false,"includeIndicatorStyles":false}}'>
<link rel="stylesheet" href="/static/vendor/pico.min.css">
<link rel="stylesheet" href="/static/forms.css">
<script src="/static/vendor/htmx.min.js" defer></script>
<script src="/static/forms.js" defer></script></head><body><main class="container">
<h1>{name}</h1>{summary}<form id="answer" method="post" enctype="multipart/form-data" novalidate>
{fields}<p><button type="submit">Submit</button></p></form></main></body></html>"""


class Site:
    """Serves the form of each schema at `/<name>/<theme>/` and remembers what was read last."""

    def __init__(self, schemas: Mapping[str, JSONValue]) -> None:
        self._schemas = schemas
        self.url = ""
        self.form: Form | None = None
        self.is_htmx = False

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith("/static/"):
            kind = "text/css" if path.endswith("css") else "text/javascript"
            start_response("200 OK", [("Content-Type", kind)])
            return [(_STATIC / path.removeprefix("/static/")).read_bytes()]
        if path.count("/") < 3:
            start_response("404 Not Found", [])
            return []
        headers = [("Content-Type", "text/html"), ("Content-Security-Policy", _POLICY)]
        start_response("200 OK", headers)
        name, theme, *rest = path.strip("/").split("/")
        if rest == ["options"]:
            found = find_options(self._schemas[name], QueryDict(environ["QUERY_STRING"]))
            return [str(found).encode()]
        return [self._answer(environ, name, theme).encode()]

    def _answer(self, environ: dict[str, Any], name: str, theme: str) -> str:
        schema = self._schemas[name]
        if environ["REQUEST_METHOD"] == "POST":
            form = read_form(schema, WSGIRequest(environ).POST)
            self.form, self.is_htmx = form, "HTTP_HX_REQUEST" in environ
        else:
            form = open_form(schema)
        summary, fields = form.render_summary(), form.render()
        return _PAGE.format(name=name, theme=theme, summary=summary, fields=fields)


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- inherited name
        pass


class _Server(ThreadingMixIn, WSGIServer):
    """Serves each connection in a thread: a browser keeps some open that it has no use for."""

    daemon_threads = True
    block_on_close = False


@contextmanager
def serve(schemas: Mapping[str, JSONValue]) -> Iterator[Site]:
    """Serve the forms of these schemas to this machine."""
    site = Site(schemas)
    with make_server("127.0.0.1", 0, site, server_class=_Server, handler_class=_Quiet) as server:
        site.url = f"http://127.0.0.1:{server.server_port}"
        # Asked often whether to end: each test waits for that.
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield site
        server.shutdown()
        thread.join()


def visit(page: Page, site: Site, name: str, theme: str = "light") -> None:
    page.goto(f"{site.url}/{name}/{theme}/")


def press(page: Page, name: str) -> None:
    """Press the last button of this name and wait for what it changes."""
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.get_by_role("button", name=name, exact=True).last.click()

"""Tabs of a browser that one test after another works in: a new one is a process of Chromium's.

They are alike but for their size and for how much moves on them, which can be changed at any time.
Whatever else a test asks of a tab, or changes for all tabs of a reviewer, it has one for itself.
"""

from contextlib import suppress
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Page

# Of our server: it shows nothing, asks nothing, and is of the same process as all our pages
EMPTY = "/api/ready"
_SIZE = {"width": 1280, "height": 720}
_ADAPTABLE = {"viewport", "reduced_motion"}
_left: dict[tuple[Browser, str], list[Page]] = {}


class Tab:
    """A page at a server, and what belongs to it alone: its cookies and all that it stores."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self._browser, self._url = browser, url
        self._can_be_left = options.keys() <= _ADAPTABLE
        left = _left.get((browser, url), []) if self._can_be_left else []
        self.page: Page = (
            left.pop() if left else browser.new_context(base_url=url, **options).new_page()
        )
        if self._can_be_left:
            self.page.set_viewport_size(options.get("viewport", _SIZE))
            motion = options.get("reduced_motion", "no-preference")
            self.page.emulate_media(color_scheme="light", reduced_motion=motion)

    @property
    def context(self) -> BrowserContext:
        """The browser's context. Who asks for it may change it, so that it is left to nobody."""
        self._can_be_left = False
        return self.page.context

    def leave(self) -> None:
        """Leave it as if it were new, or close it where that cannot be."""
        has_opened_others = len(self.page.context.pages) > 1
        if self._can_be_left and not has_opened_others:
            with suppress(Error):
                self._clear()
                _left.setdefault((self._browser, self._url), []).append(self.page)
                return
        self.page.context.close()

    def _clear(self) -> None:
        page = self.page
        page.unroute_all(behavior="ignoreErrors")
        page.goto(EMPTY)
        page.evaluate("sessionStorage.clear()")
        stored = {"origin": self._url, "storageTypes": "all"}
        session = page.context.new_cdp_session(page)
        session.send("Storage.clearDataForOrigin", stored)
        session.detach()
        page.context.clear_cookies()
        page.mouse.move(0, 0)
        page.clear_console_messages()
        page.clear_page_errors()

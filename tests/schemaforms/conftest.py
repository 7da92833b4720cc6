"""Forms in a real browser: the site that serves them, and pages to look at them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page

from tests.schemaforms.samples import SAMPLES
from tests.schemaforms.site import Site, serve

type NewPage = Callable[..., Page]


@pytest.fixture
def site() -> Iterator[Site]:
    """The sample forms, served."""
    with serve(SAMPLES) as site:
        yield site


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """Open a page in a context of its own, with these options; it ends with the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(browser.new_context(**options)).new_page()


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def either_page(request: pytest.FixtureRequest, new_page: NewPage) -> Page:
    return new_page(java_script_enabled=request.param)


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page()

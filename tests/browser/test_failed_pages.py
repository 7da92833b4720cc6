"""What a failed test leaves of its browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests import failed_pages
from tests.browser.desk import Reviewer


def test_every_open_page_is_stored_and_its_complaints_are_told(
    browser: Browser, alice: Reviewer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failed_pages, "_FOLDER", tmp_path)
    alice.open_inbox()
    alice.page.evaluate("console.warn('what went wrong')")
    alice.context.new_page().goto("/history/")
    told = failed_pages.keep_failed_pages(browser, "tests/browser/test_x.py::test_y[1]")
    folder = tmp_path / "browser-test_x-py-test_y-1"
    for number in (1, 2):
        assert f"  {folder}/page-{number}.png" in told.splitlines()
        assert (folder / f"page-{number}.png").read_bytes().startswith(b"\x89PNG")
    assert "History" in (folder / "page-2.html").read_text()
    assert "  warning: what went wrong" in told.splitlines()

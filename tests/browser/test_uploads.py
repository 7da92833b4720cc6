from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Seat
from tests.browser.desk import Flows, Reviewer

RECEIPT = {
    "type": "object",
    "properties": {
        "receipt": {"type": "string", "format": "base64", "title": "Receipt"},
        "amount": {"type": "integer", "title": "Amount"},
        "token": {"type": "string", "format": "password", "title": "Token"},
        "pages": {"type": "array", "items": {"type": "string"}, "title": "Pages", "default": []},
    },
    "required": ["receipt", "amount", "token"],
}


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    path = tmp_path / "receipt.pdf"
    path.write_bytes(b"%PDF \xff\x00")
    return path


def expect_kept(page: Page) -> None:
    expect(page.locator(".sf-kept")).to_contain_text("receipt.pdf")


def test_a_chosen_file_stays_until_it_is_sent(flows: Flows, alice: Reviewer, pdf: Path) -> None:
    waiting = flows.pause(schema=RECEIPT)
    page = alice.open(waiting)
    page.get_by_label("Choose a file for Receipt").set_input_files(pdf)
    expect_kept(page)
    expect(page.locator("#answer-status")).to_have_text("receipt.pdf added")
    expect(page.get_by_label("Choose another file for Receipt")).to_be_focused()
    page.get_by_label("Amount").fill("a lot")
    page.get_by_label("Token").fill("hunter2")
    page.get_by_role("button", name="Add Pages").click()
    expect(page.get_by_label("Pages 1", exact=True)).to_be_focused()
    expect(page.get_by_label("Token")).to_have_value("hunter2")
    alice.submit.click()
    expect(page.get_by_role("heading", name="One answer needs another look")).to_be_visible()
    expect_kept(page)
    expect(page.get_by_text("For safety this was not kept")).to_be_visible()
    page.goto("/")
    alice.open(waiting)
    expect_kept(page)
    page.get_by_label("Amount").fill("3")
    page.get_by_label("Token").fill("hunter2")
    alice.submit.click()
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()
    assert waiting.answer == {
        "receipt": "JVBERiD/AA==", "amount": 3, "token": "hunter2", "pages": [""],
    }  # fmt: skip


def test_a_file_is_removed_and_another_is_chosen_with_keys(
    flows: Flows, alice: Reviewer, pdf: Path
) -> None:
    page = alice.open(flows.pause(schema=RECEIPT))
    page.get_by_label("Choose a file for Receipt").set_input_files(pdf)
    expect_kept(page)
    expect(page.get_by_label("Choose another file for Receipt")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Remove receipt.pdf")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#answer-status")).to_have_text("receipt.pdf removed")
    expect(page.get_by_label("Receipt", exact=True)).to_be_focused()
    page.keyboard.type("QQ==")
    expect(page.get_by_label("Receipt", exact=True)).to_have_value("QQ==")


def test_without_javascript_a_file_stays_as_well(flows: Flows, seat: Seat, pdf: Path) -> None:
    alice = seat("alice", java_script_enabled=False).log_in()
    waiting = flows.pause(schema=RECEIPT)
    page = alice.open(waiting)
    page.get_by_label("Choose a file for Receipt").set_input_files(pdf)
    page.get_by_role("button", name="Add Pages").click()
    expect_kept(page)
    page.get_by_role("button", name="Submit", exact=True).last.click()
    expect(page.get_by_role("heading", name="2 answers need another look")).to_be_visible()
    expect_kept(page)
    page.get_by_label("Amount").fill("3")
    page.get_by_label("Token").fill("hunter2")
    page.get_by_role("button", name="Submit", exact=True).last.click()
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()
    assert waiting.answer["receipt"] == "JVBERiD/AA=="

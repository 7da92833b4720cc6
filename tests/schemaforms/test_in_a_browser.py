"""The sample forms in a real browser, with JavaScript and without, under a strict policy."""

import re

import pytest
from playwright.sync_api import Page, expect

from approvals.schemaforms import JSONValue
from approvals.schemaforms.values import MISSING, as_dict, same_json
from tests.barriers import find_barriers
from tests.schemaforms.samples import SAMPLES
from tests.schemaforms.site import Site, press, visit

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser-forms")]


def _opened_with(rule: JSONValue, values: list[JSONValue]) -> dict[str, JSONValue]:
    return {f"{value!r:.60}": {**as_dict(rule), "default": value} for value in values}


TEXTS: list[JSONValue] = [
    "", " ", " padded ", "\n", "\n\nx", "a\r\nb", "a\rb", "x\ty", "\x0c\x0b\x1f\x7f\x85", "\x00",
    "\ud800", "\ufffe\ufeff", "e\u0301\u200f", "\U0001f468\u200d\U0001f469", "<b>&amp;</b>", '"\'',
]  # fmt: skip
UNTOUCHED: dict[str, JSONValue] = {
    **_opened_with({"type": "string"}, TEXTS),
    **_opened_with(
        {"type": "string", "format": "date-time"},
        ["2024-01-01T10:00:00", "2024-01-01T10:00:00Z", "2024-01-01T10:00:00.120+02:00",
         "2024-01-01T10:00:00.123456", "2024-01-01 10:00", "0001-01-01T00:00:00.500"],
    ),
    **_opened_with(
        {"type": "string", "format": "time"},
        ["10:00:00", "10:00", "10:00:00.500", "10:00:00.000", "10:00:00.000001", "23:59:59Z"],
    ),
    **_opened_with({"type": "string", "format": "date"}, ["0001-01-01", "9999-12-31"]),
    **_opened_with({"type": "number"}, [1, 1.0, -0.0, 1e-300, 2**70]),
    **_opened_with({}, [None, {"b": [1.0], "a": "\r\n"}, "x"]),
    **_opened_with({"enum": [1, "1", True, None, 1.0]}, [1, "1", True, None, 1.0]),
    "rows": {"type": "array", "items": {"type": "string"}, "default": TEXTS},
    "map": {"type": "object", "additionalProperties": {"type": "boolean"},
            "default": {" ": True, "": False, "b": True}},
    "either": {"anyOf": [{"type": "integer"}, {"type": "string"}], "default": "7"},
}  # fmt: skip


def test_initial_values_survive_a_real_browser_type_for_type(
    either_page: Page, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SAMPLES, "Untouched", {"properties": UNTOUCHED})
    visit(either_page, site, "Untouched")
    press(either_page, "Submit")
    assert site.form is not None
    answer = as_dict(site.form.value)
    expected = {name: as_dict(rule)["default"] for name, rule in UNTOUCHED.items()}
    wrong = {name for name in expected if not same_json(answer.get(name, MISSING), expected[name])}
    assert wrong == set()


def test_a_doubt_is_accessible_and_told_once(page: Page, site: Site) -> None:
    visit(page, site, "ToolCall", "dark")
    page.get_by_label("No", exact=True).check()
    press(page, "Text")
    page.get_by_label("Text", exact=True).fill("  ")
    press(page, "Submit")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was sent yet")
    assert list(find_barriers(page)) == []
    press(page, "Submit")
    assert site.form is not None
    assert site.form.is_valid


def test_an_expense_is_decided_field_by_field(either_page: Page, site: Site) -> None:
    page = either_page
    visit(page, site, "Expense")
    page.get_by_label("Yes").check()
    page.get_by_label("Amount").fill("130.00")
    page.get_by_label("Cost Center").select_option("Research")
    page.get_by_label("Due").fill("2026-12-24")
    page.get_by_label("Comment", exact=True).fill("First line\nSecond line")
    press(page, "Submit")
    assert site.form is not None
    assert site.form.problems == []
    assert site.form.value == {
        "approve": True,
        "amount": "130.00",
        "cost_center": "Research",
        "due": "2026-12-24",
        "comment": "First line\nSecond line",
    }


def test_a_tool_call_is_decided_field_by_field(either_page: Page, site: Site) -> None:
    page = either_page
    visit(page, site, "ToolCall")
    page.get_by_label("No", exact=True).check()
    page.get_by_label("Arguments").fill('{"path": "/tmp/q3.csv", "limit": 1.0}')
    press(page, "Text")
    page.get_by_label("Text", exact=True).fill("3")
    page.get_by_label("Note").fill("Only there.")
    press(page, "Submit")
    assert site.form is not None
    assert site.form.problems == []
    expected: JSONValue = {
        "allow": False,
        "arguments": {"path": "/tmp/q3.csv", "limit": 1.0},
        "fallback": "3",
        "note": "Only there.",
    }
    assert same_json(site.form.value, expected)


def test_a_dataset_is_signed_off_field_by_field(either_page: Page, site: Site) -> None:
    page = either_page
    visit(page, site, "SignOff")
    page.get_by_label("Rows Seen").fill("12000")
    press(page, "Add Findings")
    press(page, "Fix")
    page.get_by_label("Column").fill("price")
    page.get_by_label("drop").check()
    press(page, "Add Findings")
    press(page, "Accept")
    page.get_by_label("Reason").fill("small enough")
    press(page, "Move up Findings 2")
    press(page, "Submit")
    assert site.form is not None
    assert site.form.problems == []
    assert site.form.value == {
        "dataset": "orders-2026-10",
        "rows_seen": 12000,
        "findings": [
            {"kind": "accept", "reason": "small enough"},
            {"kind": "fix", "column": "price", "how": "drop"},
        ],
        "quality": None,
    }


def test_a_promotion_is_decided_field_by_field(either_page: Page, site: Site) -> None:
    page = either_page
    visit(page, site, "Promotion")
    page.get_by_label("promote").check()
    page.get_by_label("Starts At").fill("2026-12-01T09:30:00")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    page.get_by_label("production").check()
    press(page, "Provide Canary")
    page.get_by_label("Percent").fill("25")
    press(page, "Remove Key 1")
    page.get_by_label("pager").check()
    page.get_by_label("Token").fill("hunter2")
    press(page, "Submit")
    assert site.form is not None
    assert site.form.problems == []
    canary = {"percent": 25, "watch_for": "PT2H"}
    assert site.form.value == {
        "decision": "promote",
        "starts_at": "2026-12-01T09:30+01:00",
        "targets": [{"environment": "production", "region": "eu-central-1", "canary": canary}],
        "labels": {},
        "notify": ["mail", "pager"],
        "token": "hunter2",
    }


def test_a_new_row_takes_the_focus_and_is_announced_without_leaving_the_page(
    page: Page, site: Site
) -> None:
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    visit(page, site, "Promotion")
    page.get_by_label("Token").fill("hunter2")
    press(page, "Add Target")
    expect(page.get_by_label("staging").last).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("Entry 2 added")
    expect(page.get_by_label("Token")).to_have_value("hunter2")
    assert site.is_htmx
    assert [text for text in complaints if "Security" in text or "eval" in text] == []


def test_options_are_found_while_typing_and_picked_by_keys(page: Page, site: Site) -> None:
    visit(page, site, "Maintenance")
    zone = page.get_by_role("group", name="Zone", exact=True)
    page.get_by_label("Search Zone", exact=True).press_sequentially("paris")
    expect(zone.get_by_label("Europe/Paris")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("1 match")
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    page.get_by_label("Search Skip").fill("Berlin")
    skip = page.get_by_role("group", name="Skip")
    skip.get_by_label("Europe/Berlin").check()
    page.get_by_label("Search Skip").fill("asia/to")
    skip.get_by_label("Asia/Tokyo").check()
    expect(skip.get_by_label("Europe/Berlin")).to_be_checked()
    press(page, "Submit")
    assert site.form is not None
    assert site.form.value == {
        "zone": "Europe/Paris",
        "backup_zone": None,
        "skip": ["Asia/Tokyo", "Europe/Berlin"],
        "message": "",
    }


def test_maintenance_is_answered_field_by_field(either_page: Page, site: Site) -> None:
    page = either_page
    visit(page, site, "Maintenance")
    for label, zone in (("Zone", "Asia/Tokyo"), ("Backup Zone", "UTC"), ("Skip", "Europe/Rome")):
        group = page.get_by_role("group", name=re.compile(rf"^{label}( optional)?$"))
        page.get_by_label(f"Search {label}", exact=True).fill(zone)
        press(page, f"Search {label}")
        group.get_by_label(zone, exact=True).check()
    page.get_by_label("Message").fill("Back by noon")
    press(page, "Submit")
    assert site.form is not None
    assert site.form.problems == []
    assert site.form.value == {
        "zone": "Asia/Tokyo",
        "backup_zone": "UTC",
        "skip": ["Europe/Rome"],
        "message": "Back by noon",
    }


def test_arrow_keys_choose_enter_goes_on_and_with_control_it_submits(
    page: Page, site: Site
) -> None:
    visit(page, site, "Expense")
    page.get_by_label("Yes").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("No", exact=True)).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Amount")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Cost Center")).to_be_focused()
    assert site.form is None
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    assert site.form is not None
    assert site.form.operation == ""
    assert [problem.path for problem in site.form.problems] == [("cost_center",)]

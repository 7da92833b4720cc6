"""Every page in every state that it can be in, and the way there."""

import json

from playwright.sync_api import expect

from tests.browser.desk import ITEMS, REFUND, Flows, Reviewer
from tests.schemaforms.samples import SAMPLES

QUESTION = """# Refund?

The customer says **it never came**. [The order](https://shop.example/1)

| Item | Price |
|---|---|
| Lamp | 99.90 |

```
a line of code that is so long that it has to be scrolled sideways on every phone there is
```
"""

PICTURE = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='900' height='9'/%3E"


def open_inbox(flows: Flows, alice: Reviewer) -> None:
    flows.pause("x" * 120, tags=["t" * 60, "finance"], seconds=200)
    flows.pause(schema=REFUND, seconds=2000, name="n" * 90)
    alice.page.goto("/")
    expect(alice.page.locator(".row")).to_have_count(2)


def open_empty_inbox(flows: Flows, alice: Reviewer) -> None:
    alice.page.goto("/")


def open_approval(flows: Flows, alice: Reviewer) -> None:
    parameters = {"order": 4711, "long": "x" * 1000, "nested": {"a": [1, 2]}}
    waiting = flows.pause(schema=ITEMS, question=QUESTION, parameters=parameters, tags=["eu"])
    for level in (10, 20, 30, 40, 50):
        flows.log(waiting.id, "word " * 40, level)
    alice.open(waiting)
    alice.page.get_by_role("button", name="Add Items").click()
    expect(alice.page.locator("#answer-status")).to_have_text("Entry 1 added")
    alice.page.get_by_text("5 lines").click()


def open_long_question(flows: Flows, alice: Reviewer) -> None:
    tasks = (
        "- [ ] call https://shop.example/orders/1\n- [x] pay\n\n| a | b |\n|:--|--:|\n| 1 | 2 |\n\n"
    )
    alice.open(flows.pause(schema=REFUND, question=tasks + "A long story. \n\n" * 60))


def open_missed(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    flows.lose(waiting)
    alice.page.goto(f"/runs/flow-run/{waiting.id}")
    expect(alice.page.get_by_text("is not there at the moment")).to_be_visible()
    alice.open(waiting)
    expect(alice.page.get_by_text("is not there at the moment")).to_be_visible()


def show_everything(flows: Flows, flow_run_id: str) -> str:
    """Have a run make artifacts of all kinds, and return the id of a long table."""
    rows = [
        {"region": f"eu-{n}", "orders": n, "note": "word " * 40, "gone": None} for n in range(300)
    ]
    table = flows.show(
        flow_run_id, "table", json.dumps(rows), key="sales", description="All *orders*"
    )
    flows.show(flow_run_id, "markdown", QUESTION, key="report")
    flows.show(flow_run_id, "progress", 40.5, key="backfill")
    flows.show(flow_run_id, "image", PICTURE, key="chart")
    flows.show(flow_run_id, "image", "https://charts.example/1.png")
    flows.show(flow_run_id, "table", json.dumps({f"c{n}": [n] for n in range(60)}))
    flows.show(flow_run_id, "markdown", "[The ticket](https://tickets.example/1)")
    flows.show(flow_run_id, "unknown", {"a": [1, "x" * 500]})
    return table


def open_artifacts(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    show_everything(flows, waiting.id)
    alice.open(waiting)
    expect(alice.page.locator("details.artifact[open]")).to_have_count(8)


def open_artifacts_of_run(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    show_everything(flows, waiting.id)
    alice.page.goto(f"/runs/flow-run/{waiting.id}")


def open_artifact(flows: Flows, alice: Reviewer) -> None:
    alice.page.goto(f"/artifacts/{show_everything(flows, flows.pause().id)}/?page=2")
    expect(alice.page.get_by_text("Rows 101 to 200 of 300")).to_be_visible()


def open_refused_answer(flows: Flows, alice: Reviewer) -> None:
    alice.open(flows.pause(schema=REFUND))
    alice.submit.click()
    expect(alice.page.locator("#answer-problems")).to_be_visible()


def open_rejection(flows: Flows, alice: Reviewer) -> None:
    alice.open(flows.pause(schema=REFUND))
    alice.page.get_by_role("button", name="Reject", exact=True).click()


def open_rejection_page(flows: Flows, alice: Reviewer) -> None:
    alice.open(flows.pause(schema=REFUND))
    alice.page.goto(f"{alice.path}reject/")


def open_decided(flows: Flows, alice: Reviewer) -> None:
    flows.pause()
    alice.open(flows.pause(schema=REFUND))
    alice.page.get_by_label("Yes").check()
    alice.submit.click()
    expect(alice.page.get_by_role("heading", name="You answered this")).to_be_visible()


def open_ending(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    alice.open(waiting)
    alice.page.get_by_label("Reason").fill("typed")
    flows.resume(waiting, {"approve": True, "reason": "It is fine"})
    expect(alice.page.get_by_text("It is fine")).to_be_visible()


def open_too_late(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    alice.page.route("**/state/*", lambda route: route.fulfill(status=204))
    alice.open(waiting)
    alice.page.get_by_label("Yes").check()
    flows.resume(waiting, {"approve": False, "reason": "No receipt"})
    alice.submit.click()
    expect(alice.page.get_by_role("heading", name="was first")).to_be_visible()


def open_restored_draft(flows: Flows, alice: Reviewer) -> None:
    page = alice.open(flows.pause(schema=REFUND))
    page.get_by_label("Reason", exact=True).fill("half a novel")
    expect(page.get_by_text("Draft saved")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Welcome back")).to_be_visible()
    page.get_by_label("Reason", exact=True).fill("half a novel and more")
    expect(page.get_by_text("Draft saved")).to_be_visible()


def open_unsent_answer(flows: Flows, alice: Reviewer) -> None:
    page = alice.open(flows.pause(schema=REFUND))
    page.get_by_label("Yes").check()
    page.route("**/api/ready", lambda route: route.fulfill(status=503))
    alice.submit.click()
    expect(page.get_by_text("Not sent yet: the server cannot be reached")).to_be_visible()


def open_leftover(flows: Flows, alice: Reviewer) -> None:
    open_too_late(flows, alice)
    alice.page.goto(alice.path)
    expect(alice.page.get_by_role("heading", name="What you had typed")).to_be_visible()


def open_changed_questions(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    page = alice.open(waiting)
    page.get_by_label("Yes").check()
    page.get_by_label("Reason", exact=True).fill("half a novel")
    flows.replace_schema(waiting.id, ITEMS)
    alice.submit.click()
    expect(page.get_by_text("The flow has changed its questions")).to_be_visible()


def open_offer(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    flows.resume(waiting, {"approve": True, "reason": "It is fine"})
    flows.pause_again(waiting)
    alice.open(waiting)
    expect(alice.page.get_by_text("This run asks again")).to_be_visible()


def open_earlier_answer(flows: Flows, alice: Reviewer) -> None:
    open_offer(flows, alice)
    alice.page.get_by_role("button", name="Fill in that answer").click()
    expect(alice.page.get_by_text("is filled in below")).to_be_visible()


def open_kept_file(flows: Flows, alice: Reviewer) -> None:
    file = {"type": "string", "format": "base64", "title": "Receipt"}
    schema = {"properties": {"a": file, "b": {**file, "title": "Other"}}, "required": ["a"]}
    page = alice.open(flows.pause(schema=schema))
    chosen = {"name": "receipt" * 20, "mimeType": "text/plain", "buffer": b"x" * 5000}
    page.get_by_label("Choose a file for Receipt").set_input_files(chosen)  # type: ignore[arg-type]
    expect(page.locator(".sf-kept")).to_be_visible()


def open_comments(flows: Flows, alice: Reviewer) -> None:
    page = alice.open(flows.pause(schema=REFUND))
    for text in (QUESTION, "x" * 300):
        page.locator("#comment-text").fill(f"{text} @nobody")
        page.get_by_role("button", name="Comment").click()
        expect(page.locator(".comment").last).to_contain_text(text[-9:])
    page.locator(".comment-edit summary").last.click()


def open_selection(flows: Flows, alice: Reviewer) -> None:
    open_inbox(flows, alice)
    for box in alice.page.locator(".pick input").all():
        box.check()
    expect(alice.page.locator("#picked-count")).to_have_text("2 selected")


def open_confirmation_of_several(flows: Flows, alice: Reviewer) -> None:
    open_selection(flows, alice)
    alice.page.get_by_role("button", name="Approve…").click()
    expect(alice.page.get_by_role("heading", name="Left out")).to_be_visible()


def open_rejection_of_several(flows: Flows, alice: Reviewer) -> None:
    open_selection(flows, alice)
    alice.page.get_by_role("button", name="Reject…").click()
    expect(alice.page.get_by_label("Why do you reject them?")).to_be_visible()


def open_results_of_several(flows: Flows, alice: Reviewer) -> None:
    open_rejection_of_several(flows, alice)
    alice.page.get_by_label("Why do you reject them?").fill("No.")
    alice.page.get_by_role("button", name="Reject 2").click()
    expect(alice.page.get_by_role("heading", name="2 of 2 rejected")).to_be_visible()


def open_history(flows: Flows, alice: Reviewer) -> None:
    open_decided(flows, alice)
    alice.page.goto("/history/")


def open_run(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND, parameters={"order": 4711})
    flows.log(waiting.id, "Looking up the order")
    alice.page.goto(f"/runs/flow-run/{waiting.id}")


def open_log(flows: Flows, alice: Reviewer) -> None:
    open_run(flows, alice)
    alice.page.get_by_role("link", name="Search and levels").click()
    expect(alice.page.get_by_role("heading", name="Log")).to_be_visible()


def open_login(flows: Flows, alice: Reviewer) -> None:
    alice.context.clear_cookies(name="sessionid")
    alice.page.goto("/accounts/login/")


def open_locked(flows: Flows, alice: Reviewer) -> None:
    alice.context.clear_cookies(name="sessionid")
    alice.page.goto("/accounts/login/")
    heading = alice.page.get_by_role("heading", name="Too many wrong passwords")
    while not heading.is_visible():
        alice.page.get_by_label("User name").fill("mallory")
        alice.page.get_by_label("Password").fill("wrong")
        alice.page.get_by_role("button", name="Log in").click()
        expect(heading.or_(alice.page.get_by_role("alert"))).to_be_visible()


def open_menu(flows: Flows, alice: Reviewer) -> None:
    alice.page.goto("/history/")
    alice.page.locator("#account-menu summary").click()


def open_password(flows: Flows, alice: Reviewer) -> None:
    alice.page.goto("/accounts/password/")


def open_api_docs(flows: Flows, alice: Reviewer) -> None:
    alice.page.goto("/api/docs")
    alice.page.get_by_text("/api/flow_runs/{flow_run_id}/resume").click()
    alice.page.get_by_role("link", name="Resume", exact=True).first.click()
    expect(alice.page.locator("#schema-Resume pre")).to_be_visible()


def open_docs(flows: Flows, alice: Reviewer) -> None:
    alice.page.goto("/docs/")


def open_found_docs(flows: Flows, alice: Reviewer) -> None:
    alice.page.goto("/docs/")
    alice.page.get_by_role("searchbox").fill("PREFECT_API_KEY")
    alice.page.get_by_role("button", name="Search").click()
    expect(alice.page.get_by_text("sections about")).to_be_visible()


def open_docs_chapter(flows: Flows, alice: Reviewer) -> None:
    alice.page.goto("/docs/prefect/#served-paths")


def open_nothing(flows: Flows, alice: Reviewer) -> None:
    alice.page.goto("/nothing/")


def open_expired(flows: Flows, alice: Reviewer) -> None:
    alice.open(flows.pause(schema=REFUND, seconds=2))
    expect(alice.page.get_by_text("The time to answer has run out")).to_be_visible(timeout=60_000)
    alice.page.reload()
    expect(alice.page.get_by_role("heading", name="The time to answer")).to_be_visible()


def open_branches(flows: Flows, alice: Reviewer) -> None:
    page = alice.open(flows.pause("sign-off", schema=SAMPLES["SignOff"]))
    page.get_by_role("button", name="Add Findings").click()
    expect(page.locator("#answer-status")).to_have_text("Entry 1 added")
    page.get_by_role("button", name="Fix").click()
    expect(page.locator("#answer-status")).to_have_text("Fix chosen")


def open_search(flows: Flows, alice: Reviewer) -> None:
    page = alice.open(flows.pause("maintenance", schema=SAMPLES["Maintenance"]))
    page.get_by_label("Search Zone").first.fill("europe")
    expect(page.get_by_text("The first 20 of").first).to_be_visible()


def open_long_words_from_right_to_left(flows: Flows, alice: Reviewer) -> None:
    words = {
        "type": "string",
        "title": "אישור" * 40,
        "description": "כתבו **למה**",
        "default": "שלום",
    }
    options = {"enum": ["Donaudampfschifffahrt" * 8, "קצר"], "title": "בחירה"}
    schema = {"properties": {"a": words, "b": options}, "required": ["a", "b"]}
    alice.open(flows.pause("זרימה" * 30, schema=schema, question="האם לשלם **1,200** ללקוח?"))


def open_preview(flows: Flows, alice: Reviewer) -> None:
    alice.page.goto("/history/")
    alice.page.locator("#account-menu summary").click()
    alice.page.get_by_role("link", name="Preview a form").click()
    expect(alice.page.get_by_role("heading", name="Preview of a form")).to_be_visible()


def open_previewed_form(flows: Flows, alice: Reviewer) -> None:
    open_preview(flows, alice)
    schema = {"properties": {"a": {"type": "boolean"}, "anything": {}}, "required": ["a"]}
    alice.page.get_by_label("JSON schema").fill(json.dumps(schema))
    alice.page.get_by_role("button", name="Show the form").click()
    alice.page.get_by_role("button", name="Show what it sends").click()
    expect(alice.page.locator("#answer-problems")).to_be_visible()


def open_previewed_answer(flows: Flows, alice: Reviewer) -> None:
    open_previewed_form(flows, alice)
    alice.page.get_by_label("Yes").check()
    alice.page.get_by_role("button", name="Show what it sends").click()
    expect(alice.page.get_by_role("heading", name="It sends")).to_be_visible()


def open_history_of_nothing(flows: Flows, alice: Reviewer) -> None:
    alice.page.goto("/history/?flow=nothing-of-the-kind")
    expect(alice.page.get_by_role("heading", name="Nothing was decided that")).to_be_visible()


def open_how_one_is_told(flows: Flows, alice: Reviewer) -> None:
    alice.page.goto("/me/")
    alice.page.get_by_label("Only in my working hours").check()
    expect(alice.page.get_by_label("Monday")).to_be_visible()


def open_the_wrong_way(flows: Flows, alice: Reviewer) -> None:
    alice.page.goto("/accounts/logout/")
    expect(alice.page.get_by_role("heading", name="not how this page opens")).to_be_visible()


def open_without_proof(flows: Flows, alice: Reviewer) -> None:
    alice.open_inbox()
    alice.context.clear_cookies(name="csrftoken")
    alice.page.locator("#account-menu summary").click()
    alice.page.get_by_role("button", name="Log out").click()
    expect(alice.page.get_by_role("heading", name="could not be checked")).to_be_visible()


PAGES = [
    open_inbox,
    open_empty_inbox,
    open_approval,
    open_long_question,
    open_missed,
    open_artifacts,
    open_artifacts_of_run,
    open_artifact,
    open_refused_answer,
    open_rejection,
    open_rejection_page,
    open_decided,
    open_ending,
    open_too_late,
    open_unsent_answer,
    open_restored_draft,
    open_leftover,
    open_changed_questions,
    open_offer,
    open_earlier_answer,
    open_kept_file,
    open_comments,
    open_selection,
    open_confirmation_of_several,
    open_rejection_of_several,
    open_results_of_several,
    open_history,
    open_run,
    open_log,
    open_login,
    open_locked,
    open_menu,
    open_password,
    open_api_docs,
    open_docs,
    open_found_docs,
    open_docs_chapter,
    open_nothing,
    open_expired,
    open_branches,
    open_search,
    open_long_words_from_right_to_left,
    open_preview,
    open_previewed_form,
    open_previewed_answer,
    open_history_of_nothing,
    open_how_one_is_told,
    open_the_wrong_way,
    open_without_proof,
]

"""What a row and a page are called, and what a row without a question says."""

import json
from typing import Any

import pytest

from approvals.display.markdown import find_title, without_title
from approvals.models import Approval
from approvals.services.describing import MAX_LENGTH, describe_parameters
from tests.integration.conftest import APPROVAL_SCHEMA, Make, Run
from tests.integration.pages import FROM_HTMX, ask, log_in, page_of, text_of


@pytest.mark.parametrize(
    ("text", "title", "body"),
    [
        ("# Refund **order** `7`?\n\nIt never came.", "Refund order 7?", "It never came."),
        ("Refund?\n=======\nIt never came.", "Refund?", "It never came."),
        ("\r\n# A\r\nb\r\nc", "A", "b\nc"),
        ("Before.\n\n## Later\n", "Later", "Before.\n\n## Later\n"),
        (
            "# [Order](https://shop.example/1)\n\nx",
            "Order",
            "# [Order](https://shop.example/1)\n\nx",
        ),
        ("#\n\n# Second", "Second", "#\n\n# Second"),
        ("> # Quoted\n\ntext", "", "> # Quoted\n\ntext"),
        ("```\n# code\n```", "", "```\n# code\n```"),
        ("plain", "", "plain"),
        ("", "", ""),
        (f"# {'long ' * 60}", ("long " * 60)[:119] + "…", f"# {'long ' * 60}"),
    ],
)
def test_the_first_heading_is_the_title_and_is_not_said_twice(
    text: str, title: str, body: str
) -> None:
    assert find_title(text, length=120) == title
    assert without_title(text, title) == body


def test_the_page_and_the_row_are_called_what_is_asked(run: Run) -> None:
    approval = ask(run, question="# Refund order 7?\n\nIt never came.")
    client = log_in()
    html = client.get(page_of(approval)).content.decode()
    assert "<title>Refund order 7? · Approvals</title>" in html
    assert html.count("Refund order 7?") == 2
    row = text_of(client.get("/"))
    assert "Refund order 7? refund" in row
    assert row.count("Refund order 7?") == 1
    assert "It never came." in row


def test_without_a_heading_they_are_called_after_flow_and_run(make_run: Make) -> None:
    approval = ask(make_run(name="quick-otter"))
    html = log_in().get(page_of(approval)).content.decode()
    assert "<title>refund · quick-otter · Approvals</title>" in html


def test_a_heading_that_comes_late_is_told_to_an_open_page(run: Run) -> None:
    keyset = {part: f"p-{part}" for part in ("schema", "description", "response")}
    run.put("p-schema", json.dumps(APPROVAL_SCHEMA))
    run.pause(run_input_keyset=keyset)
    approval = Approval.objects.get()
    client = log_in()
    html = client.get(page_of(approval)).content.decode()
    state = html.split('id="approval-state" hx-get="')[1].split('"')[0].replace("&amp;", "&")
    run.put("p-description", json.dumps("# Refund?"))
    news = client.get(state, headers=FROM_HTMX).content.decode()
    assert "<title>Refund? · Approvals</title>" in news
    assert '<h1 id="heading" hx-swap-oob="outerHTML"><bdi>Refund?</bdi></h1>' in news


def test_a_row_without_a_question_says_what_the_run_is_about(make_run: Make) -> None:
    parameters = {"order": 4711, "customer_name": "Ann", "urgent": True}
    make_run(parameters=parameters).pause()
    client = log_in()
    assert "customer name Ann · order 4711 · urgent yes" in text_of(client.get("/"))
    assert "4711" in text_of(client.get("/?q=4711"))
    make_run(name="bare").pause()
    assert "Asks for your approval to go on." in text_of(client.get("/?q=bare"))


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, ""),
        ({"a": None, "b": "", "c": "\x00 \n"}, ""),
        ({"a": 0, "b": False, "c": 1.5}, "a 0 · b no · c 1.5"),
        ({"a": [], "b": {}, "c": [1, 2], "d": ["x"], "e": {"k": 1}}, None),
        ({"text": "word\n" * 100}, "text " + ("word " * 12)[:59] + "…"),
    ],
)
def test_parameters_are_said_in_words(parameters: dict[str, Any], said: str | None) -> None:
    counted = "a with 0 entries · b with 0 entries · c with 2 entries · d x · e with one entry"
    assert describe_parameters(parameters) == (counted if said is None else said)


def test_many_parameters_stay_a_line() -> None:
    line = describe_parameters({f"name {number}" * 9: "x" * 90 for number in range(500)})
    assert len(line) == MAX_LENGTH

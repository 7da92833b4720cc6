"""Descriptions: what is made of addresses, columns and tasks, and that long ones fold."""

import pytest

from approvals.display.markdown import render_markdown
from tests.integration.conftest import Run
from tests.integration.pages import ask, log_in, page_of


def link(address: str) -> str:
    return f'<a href="{address}" target="_blank" rel="noopener noreferrer nofollow">'


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("See https://a.example/1?b=2.", "https://a.example/1?b=2"),
        ("(see http://a.example/x)", "http://a.example/x"),
        ("https://a.example/x_(y), then", "https://a.example/x_(y)"),
        ("**https://a.example/bold**", "https://a.example/bold"),
        ("| a |\n|---|\n| https://a.example/cell |", "https://a.example/cell"),
        ("HTTPS://A.example/", "HTTPS://A.example/"),
        ("https://a.example/\u00fcber", "https://a.example/\u00fcber"),
    ],
)
def test_an_address_becomes_a_link(text: str, address: str) -> None:
    html = render_markdown(text)
    assert f"{link(address)}{address}</a>" in html


@pytest.mark.parametrize(
    "text",
    ["`https://a.example/`", "    https://a.example/", "javascript:alert(1)", "https://", "a://b"],
)
def test_what_is_code_or_no_web_address_stays_text(text: str) -> None:
    assert "<a" not in render_markdown(text)


@pytest.mark.parametrize(
    "text", ["[https://a.example/](https://b.example/)", "<https://b.example/>"]
)
def test_a_link_stays_one_link(text: str) -> None:
    html = render_markdown(text)
    assert html.count("<a ") == 1
    assert link("https://b.example/") in html


def test_a_column_keeps_its_alignment() -> None:
    html = render_markdown("| a | b | c | d |\n|:--|:-:|--:|---|\n| 1 | 2 | 3 | 4 |")
    for name in ("left", "center", "right"):
        assert html.count(f'class="align-{name}"') == 2
    assert "style" not in html
    assert "<td>4</td>" in html


def test_a_task_list_shows_its_boxes() -> None:
    html = render_markdown("- [ ] call *them*\n- [x] pay\n- [X] close\n- [y] not a task\n- plain")
    assert '<li class="task">\u2610 call <em>them</em></li>' in html
    assert '<li class="task">\u2611 pay</li>' in html
    assert '<li class="task">\u2611 close</li>' in html
    assert "<li>[y] not a task</li>" in html


def test_a_text_makes_no_class_of_its_own() -> None:
    assert "<p class" not in render_markdown('<p class="task">x</p>')


@pytest.mark.parametrize(
    ("question", "is_long"),
    [("Refund?", False), ("word " * 400, True), ("a\n\n" * 30, True)],
    ids=["a line", "a long paragraph", "many paragraphs"],
)
def test_only_a_long_question_folds_and_has_a_way_to_the_answer(
    run: Run, question: str, is_long: bool
) -> None:
    page = log_in().get(page_of(ask(run, question=question))).content.decode()
    assert ("prose-long" in page) is is_long
    assert ('<a href="#answer">To the answer</a>' in page) is is_long
    assert ('<a href="#asked">Show all of it</a>' in page) is is_long

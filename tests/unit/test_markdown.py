from html.parser import HTMLParser

import pytest

from approvals.display.markdown import render_markdown, summarise_markdown


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("Refund order `7` **2.5 EUR**?", "Refund order 7 2.5 EUR?"),
        ("# Title\n\ntwo\nlines", "Title two lines"),
        ("before\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nafter", "before after"),
        ("* one\n* [two](http://x)\n", "one two"),
        ("- [x] paid\n- [ ] sent\n", "\N{BALLOT BOX WITH CHECK} paid \N{BALLOT BOX} sent"),
        ("<b>not bold</b>", "<b>not bold</b>"),
        ("<script>x</script>\nwords", "<script>x</script> words"),
        ("a\x00b", "a\N{REPLACEMENT CHARACTER}b"),
        ("word " * 100, ("word " * 8)[:39] + "…"),
        ("", ""),
    ],
)
def test_a_summary_is_one_plain_line(text: str, summary: str) -> None:
    assert summarise_markdown(text, length=40) == summary


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "![x](javascript:alert(1))",
        '<img src=x onerror="alert(1)">',
        "[x](  JaVaScRiPt:alert(1))",
        '<a href="x" style="color:red">',
    ],
)
def test_nothing_that_runs_survives_in_a_description(hostile: str) -> None:
    found = Elements()
    found.feed(str(render_markdown(hostile)))
    assert found.tags <= {"p", "a", "img"}
    assert found.attributes <= {"href", "src", "alt", "target", "rel"}
    assert not any(address.lower().strip().startswith("javascript") for address in found.addresses)


class Elements(HTMLParser):
    """What a browser would make of it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src"}]

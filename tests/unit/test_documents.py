"""The documents: where they lead, what they say, and how they are read in both places."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from approvals.display.manual import NAMES, read_chapter, search_chapters
from tests.documents import CHAPTERS, DOCS, README, read_blocks, read_code
from tests.servers import ROOT

DOCUMENTS = [README, *(ROOT / ".github").glob("*.md"), ROOT / "CHANGELOG.md", *CHAPTERS]
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")
# How nobody writes whose first language is English.
ODD = re.compile(
    r"(?<!there )\b(is|are) no (?!longer)\w+|\bwhat is none\b|\blikewise\b|\bso with\b"
    r"|^Refused are\b|\b(says?|said) so\b|\bgoes on\b",
    re.IGNORECASE | re.MULTILINE,
)


def links_of(path: Path) -> Iterator[tuple[str, str]]:
    """Return the file or address and the anchor of each link."""
    for found in LINK.finditer(FENCED.sub("", path.read_text())):
        address, _, anchor = (found[1] or found[2]).partition("#")
        yield address, anchor


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    for address, anchor in links_of(path):
        if address.startswith(("http://", "https://")):
            continue
        target = (path.parent / address).resolve() if address else path
        assert target.exists(), f"{path.name}: {address}"
        if anchor:
            assert anchor in {section.anchor for section in read_chapter(target).sections}, anchor


@pytest.mark.parametrize("name", NAMES)
def test_every_link_of_a_page_leads_somewhere(client: Client, name: str) -> None:
    pages: dict[str, str] = {}
    page = open_page(client, f"/docs/{name}/")
    text = re.search(r"<section.*?</section>", page, re.DOTALL)
    assert text
    for href in re.findall(r'href="([^"]+)"', text[0]):
        if href.startswith("http"):
            continue
        place, _, anchor = href.partition("#")
        place = place or f"/docs/{name}/"
        pages[place] = pages.get(place) or open_page(client, place)
        assert not anchor or f'id="{anchor}"' in pages[place], href


def open_page(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def test_every_chapter_is_served() -> None:
    assert {path.stem for path in CHAPTERS} == set(NAMES)


def test_readme_is_short_and_lists_every_chapter() -> None:
    text = README.read_text()
    assert len(text.splitlines()) <= 120
    assert {f"templates/docs/{name}.md" for name in NAMES} <= {
        address for address, _ in links_of(README)
    }


def test_readmes_code_is_that_of_the_guide() -> None:
    blocks = read_blocks(README.read_text(), "python")
    assert blocks
    assert set(blocks) <= set(read_code("python"))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_prose_has_no_translated_idiom(path: Path) -> None:
    assert [found[0] for found in ODD.finditer(FENCED.sub("", path.read_text()))] == []


def test_a_page_shows_its_chapter_to_anybody_with_the_policy_of_all_pages(client: Client) -> None:
    response = client.get("/docs/prefect/")
    page = response.content.decode()
    assert '<h2 id="how-the-server-differs-from-prefects">' in page
    assert "served paths -->" not in page
    assert "<code>GET /{id}/graph</code>" in page
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_braces_of_templates_are_shown_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "x.md"
    path.write_text("# X\n\n`{% if %}` and {{ name }} <script>\n")
    chapter = read_chapter(path)
    assert "<code>{% if %}</code> and {{ name }} &lt;script&gt;" in chapter.html
    assert "{% if %}" in read_chapter(DOCS / "api.md").html


def test_headings_of_one_name_have_anchors_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "x.md"
    path.write_text("# X\n## `a` b's\n## a bs\n")
    assert [section.anchor for section in read_chapter(path).sections] == ["x", "a-bs", "a-bs-1"]


def test_the_search_finds_sections_with_all_words_and_titles_first() -> None:
    found = search_chapters("Drafts FILES")
    assert [(one.chapter.name, one.section.title) for one in found[:2]] == [
        ("reviewing", "Drafts and files"),
        ("operate", "Drafts and files"),
    ]
    assert search_chapters("drafts zebra") == []
    assert search_chapters("  ") == []
    assert "DATABASE_URL" in search_chapters("database_url")[0].excerpt


def test_a_search_is_answered_without_a_script(client: Client) -> None:
    page = open_page(client, "/docs/?q=nginx")
    assert '<a href="/docs/operate/#production">' in page
    assert "&lt;b&gt;" in open_page(client, "/docs/?q=<b>")
    assert "0 sections" in open_page(client, "/docs/?q=%00zebra")


def test_a_chapter_that_is_not_there_is_not_found(client: Client) -> None:
    assert client.get("/docs/nothing/").status_code == 404

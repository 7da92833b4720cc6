"""The chapters of the documentation, `templates/docs/*.md`, as pages with contents and a search.

The same files are read in the repository, so headings have the anchors that GitHub gives them.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from markdown_it.token import Token

from approvals.display.markdown import new_parser

# In the order in which they are listed.
NAMES = (
    "reviewing",
    "policies",
    "flows",
    "testing",
    "prefect",
    "api",
    "settings",
    "operate",
    "team",
    "limits",
    "design",
    "glossary",
)
MAX_QUERY = 200
_EXCERPT = 160
_COMMENT = re.compile(r"<!--.*?-->\n", re.DOTALL)
_LINK = re.compile(r"([a-z]+)\.md(#.*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading of a chapter, and the words below it up to the next heading."""

    level: int
    anchor: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    name: str
    title: str
    html: SafeString
    # The first one is what stands below the title.
    sections: tuple[Section, ...]

    @property
    def address(self) -> str:
        return reverse("docs_chapter", args=[self.name])

    @property
    def contents(self) -> list[Section]:
        return [section for section in self.sections if section.level == 2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A section that has all the words of a query."""

    chapter: Chapter
    section: Section
    excerpt: str


@cache
def read_chapters() -> tuple[Chapter, ...]:
    return tuple(
        read_chapter(settings.FILES_DIR / "templates/docs" / f"{name}.md") for name in NAMES
    )


def find_chapter(name: str) -> Chapter | None:
    return next((chapter for chapter in read_chapters() if chapter.name == name), None)


def search_chapters(query: str) -> list[Found]:
    """Return the sections that have each word of a query, those with it in their titles first."""
    words = query[:MAX_QUERY].casefold().split()
    if not words:
        return []
    found = [
        Found(chapter=chapter, section=section, excerpt=_excerpt(section.text, words))
        for chapter in read_chapters()
        for section in chapter.sections
        if _has_all(f"{section.title} {section.text}", words)
    ]
    return sorted(found, key=lambda one: not _has_all(one.section.title, words))


def read_chapter(path: Path) -> Chapter:
    """Read a file of Markdown whose first line is its title."""
    parser = new_parser()
    tokens = parser.parse(_COMMENT.sub("", path.read_text(encoding="utf-8")))
    _name_headings(tokens)
    for token in tokens:
        _open_to_keys(token)
        _point_links(token.children or ())
    sections = tuple(_read_sections(tokens))
    html = parser.renderer.render(tokens, parser.options, {})
    return Chapter(
        name=path.stem,
        title=sections[0].title,
        html=mark_safe(html),  # noqa: S308 -- a file of ours, whose HTML is escaped
        sections=sections,
    )


def _name_headings(tokens: list[Token]) -> None:
    used: dict[str, int] = {}
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            anchor = _anchor_of(_plain(inline))
            count = used[anchor] = used.get(anchor, -1) + 1
            opening.attrSet("id", f"{anchor}-{count}" if count else anchor)


def _anchor_of(title: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _plain(inline: Token) -> str:
    breaks = {"softbreak", "hardbreak"}
    return "".join(
        " " if child.type in breaks else child.content for child in inline.children or ()
    )


def _open_to_keys(token: Token) -> None:
    """Let keys reach what may scroll sideways."""
    if token.type in {"fence", "table_open"}:
        token.attrSet("tabindex", "0")


def _point_links(children: Iterable[Token]) -> None:
    """Point links between the files at the pages of the chapters."""
    for child in children:
        if child.type != "link_open":
            continue
        if found := _LINK.fullmatch(str(child.attrGet("href"))):
            child.attrSet("href", reverse("docs_chapter", args=[found[1]]) + (found[2] or ""))


def _read_sections(tokens: list[Token]) -> Iterator[Section]:
    """Cut a chapter at its headings."""
    starts = [number for number, token in enumerate(tokens) if token.type == "heading_open"]
    for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True):
        opening, inline = tokens[start], tokens[start + 1]
        body = (_words_of(token) for token in tokens[start + 2 : end])
        yield Section(
            level=int(opening.tag[1]),
            anchor=str(opening.attrGet("id")),
            title=_plain(inline),
            text=" ".join(" ".join(filter(None, body)).split()),
        )


def _words_of(token: Token) -> str:
    return token.content if token.type == "fence" else _plain(token)


def _has_all(text: str, words: list[str]) -> bool:
    folded = text.casefold()
    return all(word in folded for word in words)


def _excerpt(text: str, words: list[str]) -> str:
    """Return the part of a text in which the first of the words stands."""
    folded = text.casefold()
    places = [place for word in words if (place := folded.find(word)) >= 0]
    start = max(0, min(places, default=0) - _EXCERPT // 3)
    start = text.rfind(" ", 0, start) + 1 if start else 0
    part = text[start : start + _EXCERPT]
    return f"{'…' if start else ''}{part}{'…' if start + _EXCERPT < len(text) else ''}"

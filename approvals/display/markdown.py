"""Markdown that a flow wrote, as HTML that is safe beside a decision."""

import re
from collections.abc import Iterator, MutableMapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

MAX_LENGTH = 50_000
# What a phone shows of a text at once
_PHONE_LINE = 42  # characters
_PHONE_LINES = 24
_TAGS = set(
    "a blockquote br code del em h3 h4 h5 h6 hr img li ol p pre s strong"
    " table tbody td th thead tr ul".split()
)
_ATTRIBUTES = {
    "a": {"href", "title", "target"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "pre": {"tabindex"},
    "table": {"tabindex"},
}
_ALIGNMENTS = {"align-left", "align-center", "align-right"}
_CLASSES = {"li": {"task"}, "td": _ALIGNMENTS, "th": _ALIGNMENTS}
_ADDRESS = re.compile(r"(https?://[^\s<>\"'`|\\^{}\[\]]*[^\s<>\"'`|\\^{}\[\]])", re.IGNORECASE)
_SENTENCE_MARKS = (".", ",", ";", ":", "!", "?", "*", "_")
_LINE_ENDS = re.compile(r"\r\n?|\n")
_TASK = re.compile(r"\[([ xX])\] ")
_TITLE_WITHIN = 5_000  # characters; a heading further down is not what is asked
_HIGHEST_HEADING = 3  # the page has used the two above


class _Renderer(RendererHTML):
    """Markdown-it's renderer; pictures from other places are links, for a page loads none."""

    def image(
        self,
        tokens: Sequence[Token],
        index: int,
        options: OptionsDict,
        env: MutableMapping[str, Any],
    ) -> str:
        source = str(tokens[index].attrGet("src") or "")
        words = self.renderInlineAsText(tokens[index].children or [], options, env)
        if source.startswith("data:image/"):
            return f'<img src="{escape(source)}" alt="{escape(words)}">'
        return f'<a href="{escape(source)}">{escape(words or "Picture")}</a>'

    def fence(
        self,
        tokens: Sequence[Token],
        idx: int,
        options: OptionsDict,
        env: MutableMapping[str, Any],
    ) -> str:
        """Put attributes on what scrolls, as `code_block` does; the name of a language is lost."""
        return self.code_block(tokens, idx, options, env)


def new_parser() -> MarkdownIt:
    """Return a parser of Markdown with tables, which shows HTML as the text that it is."""
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer)
    return parser.enable(["table", "strikethrough"])


@lru_cache(maxsize=64)
def render_markdown(text: str) -> SafeString:
    """Render the start of a text, `MAX_LENGTH` characters: no HTML of its own, no pictures of
    others, links only to the web and mail.
    """
    parser = new_parser()
    tokens = parser.parse(_readable(text[:MAX_LENGTH]))
    _fit_headings(tokens)
    _link_addresses(tokens)
    _mark_tasks(tokens)
    _keep_alignment(tokens)
    for token in tokens:
        if token.type in {"fence", "code_block", "table_open"}:
            token.attrSet("tabindex", "0")  # it may scroll sideways, so keys must reach it
    html = parser.renderer.render(tokens, parser.options, {})
    return mark_safe(_clean(html))  # noqa: S308 -- cleaned just before


def is_long(text: str) -> bool:
    """Return whether a text fills more than a phone's screen, as far as its lines tell."""
    return sum(1 + len(line) // _PHONE_LINE for line in text.splitlines()) > _PHONE_LINES


def summarise_markdown(text: str, *, length: int) -> str:
    """Return the start of a text without its marks, for one line of a list; tables stay out."""
    if not text:
        return ""
    words: list[str] = []
    in_table = False
    tokens = new_parser().parse(_readable(text[: length * 10]))
    _mark_tasks(tokens)
    for token in tokens:
        if token.type in {"table_open", "table_close"}:
            in_table = token.type == "table_open"
        elif not in_table:
            words += _words_of(token)
    line = " ".join(words)
    return line if len(line) <= length else f"{line[: length - 1]}…"


def find_title(text: str, *, length: int) -> str:
    """Return the first heading of a text in plain words, "" where it begins without one."""
    if not text:
        return ""
    tokens = new_parser().parse(_readable(text[:_TITLE_WITHIN]))
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and not opening.level:
            title = " ".join(_words_of(inline))
            if title:
                return title if len(title) <= length else f"{title[: length - 1]}…"
    return ""


@lru_cache(maxsize=64)
def without_title(text: str, title: str) -> str:
    """Return a text without the heading that it begins with, if that is `title` and has no link."""
    tokens = new_parser().parse(_readable(text[:_TITLE_WITHIN])) if title else []
    if not tokens or tokens[0].type != "heading_open" or " ".join(_words_of(tokens[1])) != title:
        return text
    if any(child.type in {"link_open", "image"} for child in tokens[1].children or []):
        return text
    _, end = tokens[0].map or (0, 0)
    return "\n".join(_LINE_ENDS.split(text)[end:]).strip("\n")


def _words_of(token: Token) -> list[str]:
    if token.children is None:
        return token.content.split() if token.type in {"fence", "code_block"} else []
    breaks = {"softbreak", "hardbreak"}
    inline = (" " if child.type in breaks else child.content for child in token.children)
    return "".join(inline).split()


def _readable(text: str) -> str:
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _fit_headings(tokens: list[Token]) -> None:
    """Put the text's headings below the page's own, without a gap between levels."""
    headings = [token for token in tokens if token.type in {"heading_open", "heading_close"}]
    levels = sorted({token.tag for token in headings})
    for token in headings:
        token.tag = f"h{min(_HIGHEST_HEADING + levels.index(token.tag), 6)}"


def _link_addresses(tokens: list[Token]) -> None:
    """Make links of the web addresses that stand in the text as they are."""
    for token in tokens:
        is_link = 0
        children: list[Token] = []
        for child in token.children or []:
            is_link += child.nesting if child.type in {"link_open", "link_close"} else 0
            children += _split(child) if child.type == "text" and not is_link else [child]
        if token.children:
            token.children = children


def _split(text: Token) -> Iterator[Token]:
    """Cut a text into what lies between addresses and links to them."""
    for number, part in enumerate(_ADDRESS.split(text.content)):
        if not number % 2:
            yield Token("text", "", 0, content=part)
            continue
        address = _without_end(part)
        yield Token("link_open", "a", 1, attrs={"href": address})
        yield Token("text", "", 0, content=address)
        yield Token("link_close", "a", -1)
        yield Token("text", "", 0, content=part[len(address) :])


def _without_end(address: str) -> str:
    """Leave the sentence's own marks out of an address, and a bracket that it has not opened."""
    while address.endswith(_SENTENCE_MARKS) or (
        address.endswith(")") and address.count(")") > address.count("(")
    ):
        address = address[:-1]
    return address


def _mark_tasks(tokens: list[Token]) -> None:
    """Show `[ ]` and `[x]` at the start of a list's entry as boxes."""
    for item, _, inline in zip(tokens, tokens[1:], tokens[2:], strict=False):
        first = inline.children[0] if inline.children else None
        if item.type != "list_item_open" or first is None:
            continue
        if first.type == "text" and (found := _TASK.match(first.content)):
            box = "\N{BALLOT BOX}" if found[1] == " " else "\N{BALLOT BOX WITH CHECK}"
            first.content = f"{box} {first.content[found.end() :]}"
            item.attrSet("class", "task")


def _keep_alignment(tokens: list[Token]) -> None:
    """Say by a class how a column is aligned, for styles in the text are not allowed."""
    for token in tokens:
        if token.type in {"th_open", "td_open"} and (style := token.attrs.pop("style", None)):
            token.attrSet("class", f"align-{str(style).removeprefix('text-align:')}")


def _clean(html: str) -> str:
    import nh3  # two megabytes, for the first page that shows Markdown

    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        attribute_filter=_filter_attribute,
        url_schemes={"http", "https", "mailto", "data"},
        set_tag_attribute_values={"a": {"target": "_blank"}},
        link_rel="noopener noreferrer nofollow",
    )


def _filter_attribute(tag: str, name: str, value: str) -> str | None:
    """Let data: addresses be pictures and nothing else."""
    is_data = value.lstrip().lower().startswith("data:")
    return None if name in {"href", "src"} and is_data != (tag == "img") else value

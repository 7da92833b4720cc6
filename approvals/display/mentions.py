"""Whom a comment mentions: `@name` in its words, not in its code or its addresses."""

import re

from approvals.display.markdown import new_parser

# What a user name may consist of; `a@b` is an address
_MENTION = re.compile(r"(?<![\w.@+/-])@([\w.@+-]+)")
_SENTENCE_MARKS = ".@+-_"


def find_mentions(text: str) -> list[str]:
    """Return the names after an @, in order and each once, as they are written.

    A name that ends like a sentence comes without its marks too: `@bob.` is bob, or `bob.`.
    """
    names: dict[str, None] = {}
    for block in new_parser().parse(text.replace("\x00", "")):
        for part in block.children or []:
            if part.type == "text":
                names |= dict.fromkeys(_MENTION.findall(part.content))
    return list(names)


def spellings(name: str) -> list[str]:
    """Return the user names that a mention may mean, the longest first."""
    return list(dict.fromkeys([name, name.rstrip(_SENTENCE_MARKS)]))

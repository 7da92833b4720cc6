"""The words of a search in log lines and events, in the syntax of Prefect 3.9."""

import re
from dataclasses import dataclass, field

# A sign right before a word, and a word: a phrase in quotes, closed or not, or anything else
_WORD = re.compile(r"""(?P<sign>[-!+]?)(?:"(?P<phrase>(?:\\.|[^"\\])*)"?|(?P<word>[^\s"]+))""")
_ESCAPED = re.compile(r"""\\(["\\])""")


@dataclass(frozen=True, slots=True)
class Search:
    """What a text must contain: one of `some`, all of `every` and nothing of `none`."""

    some: list[str] = field(default_factory=list)
    every: list[str] = field(default_factory=list)
    none: list[str] = field(default_factory=list)

    def matches(self, text: str) -> bool:
        """Whether a text contains that, in capitals or not."""
        text = text.lower()
        some, every, none = (
            [word.lower() in text for word in words] for words in (self.some, self.every, self.none)
        )
        return (not some or any(some)) and all(every) and not any(none)


def read_search(query: str) -> Search:
    """Take a query apart: `word`, `"two words"`, `+required`, `-excluded` or `!excluded`."""
    search = Search()
    lists = {"": search.some, "+": search.every, "-": search.none, "!": search.none}
    for match in _WORD.finditer(query):
        word = match["word"] or _ESCAPED.sub(r"\1", match["phrase"] or "")
        is_lone_sign = not match["sign"] and word in lists
        if word.strip() and not is_lone_sign:
            lists[match["sign"]].append(word)
    return search

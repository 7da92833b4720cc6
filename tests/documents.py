"""README and the chapters of the documentation, as tests read them."""

import re

from tests.servers import ROOT

DOCS = ROOT / "templates" / "docs"
README = ROOT / "README.md"
CHAPTERS = sorted(DOCS.glob("*.md"))
# The order in which the code of one chapter builds on another's.
_OF_FLOWS = [DOCS / "flows.md", DOCS / "testing.md"]


def read_blocks(text: str, language: str) -> list[str]:
    """Return the blocks of code of one language, each as it would be copied."""
    return re.findall(rf"^```{language}\n(.+?)^```$", text, re.DOTALL | re.MULTILINE)


def read_code(language: str) -> list[str]:
    """Return all blocks of code of the chapters, those of flows first."""
    others = [path for path in CHAPTERS if path not in _OF_FLOWS]
    texts = [path.read_text() for path in [*_OF_FLOWS, *others]]
    return [block for text in texts for block in read_blocks(text, language)]

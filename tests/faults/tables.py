"""What was broken and what came of it, as a table in Markdown."""

from dataclasses import dataclass, field

HEAD = "| what | counted | lost |\n|---|---|---|"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing that was checked: how often, and each time it was not so, in a sentence."""

    what: str
    counted: str
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"| {self.what} | {self.counted} | {len(self.wrong)} |"


def show(title: str, rows: list[Row]) -> int:
    """Print a table, and what is wrong below it; return how much that is."""
    print(f"\n**{title}**\n\n{HEAD}", *rows, sep="\n", flush=True)
    wrong = [sentence for row in rows for sentence in row.wrong]
    print(*(f"- {sentence}" for sentence in wrong), sep="\n", flush=True)
    return len(wrong)

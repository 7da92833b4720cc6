"""Reading text that a flow gave: JSON may spell halves of characters that no UTF-8 can hold."""

import json
import re
from typing import Any

_HALF = re.compile("[\ud800-\udfff]")

# A spreadsheet takes a cell that begins with one of these for a formula.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def readable(value: Any) -> Any:
    """Show half a surrogate pair as U+FFFD, in a text or anywhere in a JSON value.

    Two halves that stand together are the character that they spell.
    """
    match value:
        case str():
            return _mend(value) if _HALF.search(value) else value
        case list():
            return [readable(item) for item in value]
        case dict():
            return {readable(name): readable(item) for name, item in value.items()}
        case _:
            return value


def read_json(text: str) -> Any:
    """Return the value of a JSON text, `readable`; raises `ValueError` and `RecursionError`."""
    value = json.loads(text)
    return readable(value) if "\\u" in text else value


def read_json_or_text(text: str) -> Any:
    """Return the value of a JSON text, or the text itself where it is not JSON."""
    try:
        return read_json(text)
    except (ValueError, RecursionError):
        return text


def read_text(stored: str | None) -> str | None:
    """Return a text that clients store as JSON; anything else is shown as it is."""
    text = read_json_or_text(stored) if stored is not None else None
    return text if isinstance(text, str) else stored


def defuse(cell: str) -> str:
    """Return a cell of a CSV file which no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULAS) else cell


def _mend(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

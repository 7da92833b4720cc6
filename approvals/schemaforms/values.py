"""JSON values: compared type for type, read strictly, written for people."""

import json
import math
import re
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Final, NoReturn

from approvals.schemaforms.limits import MAX_JSON_DEPTH, MAX_NUMBER_LENGTH

type JSONValue = bool | int | float | str | list[JSONValue] | dict[str, JSONValue] | None
type Keywords = dict[str, JSONValue]


class Missing(Enum):
    """The type of MISSING, which stands for a key that is not there (and is not null)."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
type MaybeJSON = JSONValue | Missing

# A Prefect server executes every object that carries this key, so no answer may.
RESERVED_KEY = "__prefect_kind"

# Characters that JSON allows and that neither HTML nor UTF-8 can carry.
UNPRINTABLE = re.compile("[\x00\ud800-\udfff]")


class ValueUnreadable(ValueError):
    """What a person typed cannot be read; the message says why in plain words."""


def as_dict(value: MaybeJSON) -> dict[str, JSONValue]:
    return value if isinstance(value, dict) else {}


def as_list(value: MaybeJSON) -> list[JSONValue]:
    return value if isinstance(value, list) else []


def as_number(value: MaybeJSON) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value


def as_names(value: MaybeJSON) -> list[str]:
    return [name for name in as_list(value) if isinstance(name, str)]


def as_text(value: MaybeJSON) -> str:
    return value if isinstance(value, str) else ""


def as_count(value: MaybeJSON) -> int | None:
    """Read a keyword such as minItems; anything but a number sets no bound."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None


def same_json(one: MaybeJSON, other: MaybeJSON) -> bool:
    """Compare type for type: 1, 1.0, "1" and true are four different values."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return repr(one) == repr(other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same_json(one[key], other[key]) for key in one)
    return one == other


def place_of(value: MaybeJSON, options: Sequence[JSONValue]) -> int | None:
    """Return where `value` stands among `options`, type for type."""
    place = -1
    while value is not MISSING:
        try:
            place = options.index(value, place + 1)
        except ValueError:
            return None
        if same_json(options[place], value):
            return place
    return None


def walk_json(value: JSONValue) -> Iterator[tuple[tuple[str | int, ...], JSONValue]]:
    """Yield every value inside `value` with its path, itself first."""
    stack: list[tuple[tuple[str | int, ...], JSONValue]] = [((), value)]
    while stack:
        path, current = stack.pop()
        yield path, current
        if isinstance(current, list):
            stack.extend(((*path, index), item) for index, item in enumerate(current))
        elif isinstance(current, dict):
            stack.extend(((*path, key), item) for key, item in current.items())


def is_larger_than(value: MaybeJSON, limit: int) -> bool:
    """Whether `value` holds more than `limit` values, without counting them all."""
    if not isinstance(value, (list, dict)):
        return False
    return any(count >= limit for count, _ in enumerate(walk_json(value)))


def show_json(value: MaybeJSON, *, indent: int | None = 2) -> str:
    """Write `value` as JSON that a person can read and edit."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent)
    except (TypeError, ValueError, RecursionError):
        return ""


def plain_label(option: MaybeJSON) -> str:
    """Write a value for a person, as an option that has no other label."""
    match option:
        case str():
            return option
        case True:
            return "Yes"
        case False:
            return "No"
        case None:
            return "None"
        case _:
            return show_json(option, indent=None)


def read_json(text: str) -> JSONValue:
    """Read strict JSON or raise ValueUnreadable with a sentence for the person who typed it."""
    if _nesting(text) > MAX_JSON_DEPTH:
        raise ValueUnreadable(f"This is nested more than {MAX_JSON_DEPTH} levels deep.")
    try:
        value: JSONValue = json.loads(
            text,
            object_pairs_hook=_object_without_repeats,
            parse_constant=_refuse_constant,
            parse_int=_read_int,
            parse_float=_read_float,
        )
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise ValueUnreadable(
            f"This is not JSON: look at line {error.lineno}, character {error.colno}."
        ) from None
    except UnicodeEncodeError:
        raise ValueUnreadable("This holds half of a character (a lone surrogate).") from None
    except RecursionError:
        raise ValueUnreadable("This is nested too deeply.") from None
    return value


def _nesting(text: str) -> int:
    """Count open brackets outside strings, so that no parser is asked to go deeper."""
    depth = deepest = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            in_string = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _object_without_repeats(pairs: list[tuple[str, JSONValue]]) -> dict[str, JSONValue]:
    result: dict[str, JSONValue] = {}
    for key, value in pairs:
        if key in result:
            raise ValueUnreadable(f"The key “{key[:80]}” appears twice.")
        result[key] = value
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise ValueUnreadable(f"{name} is not a JSON number.")


def _read_int(digits: str) -> int:
    if len(digits) > MAX_NUMBER_LENGTH:
        raise ValueUnreadable("A number is too long.")
    return int(digits)


def _read_float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueUnreadable("A number is too large.")
    return value


def find_unstorable(value: JSONValue) -> tuple[tuple[str | int, ...], str] | None:
    """Find the first part of an answer that must not or cannot be sent, with the reason."""
    for path, part in walk_json(value):
        if isinstance(part, dict) and RESERVED_KEY in part:
            return path, f"The key “{RESERVED_KEY}” is reserved and cannot be sent."
        if isinstance(part, float) and not math.isfinite(part):
            return path, "This is not a number that can be sent."
        texts = [part] if isinstance(part, str) else list(part) if isinstance(part, dict) else []
        for text in texts:
            if reason := unstorable_reason(text):
                return path, reason
    return None


def unstorable_reason(text: str) -> str:
    if "\x00" in text:
        return "This contains an invisible character (NUL) that cannot be stored."
    if UNPRINTABLE.search(text):
        return "This contains half of a character (a lone surrogate) that cannot be stored."
    return ""


def as_browser_text(text: str) -> str:
    """Return `text` as a browser sends it back from a text field."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return UNPRINTABLE.sub("\ufffd", text)


def clip(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def humanise(name: str) -> str:
    """Write a property name as a label."""
    words = as_text(name).replace("_", " ").strip()
    return words[:1].upper() + words[1:] if words else "(no name)"

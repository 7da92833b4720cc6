"""Write in plain words what an answer does not fulfil."""

import re
from decimal import Decimal
from typing import Any

from approvals.schemaforms.schema.checks import Complaint
from approvals.schemaforms.schema.patterns import matches
from approvals.schemaforms.values import as_names, as_text, clip, plain_label

NEEDED = "This needs an answer."
MAX_MESSAGE_LENGTH = 500

_SENTENCES = {
    "maximum": "Enter a number that is at most {limit}.",
    "minimum": "Enter a number that is at least {limit}.",
    "exclusiveMaximum": "Enter a number below {limit}.",
    "exclusiveMinimum": "Enter a number above {limit}.",
    "multipleOf": "Enter a multiple of {limit}.",
    "enum": "Choose one of the options.",
    "const": "This must be {limit}.",
    "minItems": "Add entries: at least {limit} needed.",
    "maxItems": "Remove entries: at most {limit} allowed.",
    "minContains": "Too few of the entries are of the kind that is asked for.",
    "maxContains": "Too many of the entries are of one kind.",
    "contains": "None of the entries is of the kind that is asked for.",
    "uniqueItems": "This repeats an earlier entry.",
    "minProperties": "Add entries: at least {limit} needed.",
    "maxProperties": "Remove entries: at most {limit} allowed.",
    "additionalProperties": "This entry is not expected. Remove it.",
    "unevaluatedProperties": "There are entries here that are not expected.",
    "propertyNames": "A key does not have the expected form.",
    "required": NEEDED,
    "dependentRequired": NEEDED,
    "not": "This value is not allowed.",
    "false": "Nothing is expected here.",
}
_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "Yes or No",
    "array": "a list",
    "object": "a group of named values",
    "null": "left empty",
}


_FORMATS = {
    "date": "a date",
    "date-time": "a date and time",
    "time": "a time",
    "duration": "a duration",
    "email": "an e-mail address",
    "uri": "an address (URL)",
    "uuid": "a UUID",
    "password": "a secret",
    "binary": "a file or text",
    "decimal": "a number",
}


def write_complaint(complaint: Complaint) -> str:
    """Write in plain words what the schema asks for and the value does not give."""
    limit = complaint.limit
    match complaint.keyword:
        case "minLength":
            return _length_sentence("at least", limit, len(complaint.value))
        case "maxLength":
            return _length_sentence("at most", limit, len(complaint.value))
        case "type":
            return f"This should be {_name_type(limit, complaint.rule)}."
        case "pattern":
            return _pattern_sentence(complaint.rule)
        case "anyOf" | "oneOf" if _asks_for_one_of(limit):
            names = dict.fromkeys(name for part in limit for name in part.get("required", ()))
            listed = ", ".join(f"“{name}”" for name in names)
            return f"Fill in at least one of the fields that belong together here: {listed}."
        case keyword:
            sentence = _SENTENCES.get(keyword, "This does not fit what is asked for here.")
            return clip(sentence.replace("{limit}", clip(_plain(limit), 120)), MAX_MESSAGE_LENGTH)


def _name_type(limit: Any, rule: Any) -> str:
    names = limit if isinstance(limit, list) else [limit]
    words = _FORMATS.get(str(rule.get("format"))) if isinstance(rule, dict) else None
    return " or ".join(
        words if words and name == "string" else _TYPES.get(name, "of another kind")
        for name in names
    )


def _pattern_sentence(rule: Any) -> str:
    """Say what is wrong in the words of the author: a pattern is for machines to read."""
    rule = rule if isinstance(rule, dict) else {}
    shown = as_names(rule.get("examples"))
    fitting = [text for text in shown if matches(str(rule.get("pattern", "")), text)]
    description = " ".join(as_text(rule.get("description")).split())
    hints = [*(f"For example: {clip(text, 80)}" for text in fitting[:1]), clip(description, 200)]
    return " ".join([_UNFIT, *hints[:1]]).strip()


_UNFIT = "This does not have the expected form."


def hide_patterns(message: str) -> str:
    """Return what a server or a flow says, without the regular expressions that it quotes."""
    return _UNFIT if _QUOTED_PATTERN.search(message) else message


_QUOTED_PATTERN = re.compile(
    r"does not match (any of the regexes|r?['\"])|[Ss]hould match pattern|the pattern ['\"]"
)


def _length_sentence(bound: str, limit: Any, length: int) -> str:
    noun = "character" if limit == 1 else "characters"
    if not length:
        return "Enter an answer." if limit == 1 else f"Enter {bound} {limit} {noun}."
    return f"Enter {bound} {limit} {noun}; there are {length} now."


def _asks_for_one_of(parts: Any) -> bool:
    return isinstance(parts, list) and all(
        isinstance(part, dict) and part.keys() <= {"required", "type"} for part in parts
    )


def _plain(limit: Any) -> str:
    if isinstance(limit, float) and limit.is_integer():
        return str(int(limit))
    return str(limit) if isinstance(limit, (Decimal, float)) else plain_label(limit)

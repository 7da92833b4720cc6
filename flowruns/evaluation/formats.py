"""Formats of JSON Schema that are checked where values are tried, as on Prefect 3.9's server."""

import re
from datetime import date
from typing import Any

from jsonschema import FormatChecker

from flowruns.evaluation.patterns import is_pattern

FORMATS = FormatChecker(["date", "email", "idn-email", "ipv4", "ipv6", "uuid"])

_DATE_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)",
    re.ASCII | re.IGNORECASE,
)


@FORMATS.checks("date-time", raises=ValueError)
def is_date_time(instance: Any) -> bool:
    """Whether it is a moment of RFC 3339, without leap seconds."""
    if not isinstance(instance, str):
        return True
    found = _DATE_TIME.fullmatch(instance)
    return found is not None and date.fromisoformat(found[1]) is not None


@FORMATS.checks("time", raises=ValueError)
def is_time(instance: Any) -> bool:
    return not isinstance(instance, str) or is_date_time(f"1970-01-01T{instance}")


@FORMATS.checks("regex")
def is_regex(instance: Any) -> bool:
    return not isinstance(instance, str) or is_pattern(instance)

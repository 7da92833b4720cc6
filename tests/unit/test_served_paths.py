"""Our OpenAPI document beside Prefect's: what is served agrees, and what is not is listed.

Where something is served anew, `python -m tests.served_paths` writes the table of `prefect.md`.
"""

import re
from collections.abc import Iterator
from functools import partial

from flowruns.api.left_out import LEFT_OUT, find_reason, matches
from tests.openapi import anonymous, list_fields
from tests.served_paths import THEIRS, read_our_outline, read_table, write_table

# Operations of ours that Prefect does not know
NOT_PREFECTS = {
    "GET /desk/absences",
    "POST /desk/absences",
    "DELETE /desk/absences/{}",
}

# Differences of what is served, as "operation part: field"; patterns, and why
LISTED = {
    r"GET /csrf-token ": "CSRF protection is off for an API with bearer keys, so there is no token",
    r"response: details\.": "one model of a verdict's details, with all their fields",
    r"/(filter|count|paginate) request: (work_pools|work_pool_queues)\.": (
        "filters by other kinds of object are refused by name"
    ),
    r"GET /admin/settings response: ": "settings of what is not here are not told",
    r"/automations/": "there are none, so nothing is selected and nothing shown",
    r"request: deployments\.concurrency_limit\.": "refused by name",
    r"/deployments/.* response: (results\.)?status\.": "a text, one of Prefect's",
    r"/deployments/.* response: (results\.)?(created_by|updated_by)$": (
        "changes of deployments are not signed"
    ),
    r"/deployments/.*request: version_info$": "ignored",
    r"/task_runs/.* (request|response): (results\.)?task_inputs\.": "any objects, kept as they are",
}


def test_each_operation_of_prefects_is_served_or_listed_as_left_out() -> None:
    theirs = {anonymous(name) for name in THEIRS["operations"]}
    served = set(read_our_outline()["operations"])
    not_served = theirs - served
    assert {name for name in not_served if find_reason(name) is None} == set()
    used = {next(filter(partial(is_about, name), LEFT_OUT), "") for name in not_served}
    assert used == set(LEFT_OUT), "served by now: take it out of flowruns/api/left_out.py"
    assert served - theirs == NOT_PREFECTS


def is_about(operation: str, entry: str) -> bool:
    return matches(entry, operation)


def test_readmes_table_says_what_is_served() -> None:
    assert read_table() == write_table(), "write it anew: python -m tests.served_paths"


def test_fields_of_what_is_served_are_prefects() -> None:
    found = set(differences())
    met = {pattern for pattern in LISTED if any(re.search(pattern, line) for line in found)}
    assert sorted(line for line in found if not any(re.search(p, line) for p in LISTED)) == []
    assert met == set(LISTED), "no longer different: take it out of LISTED"


def differences() -> Iterator[str]:
    our_outline = read_our_outline()
    for name, theirs in THEIRS["operations"].items():
        ours = our_outline["operations"].get(anonymous(name))
        if ours is None:
            continue
        asked, known = set(theirs["query"]), set(ours["query"])
        asked |= set(list_fields(THEIRS, theirs["request"]))
        known |= set(list_fields(our_outline, ours["request"]))
        insisted = {field for field in known - asked if field.endswith("!")}
        yield from (f"{name} insists on: {field}" for field in insisted)
        yield from (f"{name} request: {field}" for field in missing(asked, known))
        answers = set(list_fields(THEIRS, theirs["response"]))
        given = set(list_fields(our_outline, ours["response"]))
        yield from (f"{name} response: {field}" for field in missing(answers, given))


def missing(theirs: set[str], ours: set[str]) -> set[str]:
    """Return what is theirs and not ours, without the parts of what is missing as a whole.

    The parts of something whose parts we do not name at all are written `whole.*`.
    """
    theirs, ours = ({field.replace("!", "") for field in side} for side in (theirs, ours))
    wholes = {whole_of(field) for field in ours}
    found = set()
    for field in theirs - ours:
        whole = whole_of(field)
        if not whole or whole in wholes:
            found.add(field)
        elif whole in ours:
            found.add(f"{whole}.*")
    return found


def whole_of(field: str) -> str:
    """Return what a field is a part of: `flows` for `flows.id`, and `sort` for `sort='A'`."""
    return re.sub(r"(^|[.=])('[^']*'|[^.=']*)$", "", field)

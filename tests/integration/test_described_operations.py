"""Each operation of the API's document has a sentence, and an example that the API takes."""

import json
import re
import shlex
from typing import Any

import pytest

from flowruns.api.descriptions import BODIES, SENTENCES
from tests.integration.conftest import Api
from tests.openapi import read_our_document

# 422 is what Prefect, too, says where CSRF protection is off.
ALWAYS_REFUSED = {"csrf_token"}

type Named = dict[str, tuple[str, str, dict[str, Any]]]


def read_operations() -> Named:
    """Return method, path and description of each operation by its name."""
    return {
        operation["summary"].lower().replace(" ", "_"): (method.upper(), path, operation)
        for path, methods in read_our_document()["paths"].items()
        for method, operation in methods.items()
    }


def test_every_operation_has_a_name_of_its_own_and_a_sentence() -> None:
    operations = read_operations()
    count = sum(len(methods) for methods in read_our_document()["paths"].values())
    assert len(operations) == count
    told = {name: operation["description"] for name, (_, _, operation) in operations.items()}
    assert {name: text for name, text in told.items() if not re.match(r"[A-Z].+\.", text)} == {}
    assert set(SENTENCES) <= set(operations)


def test_every_body_has_an_example() -> None:
    operations = read_operations()
    takes = {name for name, (_, _, operation) in operations.items() if "requestBody" in operation}
    assert takes == set(BODIES)


@pytest.mark.django_db
def test_every_example_is_a_request_that_the_api_takes(api: Api) -> None:
    refused = {}
    for name, (method, path, operation) in read_operations().items():
        words = shlex.split(operation["x-codeSamples"][0]["source"].replace("\\\n", ""))
        assert words[0] == "curl"
        assert not re.search(r"[{}]", words[-1]), path
        body = json.loads(words[words.index("-d") + 1]) if "-d" in words else None
        assert body == BODIES.get(name)
        response = api.request(method, words[-1].removeprefix("$FLOWRUNS_API_URL"), body)
        if response.status_code in {400, 401, 405, 415, 422} or response.status_code >= 500:
            refused[name] = (response.status_code, response.content[:300])
    assert set(refused) == ALWAYS_REFUSED, refused

"""Record the outline of Prefect's API, which the tests compare ours with.

Start a server in an environment that has Prefect 3.9.1:

    export PREFECT_HOME=$(mktemp -d)
    prefect server start --port 4299 --no-services --no-ui --analytics-off

then, in the project's environment:

    python -m tests.recorders.prefect_openapi http://127.0.0.1:4299 \
        > tests/data/prefect-3.9.1-openapi.json

An operation and a schema take one line each, so that the difference to another release can be read.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

import httpx

from tests.openapi import outline


def write(document: dict[str, Any]) -> Iterator[str]:
    found = outline(document)
    yield f'{{"version": {json.dumps(document["info"]["version"])},'
    for part, end in (("operations", ","), ("schemas", "}")):
        lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in found[part].items()]
        yield f'"{part}": {{\n' + ",\n".join(sorted(lines)) + f"\n}}{end}"


if __name__ == "__main__":
    print("\n".join(write(httpx.get(f"{sys.argv[1]}/openapi.json").raise_for_status().json())))

"""See the form that reviewers will get: `python -m flowruns.preview module:Model`.

The schema is made as a pause makes it, and opened in the dashboard of the server that
FLOWRUNS_API_URL names. Nothing is stored there, and no flow has to run.
"""

import argparse
import base64
import importlib
import json
import sys
import webbrowser
import zlib
from functools import reduce
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pydantic

from flowruns.sdk.config import load_config
from flowruns.sdk.errors import FlowRunsError
from flowruns.sdk.inputs.policies import check_annotation, policy_for
from flowruns.sdk.inputs.run_input import (
    BaseRunInput,
    description_of,
    run_input_subclass_from_type,
    schema_text_of,
)
from flowruns.sdk.serving.entrypoints import import_file

# Characters of an address that every server and proxy on the way takes.
LONGEST_QUERY = 7_000


def main(arguments: list[str]) -> int:
    """Open or print what `arguments` ask for; 1 where there is nothing to show."""
    options = _parse(arguments)
    try:
        model = load_model(options.model)
        policy = policy_for(model, None) or check_annotation(model)
        schema = schema_text_of(model)
    except (ImportError, AttributeError, TypeError, ValueError, FlowRunsError) as error:
        sys.stderr.write(f"{options.model} has no form: {error}\n")
        return 1
    except pydantic.PydanticUserError as error:
        sys.stderr.write(f"{options.model} has no JSON schema: {error}\n")
        return 1
    if policy:
        sys.stderr.write(f"Who answers: {policy}\n")
    if options.schema:
        sys.stdout.write(json.dumps(json.loads(schema), indent=2, ensure_ascii=False) + "\n")
        return 0
    _open(schema, description_of(model), opens_browser=not options.no_browser)
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m flowruns.preview", description=__doc__)
    parser.add_argument("model", help="module:Model, or path/to/file.py:Model")
    parser.add_argument("--schema", action="store_true", help="print the schema, open nothing")
    parser.add_argument("--no-browser", action="store_true", help="print the address only")
    return parser.parse_args(arguments)


def load_model(name: str) -> type[BaseRunInput]:
    """Import what `wait_for_input` would be given, and return what it asks for.

    Raises ValueError for a name without a colon, and whatever importing it raises.
    """
    place, colon, path = name.partition(":")
    if not (place and colon and path):
        raise ValueError("write it as module:Model or path/to/file.py:Model")
    if place.endswith(".py"):
        module = import_file(Path(place).resolve())
    else:
        module = importlib.import_module(place)
    asked: Any = reduce(getattr, path.split("."), module)
    return run_input_subclass_from_type(asked)


def address_of(page: str, schema: str, description: str) -> str:
    """Return the address of the preview at `page`, or `page` where it would be too long."""
    packed = base64.urlsafe_b64encode(zlib.compress(schema.encode(), 9)).decode()
    query = {"schema": packed} | ({"description": description} if description else {})
    address = f"{page}?{urlencode(query)}"
    return address if len(address) <= LONGEST_QUERY else page


def _open(schema: str, description: str, *, opens_browser: bool) -> None:
    page = f"{load_config().ui_url}/preview/"
    address = address_of(page, schema, description)
    if address == page:
        sys.stderr.write("The schema is too long for an address. Paste what --schema prints.\n")
    sys.stdout.write(f"{address}\n")
    if opens_browser:
        webbrowser.open(address)


if __name__ == "__main__":
    sys.path.insert(0, "")
    sys.exit(main(sys.argv[1:]))

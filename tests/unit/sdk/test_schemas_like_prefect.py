"""The stored schemas are those that Prefect 3.9.1 would have stored, with our annotations."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from flowruns import RunInput
from flowruns.sdk.inputs.run_input import run_input_subclass_from_type
from flowruns.sdk.inputs.schemas import DECIMAL, NAMES, schema_of
from tests.data.asked_types import asked_types
from tests.environments import PREFECT_PYTHON
from tests.servers import ROOT, prefect_environment

_PREFECT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from prefect.input import RunInput
from prefect.input.run_input import run_input_subclass_from_type
from prefect._internal.pydantic.v2_schema import create_v2_schema
from tests.data.asked_types import asked_types

schemas = {}
for name, wanted in asked_types(RunInput).items():
    model = run_input_subclass_from_type(wanted)
    schemas[name] = create_v2_schema(model.__name__, model_base=model)
print(json.dumps(schemas))
"""


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home: Path = tmp_path_factory.mktemp("prefect")
    command = [str(PREFECT_PYTHON), "-c", _PREFECT, str(ROOT)]
    environment = prefect_environment(home)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("name", asked_types(RunInput))
def test_a_schema_equals_prefects(name: str, theirs: Any) -> None:
    model = run_input_subclass_from_type(asked_types(RunInput)[name])
    assert _without_annotations(schema_of(model)) == theirs[name]


def _without_annotations(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_annotations(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        word: _without_annotations(value)
        for word, value in schema.items()
        if word != NAMES and (word, value) != ("format", DECIMAL)
    }

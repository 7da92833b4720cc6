"""`python -m flowruns.preview`: an author sees the form that reviewers will get."""

import base64
import json
import subprocess
import sys
import zlib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from flowruns import preview
from flowruns.sdk.inputs.run_input import run_input_subclass_from_type
from flowruns.sdk.inputs.schemas import schema_of

MODELS = """
from typing import Literal
from flowruns import RunInput
from pydantic import BaseModel

class Approval(RunInput):
    approve: bool

class Plain(BaseModel):
    note: str = ""

class Outer:
    asked = Approval.with_initial_data(description="Pay **3 EUR**?", approve=True)

Size = Literal["S", "M"]
Long = Literal[tuple(str(n * 7919) for n in range(5000))]
NoSchema = type("NoSchema", (), {})
"""


@pytest.fixture(autouse=True)
def author_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "author_models.py"
    path.write_text(MODELS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "author_models", raising=False)
    monkeypatch.setenv("FLOWRUNS_API_URL", "https://desk.example.com/api")
    return path


def printed_query(capsys: pytest.CaptureFixture[str]) -> tuple[str, dict[str, list[str]]]:
    parts = urlsplit(capsys.readouterr().out.strip())
    return f"{parts.scheme}://{parts.netloc}{parts.path}", parse_qs(parts.query)


def unpack(packed: str) -> object:
    return json.loads(zlib.decompress(base64.urlsafe_b64decode(packed)))


def test_it_opens_the_schema_that_a_pause_would_store(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert preview.main(["author_models:Outer.asked"]) == 0
    page, query = printed_query(capsys)
    assert page == "https://desk.example.com/preview/"
    assert query["description"] == ["Pay **3 EUR**?"]
    model = preview.load_model("author_models:Outer.asked")
    assert unpack(query["schema"][0]) == schema_of(model)
    assert len(opened) == 1


@pytest.mark.parametrize("name", ["Approval", "Plain", "Size"])
def test_whatever_a_flow_may_ask_for_has_a_preview(
    capsys: pytest.CaptureFixture[str], author_models: Path, name: str
) -> None:
    assert preview.main([f"{author_models}:{name}", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    asked = getattr(sys.modules["author_models"], name)
    assert schema == schema_of(run_input_subclass_from_type(asked))


def test_a_schema_that_no_address_can_carry_is_to_be_pasted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert preview.main(["author_models:Long", "--no-browser"]) == 0
    output = capsys.readouterr()
    assert output.out == "https://desk.example.com/preview/\n"
    assert "--schema" in output.err


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("author_models", "module:Model"),
        ("author_models:Gone", "no attribute 'Gone'"),
        ("no_such_module:Approval", "No module named"),
        ("author_models:NoSchema", "no JSON schema"),
    ],
)
def test_what_has_no_form_is_told_in_a_sentence(
    capsys: pytest.CaptureFixture[str], name: str, words: str
) -> None:
    assert preview.main([name, "--no-browser"]) == 1
    assert words in capsys.readouterr().err


@pytest.mark.slow
def test_it_runs_as_a_module_where_the_author_is(author_models: Path) -> None:
    command = [sys.executable, "-m", "flowruns.preview", "author_models:Approval", "--schema"]
    done = subprocess.run(
        command, cwd=author_models.parent, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["required"] == ["approve"]

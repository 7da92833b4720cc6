"""Cases 51 to 61: text as it was typed, files, secrets and formats."""

import base64
import re
from io import BytesIO

import pytest
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.http import QueryDict
from pydantic import BaseModel, SecretStr

from approvals.schemaforms import Form, JSONValue, describe_answer, read_form
from approvals.schemaforms.posted import FieldList
from tests.schemaforms.browser import Reviewer, ask

TEXT: JSONValue = {"type": "string"}


def text_of(**words: JSONValue) -> JSONValue:
    return {"type": "string", **words}


@pytest.mark.parametrize("text", ["\nfirst", "a\r\nb", "a\rb", " padded ", "\n\n", "tab\there"])
def test_initial_text_keeps_its_line_ends_and_spaces(text: str) -> None:
    assert ask(a=text_of(default=text)).answer() == {"a": text}


def test_lines_that_are_typed_end_in_one_newline_each() -> None:
    schema: JSONValue = {"properties": {"a": text_of(maxLength=3)}, "required": ["a"]}
    form = read_form(schema, QueryDict("f.0=a%0D%0Ab"))
    assert form.value == {"a": "a\nb"}
    assert form.is_valid


def test_length_is_counted_in_characters() -> None:
    assert "maxlength" not in ask(a=text_of(maxLength=2)).html
    assert ask(a=text_of(maxLength=2)).fill(A="👍👍").answer() == {"a": "👍👍"}
    [(_, message)] = ask(a=text_of(maxLength=2)).fill(A="abc").messages()
    assert message == "Enter at most 2 characters; there are 3 now."


def test_text_of_several_lines_gets_a_field_of_several_lines() -> None:
    assert ask(a=text_of(default="a\nb")).page.find("A").type == "textarea"
    assert ask(a=text_of(default="ab")).page.find("A").type == "text"
    assert ask(comment=TEXT).page.find("Comment").type == "textarea"


def test_long_text_comes_through() -> None:
    text = "x" * 100_000
    assert ask(a=text_of(default=text)).answer() == {"a": text}


def test_a_pattern_is_searched_for_as_the_server_does() -> None:
    reviewer = ask(a=text_of(pattern="b+")).fill(A="abc")
    assert " pattern=" not in reviewer.html
    assert reviewer.answer() == {"a": "abc"}
    [(_, message)] = reviewer.fill(A="xyz").messages()
    assert message == "This does not have the expected form."


def test_a_pattern_that_cannot_be_read_is_said_not_to_be_checked() -> None:
    reviewer = ask(a=text_of(pattern="(["))
    assert "cannot be checked here" in reviewer.html
    assert reviewer.fill(A="x").answer() == {"a": "x"}


def test_a_catastrophic_pattern_stops_in_time() -> None:
    reviewer = ask(a=text_of(pattern=r"^(a|aa)+$", default=""), b=text_of(pattern=r"^(\w+\s?)*$"))
    reviewer.fill(A="a" * 200 + "!", B="a" * 5000 + "!")
    for _, message in reviewer.messages():
        assert message in {
            "This could not be checked in time.",
            "The answer could not be checked in time.",
            "This does not have the expected form.",
        }


def test_white_space_alone_is_doubted_once_and_then_taken() -> None:
    reviewer = ask(a=text_of(minLength=1), b=text_of()).fill(A="  ", B="x")
    form = reviewer.submit()
    assert (form.problems, form.is_valid) == ([], False)
    assert [warning.label for warning in form.warnings] == ["A"]
    assert "Nothing was sent yet" in form.render_summary()
    assert 'aria-describedby="f-0-warning"' in reviewer.html
    assert reviewer.answer() == {"a": "  ", "b": "x"}


def test_another_doubtful_answer_is_doubted_anew() -> None:
    reviewer = ask(a=text_of()).fill(A=" ")
    reviewer.submit()
    form = reviewer.fill(A="   ").submit()
    assert [warning.control_id for warning in form.warnings] == ["f-0"]
    assert reviewer.fill(A="x").answer() == {"a": "x"}


def test_white_space_that_the_flow_itself_gave_is_not_doubted() -> None:
    assert ask("a", a=text_of(default=" ")).answer() == {"a": " "}


def test_doubts_are_told_together_with_problems_and_only_about_what_is_sent() -> None:
    either: JSONValue = {"anyOf": [{"type": "string"}, {"type": "integer"}]}
    reviewer = ask(a=text_of(), b={"type": "integer"}, c=either).press("Text")
    reviewer.fill(A=" ", B="many", Text=" ").press("Whole number").fill(Whole_number="1")
    form = reviewer.submit()
    assert [problem.path for problem in form.problems] == [("b",)]
    assert "another look" in form.render_summary()
    assert reviewer.html.count("nothing but blanks") == 1
    assert reviewer.fill(B="2").answer() == {"a": " ", "b": 2, "c": 1}


class Login(BaseModel):
    user: str
    password: SecretStr
    token: SecretStr = SecretStr("default")


def test_a_secret_never_comes_back_in_any_form() -> None:
    reviewer = Reviewer(Login.model_json_schema()).fill(Password="hunter2")
    form = reviewer.submit()
    assert form.value == {"user": "", "password": "hunter2"}
    assert form.is_valid
    form.attach([(("password",), "refused")])
    shown = str(form.render()) + str(form.render_summary()) + repr(form.typed())
    assert "hunter2" not in shown
    assert "••••••" in repr(form.typed())


def test_a_default_secret_is_neither_shown_nor_sent() -> None:
    reviewer = Reviewer(Login.model_json_schema())
    assert 'value="**********"' not in reviewer.html
    assert [path for path, _ in reviewer.messages()] == [("password",)]


def test_a_broken_rule_of_a_secret_does_not_quote_it() -> None:
    rule = text_of(format="password", minLength=20, pattern="^x$")
    form = ask(a=rule).fill(A="hunter2").submit()
    assert len(form.problems) == 2
    assert "hunter2" not in repr(form.problems) + str(form.render())


def test_a_secret_must_be_entered_again_after_a_refusal_and_says_so() -> None:
    reviewer = ask(password=text_of(writeOnly=True), age={"type": "integer"})
    reviewer.fill(Password="hunter2").submit()
    assert "enter it again" in reviewer.html


def test_secrets_are_masked_where_an_answer_is_described() -> None:
    rows = describe_answer(Login.model_json_schema(), {"user": "a", "password": "hunter2"})
    assert rows == [("User", "a"), ("Password", "••••••")]


def upload(content: bytes) -> dict[str, object]:
    file = InMemoryUploadedFile(BytesIO(content), "f", "x.bin", "", len(content), None)
    return {"f.0.file": file}


@pytest.mark.parametrize(
    ("name", "content", "value"),
    [
        ("base64", b"\xfb\xff", "+/8="),
        ("base64url", b"\xfb\xff", "-_8="),
        ("binary", "é".encode(), "é"),
    ],
)
def test_a_file_becomes_the_text_that_json_carries(name: str, content: bytes, value: str) -> None:
    schema: JSONValue = {"properties": {"a": text_of(format=name)}, "required": ["a"]}
    form = read_form(schema, QueryDict("f.0="), files=upload(content))
    assert form.value == {"a": value}
    assert form.is_valid
    assert value in str(form.render())


def test_a_file_that_is_no_text_is_refused_where_text_is_needed() -> None:
    schema: JSONValue = {"properties": {"a": text_of(format="binary")}, "required": ["a"]}
    form = read_form(schema, QueryDict("f.0="), files=upload(b"\xff\xfe"))
    assert "not text" in form.problems[0].message


def test_what_is_typed_for_bytes_is_checked() -> None:
    assert len(ask(a=text_of(format="base64")).fill(A="not base64!").messages()) == 1
    assert ask(a=text_of(format="base64")).fill(A="-_8=").answer() == {"a": "+/8="}
    assert ask(a=text_of(format="base64url")).fill(A="+/8=").answer() == {"a": "-_8="}
    packed = base64.b64encode(b"hello").decode()
    assert ask(a=text_of(format="base64")).fill(A=packed).answer() == {"a": packed}


def test_json_text_stays_a_text_and_any_value_is_the_value_itself() -> None:
    rule = text_of(contentMediaType="application/json", contentSchema={"type": "array"})
    assert ask(a=rule).fill(A="[1, 2]").answer() == {"a": "[1, 2]"}
    assert len(ask(a=rule).fill(A='{"x": 1}').messages()) == 1
    assert ask(a={}).fill(A="[1, 2]").answer() == {"a": [1, 2]}


@pytest.mark.parametrize(
    "text", ["abc", "{'a': 1}", '{"a": 1, "a": 2}', "NaN", "1e999", "[" * 5000, "[1,]", "9" * 5000]
)
def test_what_is_no_json_is_refused_and_kept(text: str) -> None:
    reviewer = ask(a={}).fill(A=text)
    assert len(reviewer.messages()) == 1
    assert reviewer.page.find("A").value == text


def test_plain_words_can_be_used_as_text() -> None:
    reviewer = ask(a={}).fill(A='say "hi"')
    reviewer.submit()
    assert reviewer.press("Use as text A").answer() == {"a": 'say "hi"'}


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("email", "müller@example.org", "nobody"),
        ("uri", "postgresql://u@h/db", "example.org"),
        ("uri", "https://[::1]/", "https://[::1"),
        ("uri", "mailto:a@example.org", "https://"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123"),
        ("uuid4", "123e4567-e89b-42d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000"),
        ("ipv4", "192.0.2.1", "192.0.2.256"),
        ("ipv6", "2001:db8::1", "::g"),
        ("ipvanynetwork", "10.0.0.0/8", "10.0.0.0/40"),
        ("regex", "^a+$", "(["),
        ("name-email", "A B <a@example.org>", "A B"),
    ],
)
def test_formats_are_checked_as_leniently_as_pydantic_does(name: str, good: str, bad: str) -> None:
    reviewer = ask(a=text_of(format=name)).fill(A=good)
    assert not re.search(r'type="(email|url)"', reviewer.html)
    assert reviewer.answer() == {"a": good}
    assert len(reviewer.fill(A=bad).messages()) == 1
    assert reviewer.page.find("A").value == bad


@pytest.mark.parametrize("name", ["path", "file-path", "directory-path", "unheard-of"])
def test_paths_and_unknown_formats_are_plain_text(name: str) -> None:
    assert ask(a=text_of(format=name)).fill(A="/tmp/x").answer() == {"a": "/tmp/x"}


def test_a_server_that_quotes_a_secret_is_not_repeated() -> None:
    form = Reviewer(Login.model_json_schema()).fill(Password="hunter2").submit()
    form.attach([(("password",), "'hunter2' does not match")])
    assert [problem.message for problem in form.problems] == ["'••••••' does not match"]


def test_json_that_stands_for_fields_with_a_secret_is_not_kept() -> None:
    def read(schema: JSONValue) -> Form:
        return read_form(schema, QueryDict('f.0={"password": "hunter2"}'))

    circle: JSONValue = {"allOf": [{"$ref": "#/$defs/circle"}], "writeOnly": True}
    secretive: JSONValue = {
        "properties": {"a": {"$ref": "#/$defs/circle"}},
        "$defs": {"circle": circle},
    }
    form = read(secretive)
    assert "hunter2" not in str(form.inputs())
    again = read_form(secretive, FieldList(form.inputs()))
    assert "it was not kept: enter it again" in str(again.render())
    plain: JSONValue = {"properties": {"a": {}, "b": {"writeOnly": True}}}
    assert "hunter2" in str(read(plain).inputs())

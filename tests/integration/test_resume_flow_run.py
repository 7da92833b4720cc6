import json
import threading
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from flowruns.connectors.local import LocalConnector
from flowruns.domain.actors import reviewer
from flowruns.domain.rules import judge
from flowruns.domain.transitions import Abort, Accept
from flowruns.models import FlowRunState, RunInput
from flowruns.services.api_keys import create_api_key
from flowruns.services.runs.resume import ResumeOutcome, resume_flow_run
from tests.integration.conftest import APPROVAL_SCHEMA, Api, Make, Run


def test_an_accepted_answer_is_stored_and_the_run_goes_on(run: Run) -> None:
    run.pause_for_input()
    result = run.resume({"approve": True, "reason": "fine"})
    assert (result["http"], result["status"], result["state"]["type"]) == (201, "ACCEPT", "RUNNING")
    assert json.loads(run.read_input("paused-1-response").content) == {
        "approve": True,
        "reason": "fine",
    }


def test_an_answer_keeps_its_key_order_its_digits_and_its_types(run: Run) -> None:
    run.pause_for_input({"type": "object"})
    text = '{"z": 1, "a": 1.0, "big": 1180591620717411303424, "n": null, "e": "", "t": "é😀"}'
    run.resume(json.loads(text))
    assert run.read_input("paused-1-response").content.decode() == text


def test_a_pause_without_input_drops_an_answer_that_nobody_asked_for(run: Run) -> None:
    run.pause()
    assert run.resume({"approve": True})["status"] == "ACCEPT"
    assert run.read_input("paused-1-response").status_code == 404


def test_a_suspended_run_is_scheduled_for_now(make_run: Make) -> None:
    run = make_run(deployed=True)
    run.pause(pause_reschedule=True)
    state = run.resume()["state"]
    assert (state["type"], state["name"]) == ("SCHEDULED", "Resuming")
    assert run.read()["next_scheduled_start_time"] == state["state_details"]["scheduled_time"]


def test_a_run_that_is_not_paused_is_not_resumed(run: Run) -> None:
    result = run.resume()
    assert (result["http"], result["status"], result["state"]) == (200, "ABORT", None)
    assert result["details"] == {
        "type": "abort_details",
        "reason": "Cannot resume a flow run that is not paused.",
    }


def test_an_unknown_run_is_not_found(api: Api) -> None:
    assert api.post(f"/flow_runs/{uuid4()}/resume").status_code == 404


def test_a_refused_answer_names_every_problem_and_the_run_still_waits(run: Run) -> None:
    run.pause_for_input()
    result = run.resume({"reason": 3, "extra": 1})
    assert (result["http"], result["status"]) == (200, "REJECT")
    assert result["state"]["type"] == "PAUSED"
    paths = sorted(tuple(problem["path"]) for problem in result["details"]["problems"])
    assert paths == [(), ("approve",), ("reason",)]
    assert result["details"]["reason"].startswith("Reason: Validation failed")
    assert run.read()["state_type"] == "PAUSED"
    assert run.read_input("paused-1-response").status_code == 404


@pytest.mark.parametrize(
    ("number", "verdict"), [(0.3, "ACCEPT"), (19.9, "ACCEPT"), (0.35, "REJECT")]
)
def test_multiples_are_counted_in_decimals_as_the_flow_will(
    run: Run, number: float, verdict: str
) -> None:
    run.pause_for_input({"properties": {"a": {"type": "number", "multipleOf": 0.1}}})
    assert run.resume({"a": number})["status"] == verdict


@pytest.mark.parametrize(
    "rule",
    [
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": ["object", "array"]},
    ],
)
def test_a_list_or_object_that_may_be_left_out_takes_no_null(run: Run, rule: Any) -> None:
    run.pause_for_input(
        {"type": "object", "properties": {"tags": rule, "age": {"type": "integer"}}}
    )
    result = run.resume({"tags": None})
    assert result["status"] == "REJECT"
    assert [problem["path"] for problem in result["details"]["problems"]] == [["tags"]]
    assert "for field 'tags'" in result["details"]["reason"]
    assert run.resume({"age": None})["status"] == "ACCEPT"


def test_a_list_inside_that_may_be_left_out_takes_no_null(run: Run) -> None:
    inner = {"type": "object", "properties": {"tags": {"type": "array"}}}
    run.pause_for_input(
        {"properties": {"a": {"$ref": "#/definitions/A"}}, "definitions": {"A": inner}}
    )
    assert run.resume({"a": {"tags": None}})["status"] == "REJECT"
    assert run.resume({"a": {}})["status"] == "ACCEPT"


def test_a_list_that_says_that_it_may_be_null_takes_null(run: Run) -> None:
    rule = {"anyOf": [{"type": "array"}, {"type": "null"}], "default": None}
    run.pause_for_input({"properties": {"a": rule, "b": {"type": ["array", "null"]}}})
    assert run.resume({"a": None, "b": None})["status"] == "ACCEPT"


def test_no_answer_is_an_empty_answer(run: Run) -> None:
    run.pause_for_input(
        {"type": "object", "properties": {"note": {"default": "", "type": "string"}}}
    )
    assert run.resume()["status"] == "ACCEPT"


def test_a_secret_is_not_repeated_by_the_refusal(run: Run) -> None:
    secret = {"type": "string", "format": "password", "maxLength": 3}
    run.pause_for_input({"type": "object", "properties": {"token": secret}})
    result = run.resume({"token": "hunter2-hunter2"})
    assert result["status"] == "REJECT"
    assert "hunter2" not in json.dumps(result)


def test_a_run_input_that_is_no_object_is_unprocessable(run: Run) -> None:
    run.pause_for_input()
    assert run.api.post(f"/flow_runs/{run.id}/resume", {"run_input": [1]}).status_code == 422


def test_a_pause_that_timed_out_fails_instead(run: Run) -> None:
    run.pause_for_input(seconds=-1)
    result = run.resume({"approve": True})
    assert (result["http"], result["status"], result["state"]["type"]) == (201, "REJECT", "FAILED")
    assert result["state"]["message"] == "The flow was paused and never resumed."
    assert run.read_input("paused-1-response").status_code == 404


def test_a_schema_that_never_arrived_refuses_the_answer(run: Run) -> None:
    run.pause(run_input_keyset={"schema": "paused-1-schema", "response": "paused-1-response"})
    result = run.resume({"approve": True})
    assert (result["status"], result["details"]["reason"]) == (
        "REJECT",
        "Run input schema not found.",
    )


def test_a_schema_that_is_not_json_refuses_the_answer(run: Run) -> None:
    keyset = {"schema": "paused-1-schema", "response": "paused-1-response"}
    run.put("paused-1-schema", "{")
    run.pause(run_input_keyset=keyset)
    assert run.resume({})["details"]["reason"] == "Run input schema is not valid JSON."


@pytest.mark.parametrize("schema", [{"type": "nonsense"}, {"properties": 3}, [1], "text"])
def test_a_text_that_is_no_schema_is_unprocessable(run: Run, schema: Any) -> None:
    run.pause_for_input(schema)
    response = run.api.post(f"/flow_runs/{run.id}/resume", {"run_input": {"a": 1}})
    assert response.status_code == 422
    assert "schema" in json.loads(response.content)["detail"]


def test_a_schema_that_refers_to_itself_without_end_is_refused(run: Run) -> None:
    run.pause_for_input({"$ref": "#"})
    assert "circular" in run.resume({})["details"]["reason"]


@pytest.mark.parametrize("ref", ["http://example.com/schema.json", "#/definitions/Missing"])
def test_references_that_lead_nowhere_are_refused_and_nothing_is_fetched(
    run: Run, ref: str
) -> None:
    run.pause_for_input({"type": "object", "properties": {"a": {"$ref": ref}}})
    assert run.resume({"a": 1})["status"] == "REJECT"


@pytest.mark.slow
def test_a_catastrophic_pattern_costs_bounded_time(run: Run) -> None:
    run.pause_for_input({"type": "object", "properties": {"a": {"pattern": "^(a|a)*$"}}})
    assert run.resume({"a": "a" * 5000 + "!"})["status"] == "REJECT"


def test_a_pattern_of_rusts_dialect_is_checked(run: Run) -> None:
    run.pause_for_input({"type": "object", "properties": {"a": {"pattern": r"^\p{L}+$"}}})
    assert run.resume({"a": "1"})["status"] == "REJECT"
    assert run.resume({"a": "é"})["status"] == "ACCEPT"


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"__prefect_kind": "json", "value": '{"a": 1}'}, {"a": 1}),
        ({"a": {"__prefect_kind": "json", "value": "[1, 2]"}}, {"a": [1, 2]}),
        ({"a": {"__prefect_kind": "json"}, "b": 1}, {"b": 1}),
        ({"a": [{"__prefect_kind": "json"}, 1]}, {"a": [1]}),
        ({"a": {"__prefect_kind": "none", "value": {"b": 1}}}, {"a": {"b": 1}}),
        ({"a": {"__prefect_kind": "json", "value": {"b": 1}}}, {"a": {"b": 1}}),
        ({"__prefect_kind": "json"}, {}),
        (
            {"__prefect_kind": "json", "value": '{"a": {"__prefect_kind": "jinja"}}'},
            {"a": {"__prefect_kind": "jinja"}},
        ),
        ({"a": {"__prefect_kind": "jinja", "template": "{{ 2 + 2 }}"}}, {"a": "4"}),
        ({"a": {"__prefect_kind": "jinja", "template": "Hello {{ name }}"}}, {"a": "Hello "}),
        ({"a": {"__prefect_kind": "workspace_variable"}, "b": 1}, {"b": 1}),
        ({"__prefect_kind": "workspace_variable"}, {}),
        ({"a": {"__prefect_kind": "never-heard-of-it", "value": 1}}, {"a": 1}),
        ({"a": {"__prefect_kind": None, "value": [1]}}, {"a": [1]}),
        ({"a": {"__prefect_kind": 5}}, {"a": None}),
        ({"a": {"__prefect_kind": "json", "value": 2**70}}, {"a": 2**70}),
    ],
)
def test_placeholders_are_hydrated_as_prefect_does(run: Run, given: Any, stored: Any) -> None:
    run.pause_for_input({"type": "object"})
    assert run.resume(given)["status"] == "ACCEPT"
    assert json.loads(run.read_input("paused-1-response").content) == stored


@pytest.mark.parametrize(
    "placeholder",
    [
        {"__prefect_kind": "jinja"},
        {"__prefect_kind": "jinja", "template": 3},
        {"__prefect_kind": "jinja", "template": "{{ 'a' * 10**9 }}"},
        {"__prefect_kind": "jinja", "template": "{{ '\\ud800' }}"},
        {"__prefect_kind": "jinja", "template": {"__prefect_kind": "none"}},
        {"__prefect_kind": "workspace_variable", "variable_name": "nothing"},
        {"__prefect_kind": "workspace_variable", "variable_name": ["limits"]},
        {"__prefect_kind": "workspace_variable", "variable_name": 2**70},
        {"__prefect_kind": ["json"], "value": 1},
        {"__prefect_kind": {"a": 1}},
        {"__prefect_kind": "json", "value": '"\\ud800"'},
        {"__prefect_kind": "json", "value": "[" * 600 + "]" * 600},
        {"__prefect_kind": "none"},
        {"__prefect_kind": "json", "value": "{"},
        {"__prefect_kind": "json", "value": "NaN"},
        {"__prefect_kind": "json", "value": "[" * 100_000},
    ],
)
def test_other_placeholders_are_refused_with_a_reason(run: Run, placeholder: Any) -> None:
    run.pause_for_input({"type": "object"})
    result = run.resume({"a": placeholder})
    assert result["status"] == "REJECT"
    assert result["details"]["reason"].startswith("Error hydrating run input: ")
    assert run.read()["state_type"] == "PAUSED"


def use_variable(name: str) -> dict[str, str]:
    return {"__prefect_kind": "workspace_variable", "variable_name": name}


def test_an_answer_may_use_variables_and_templates_in_each_other(run: Run) -> None:
    limits = {"z": 1, "a": [None]}
    for name, value in {"limits": limits, "sum": "{{ (2 + 2) | tojson }}"}.items():
        run.api.post("/variables/", {"name": name, "value": value})
    run.pause_for_input({"type": "object"})
    template = {"__prefect_kind": "jinja", "template": use_variable("sum")}
    limits_name = {"__prefect_kind": "jinja", "template": "{{ 'lim' ~ 'its' }}"}
    given = {
        "four": {"__prefect_kind": "json", "value": template},
        "limits": [use_variable("limits"), use_variable("limits")],
        "by_template": {"__prefect_kind": "workspace_variable", "variable_name": limits_name},
    }
    assert run.resume(given)["status"] == "ACCEPT"
    stored = json.loads(run.read_input("paused-1-response").content)
    assert json.dumps(stored) == json.dumps(
        {"four": 4, "limits": [limits, limits], "by_template": limits}
    )


def test_what_a_variable_holds_is_no_placeholder(run: Run) -> None:
    run.api.post("/variables/", {"name": "sly", "value": use_variable("limits")})
    run.pause_for_input({"type": "object"})
    run.resume({"a": use_variable("sly")})
    assert json.loads(run.read_input("paused-1-response").content) == {"a": use_variable("limits")}


def test_a_variable_that_is_not_there_is_named(run: Run) -> None:
    run.pause_for_input({"type": "object"})
    reason = run.resume({"a": use_variable("nothing")})["details"]["reason"]
    assert reason == "Error hydrating run input: Variable 'nothing' not found in workspace."


def test_a_key_that_may_only_answer_uses_no_variables(run: Run) -> None:
    run.api.post("/variables/", {"name": "token", "value": "hunter2"})
    run.pause_for_input({"type": "object"})
    resumer = Run(Api(create_api_key("approver", scopes=["resume"])), run.id)
    results = [resumer.resume({"a": use_variable(name)}) for name in ("token", "nothing")]
    assert [result["status"] for result in results] == ["REJECT", "REJECT"]
    assert results[0]["details"] == results[1]["details"]  # not even whether there is one
    assert "scope 'flows'" in results[0]["details"]["reason"]
    given = {"a": {"__prefect_kind": "jinja", "template": "{{ 1 }}"}}
    assert resumer.resume(given)["status"] == "ACCEPT"


def test_a_rendered_answer_is_held_against_the_schema(run: Run) -> None:
    run.pause_for_input({"type": "object", "properties": {"a": {"type": "integer"}}})
    template = {"__prefect_kind": "jinja", "template": "{{ 2 + 2 }}"}
    assert run.resume({"a": template})["status"] == "REJECT"
    assert run.resume({"a": {"__prefect_kind": "json", "value": template}})["status"] == "ACCEPT"


def test_an_answer_that_is_nested_without_end_is_no_fault(run: Run) -> None:
    run.pause_for_input({"type": "object"})
    deep: Any = {"__prefect_kind": "none", "value": 1}
    for _ in range(600):
        deep = {"__prefect_kind": "none", "value": deep}
    response = run.api.post(f"/flow_runs/{run.id}/resume", {"run_input": {"a": deep}})
    assert response.status_code == 422
    assert run.read()["state_type"] == "PAUSED"


def test_what_a_reviewer_types_is_never_a_placeholder(run: Run) -> None:
    """Not in the dashboard, where a template would be a surprise and a variable a leak."""
    run.api.post("/variables/", {"name": "token", "value": "hunter2"})
    run.pause_for_input({"type": "object"})
    state = UUID(run.read()["state_id"])
    typed = {
        "token": use_variable("token"),
        "template": {"__prefect_kind": "jinja", "template": "{{ 2 + 2 }}"},
        "json": {"__prefect_kind": "json", "value": "1"},
    }
    reply = LocalConnector().resume_flow_run(
        run.uuid, run_input=typed, pause_state_id=state, actor=reviewer("alice")
    )
    assert reply.accepted
    assert json.loads(run.read_input("paused-1-response").content) == typed


def test_every_answer_records_its_actor(run: Run) -> None:
    run.pause_for_input()
    run.resume({"approve": True})
    answer = RunInput.objects.get(key="paused-1-response")
    assert (answer.actor_kind, answer.actor_name) == ("api_key", "tests")
    last = FlowRunState.objects.filter(flow_run_id=run.uuid).latest("version")
    assert str(last.actor) == "api_key:tests"


def test_only_the_pause_that_was_seen_is_resumed(run: Run) -> None:
    first = UUID(run.pause_for_input()["state"]["id"])
    run.resume({"approve": True})
    run.pause_for_input(key="2")
    late = resume_flow_run(
        run.uuid, run_input={"approve": True}, actor=reviewer("bob"), pause_state_id=first
    )
    assert isinstance(late.verdict, Abort)
    assert run.read()["state_type"] == "PAUSED"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("asks", [True, False])
def test_of_concurrent_resumes_exactly_one_is_accepted(
    make_run: Make, monkeypatch: pytest.MonkeyPatch, asks: bool
) -> None:
    """Each has judged before any of them writes, as far as the database lets them."""
    run = make_run()
    run.pause_for_input() if asks else run.pause()
    callers = 6
    barrier = threading.Barrier(callers if connection.vendor == "postgresql" else 1)
    first_time = threading.local()

    def judge_together(*args: Any) -> Any:
        verdict = judge(*args)
        if not getattr(first_time, "over", False):
            first_time.over = True
            barrier.wait(timeout=10)
        return verdict

    monkeypatch.setattr("flowruns.services.runs.resume.judge", judge_together)
    outcomes: list[ResumeOutcome] = []

    def call(number: int) -> None:
        try:
            outcomes.append(
                resume_flow_run(
                    run.uuid,
                    run_input={"approve": True, "reason": str(number)},
                    actor=reviewer(f"r{number}"),
                )
            )
        finally:
            connection.close()

    threads = [threading.Thread(target=call, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdicts = [type(outcome.verdict) for outcome in outcomes]
    assert sorted(verdicts, key=str) == sorted([Accept, *[Abort] * (callers - 1)], key=str)
    assert [state["type"] for state in run.states()].count("RUNNING") == 2
    if asks:
        winner = FlowRunState.objects.filter(flow_run_id=run.uuid).latest("version").actor_name
        answer = json.loads(run.read_input("paused-1-response").content)
        assert f"r{answer['reason']}" == winner


def test_a_retry_asks_again(make_run: Make) -> None:
    run = make_run(empirical_policy={"retries": 1})
    run.pause_for_input()
    run.resume({"approve": True})
    assert run.propose("FAILED")["state"]["name"] == "AwaitingRetry"
    assert run.read_input("paused-1-response").status_code == 404
    run.propose("RUNNING")
    assert run.pause_for_input(APPROVAL_SCHEMA)["status"] == "ACCEPT"
    assert run.propose("RUNNING")["status"] == "REJECT"

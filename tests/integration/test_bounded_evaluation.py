"""What clients send is evaluated within a deadline, wherever it is evaluated."""

import json
from typing import Any

import pytest
from django.db import connection

from approvals.schemaforms.schema import checks
from flowruns.domain.errors import EvaluationBusy, SchemaTooSlow
from flowruns.evaluation import answers, processes
from flowruns.evaluation.processes import evaluate
from flowruns.services.api_keys import create_api_key
from flowruns.services.runs import resume as resuming
from tests.integration.conftest import Api, Make, Run
from tests.integration.pages import log_in

DOUBLING = {
    "$ref": "#/$defs/d0",
    "$defs": {
        **{f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(30)},
        "d30": {},
    },
}
SLOW_PATTERN = {"pattern": "^(a|aa)+$"}
SLOW_TEXT = "a" * 60 + "!"

HOSTILE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "references that double": (DOUBLING, {}),
    "references that double beside unevaluated properties": (
        {**DOUBLING, "unevaluatedProperties": False},
        {"a": 1},
    ),
    "references that double in another dialect": (
        {
            "properties": {"a": {"$schema": "http://json-schema.org/draft-07/schema#", **DOUBLING}},
            "$defs": DOUBLING["$defs"],
        },
        {"a": 1},
    ),
    "a pattern under not": (
        {"properties": {"a": {"not": SLOW_PATTERN}}},
        {"a": SLOW_TEXT},
    ),
    "a pattern for names": ({"patternProperties": {"^(a|aa)+$": {}}}, {SLOW_TEXT: 1}),
    "many patterns for many names": (
        {"patternProperties": {f"(x+x+)+{i}": {} for i in range(500)}},
        {f"{'x' * 20}{i}": 1 for i in range(500)},
    ),
    "a pattern that is slow to compile": (
        {"properties": {"a": {"pattern": "(a|b)?" * 30_000}}},
        {"a": "c"},
    ),
    "far too many properties": ({"properties": {f"p{i}": {} for i in range(200_000)}}, {}),
    "comparisons of all with all": (
        {"properties": {"a": {"items": {"enum": [{"b": i} for i in range(5_000)]}}}},
        {"a": [{"b": -i} for i in range(5_000)]},
    ),
}


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "DEADLINE_SECONDS", 0.3)


@pytest.mark.parametrize(("schema", "values"), HOSTILE.values(), ids=HOSTILE)
@pytest.mark.slow
def test_what_takes_too_long_ends_at_the_deadline(
    schema: dict[str, Any], values: dict[str, Any], hurried: None
) -> None:
    with pytest.raises(SchemaTooSlow, match="too slow to check"):
        evaluate(answers.try_values, schema, values)


@pytest.mark.slow
def test_a_schema_of_three_thousand_properties_is_checked_in_time() -> None:
    schema = {"properties": {f"p{i}": {"type": "string"} for i in range(3_000)}}
    assert evaluate(answers.try_values, schema, {"p7": "x"}) == []


@pytest.mark.slow
def test_thousands_of_objects_are_compared_in_time() -> None:
    schema = {"properties": {"a": {"uniqueItems": True}}}
    items = [{"b": [i, {"c": i}]} for i in range(10_000)]
    assert evaluate(answers.try_values, schema, {"a": items}) == []
    (problem,) = evaluate(answers.try_values, schema, {"a": [*items, items[0]]})
    assert problem.path == ("a",)


def test_what_is_far_too_large_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "MAX_SIZE", 1_000)
    with pytest.raises(SchemaTooSlow):
        evaluate(answers.try_values, {}, {"a": [0] * 2_000})


def test_what_is_cheap_needs_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_processes", None)
    schema = {"properties": {f"p{i}": {"type": "string", "minLength": 1} for i in range(50)}}
    assert len(evaluate(answers.try_values, schema, {"p7": ""})) == 1


@pytest.mark.slow
def test_a_process_that_was_killed_is_replaced(
    hurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SchemaTooSlow):
        evaluate(answers.try_values, DOUBLING, {})
    monkeypatch.undo()  # no haste for the next one, which a busy machine begins slowly
    schema = {"properties": {"a": {"unevaluatedProperties": False}}}
    assert len(evaluate(answers.try_values, schema, {"a": {"b": 1}})) == 1


@pytest.mark.slow
def test_what_a_job_raises_in_a_process_is_raised_here() -> None:
    schema = {"unevaluatedProperties": False, "$ref": "#/$defs/none"}
    with pytest.raises(answers.AnswerRefused, match="Validation failed"):
        evaluate(answers.check_answer, json.dumps(schema), {})


@pytest.mark.slow
def test_a_process_asks_for_the_variables_that_it_needs() -> None:
    values = {"a": {"__prefect_kind": "workspace_variable", "variable_name": "colour"}}
    schema = {"unevaluatedProperties": False, "properties": {"a": {}}}
    checked = evaluate(
        answers.check_answer,
        json.dumps(schema),
        values,
        find_variable=lambda name: f"the {name}",
    )
    assert checked.value == {"a": "the colour"}


def test_who_finds_all_processes_taken_is_told_to_come_again(
    monkeypatch: pytest.MonkeyPatch, hurried: None
) -> None:
    taken = processes._Processes()
    monkeypatch.setattr(processes, "_processes", taken)
    with taken._turn("a"), taken._turn("b"), taken._turn("c"), pytest.raises(EvaluationBusy):
        evaluate(answers.try_values, DOUBLING, {})


def test_nobody_has_all_processes(hurried: None) -> None:
    """Else one key would keep the answers of all reviewers from being checked."""
    shared = processes._processes
    with shared._turn("attacker"), shared._turn("attacker"):
        with pytest.raises(EvaluationBusy), shared._turn("attacker"):
            pass
        schema = {"properties": {"a": {"unevaluatedProperties": False}}}
        assert len(evaluate(answers.try_values, schema, {"a": {"b": 1}})) == 1
    assert not shared._busy


def test_a_key_evaluates_for_itself(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    callers: list[str] = []

    def note(*_: Any) -> list[Any]:
        callers.append(processes._caller.get())
        return []

    monkeypatch.setattr(processes._processes, "run", note)
    another = Api(create_api_key("another", scopes=["flows"]))
    for each in (api, another):
        each.post("/ui/schemas/validate", {"schema": DOUBLING, "values": {}})
    assert len(set(callers)) == 2
    assert "" not in callers


def test_nobody_who_waits_for_a_process_starts_one_after_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else each of them would keep a server that is told to end for two seconds more."""
    ended = processes._Processes()
    monkeypatch.setattr(processes, "_processes", ended)
    monkeypatch.setattr(processes, "_Process", None)
    processes.end_processes()
    with pytest.raises(EvaluationBusy):
        evaluate(answers.try_values, DOUBLING, {})
    processes.begin_processes()
    with pytest.raises(TypeError):
        evaluate(answers.try_values, DOUBLING, {})


@pytest.mark.parametrize(
    "template",
    [
        "{% for x in range(100) %}{% for y in range(60) %}{{ 'ba'|sort }}{% endfor %}{% endfor %}",
        "{% for x in range(100) %}{{ ('b' ~ x * 100)|list|sort|join|list|sort }}{% endfor %}",
    ],
)
@pytest.mark.slow
def test_a_template_ends_within_the_deadline(template: str, hurried: None) -> None:
    values = {"a": {"__prefect_kind": "jinja", "template": template}}
    try:
        evaluate(answers.check_answer, "{}", values)
    except (answers.AnswerRefused, SchemaTooSlow):
        return


def test_a_trial_that_takes_too_long_is_422(api: Api, hurried: None) -> None:
    response = api.post("/ui/schemas/validate", {"schema": DOUBLING, "values": {}})
    assert response.status_code == 422
    assert json.loads(response.content) == {"detail": "The schema is too slow to check."}


def test_an_answer_that_takes_too_long_is_refused_and_the_run_still_waits(
    run: Run, hurried: None
) -> None:
    run.pause_for_input(DOUBLING)
    result = run.resume({})
    assert (result["status"], result["state"]["type"]) == ("REJECT", "PAUSED")
    assert result["details"]["reason"] == "The schema is too slow to check."


def test_parameters_that_take_too_long_are_422(api: Api, make_run: Make, hurried: None) -> None:
    flow_id = make_run().read()["flow_id"]
    deployment = {
        "name": "slow",
        "flow_id": flow_id,
        "parameter_openapi_schema": DOUBLING,
    }
    enforced = {"enforce_parameter_schema": True}
    made = json.loads(api.post("/deployments/", deployment).content)
    path = f"/deployments/{made['id']}"
    for response in (
        api.post("/deployments/", deployment | enforced),
        api.request("PATCH", path, enforced),
        api.post(f"{path}/create_flow_run", {"parameters": {}, **enforced}),
    ):
        assert response.status_code == 422
        assert json.loads(response.content) == {"detail": "The schema is too slow to check."}


def test_who_comes_while_others_take_all_processes_is_told_when_to_come_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take_all(*_: Any) -> None:
        raise EvaluationBusy

    monkeypatch.setattr(processes._processes, "run", take_all)
    response = api.post("/ui/schemas/validate", {"schema": DOUBLING, "values": {}})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")


@pytest.mark.django_db(transaction=True)
def test_nothing_is_evaluated_inside_a_transaction(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluate_outside(*arguments: Any, **options: Any) -> Any:
        assert not connection.in_atomic_block
        return evaluate(*arguments, **options)

    monkeypatch.setattr(resuming, "evaluate", evaluate_outside)
    run.pause_for_input()
    assert run.resume({"approve": True})["status"] == "ACCEPT"


@pytest.mark.django_db(transaction=True)
def test_an_answer_is_checked_anew_when_the_schema_changed_meanwhile(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.pause_for_input()
    checked: list[str] = []

    def change_meanwhile(job: Any, schema: str, run_input: Any, **options: Any) -> Any:
        if not checked:
            run.api.request("DELETE", f"/flow_runs/{run.id}/input/paused-1-schema")
            run.put("paused-1-schema", json.dumps({"required": ["signature"]}))
        checked.append(schema)
        return evaluate(job, schema, run_input, **options)

    monkeypatch.setattr(resuming, "evaluate", change_meanwhile)
    result = run.resume({"approve": True})
    assert (result["status"], len(checked)) == ("REJECT", 2)
    assert "signature" in result["details"]["reason"]


@pytest.mark.slow
def test_a_preview_of_a_hostile_schema_is_shown(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MAX_CHECKS_SECONDS", 0.1)
    reviewer = log_in()
    for schema, values in HOSTILE.values():
        page = reviewer.post(
            "/preview/", {"schema": json.dumps(schema), "form": json.dumps(values)}
        )
        assert page.status_code in {200, 422}

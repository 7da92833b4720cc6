"""The options of decorators and functions, held against those that Prefect 3.9.1 takes."""

import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest

import flowruns
from flowruns import Flow, Task, flow, task
from flowruns.sdk.runs.options import FlowOptions, TaskOptions
from tests.documents import DOCS
from tests.servers import ROOT

RECORDED: dict[str, list[str]] = json.loads(
    (ROOT / "tests" / "data" / "prefect-3.9.1-options.json").read_text()
)
# What is left out, so that nobody takes it for having an effect.
RESULTS = {"result_serializer", "cache_result_in_memory"}
CACHE = {"cache_policy", "cache_key_fn", "cache_expiration", "refresh_cache", "result_storage_key"}
RARE = {"viz_return_value", "asset_deps"}
REFUSED = {
    "flow": RESULTS,
    "task": {"version", "on_rollback", "on_commit"} | RESULTS | CACHE | RARE,
    "Flow.with_options": RESULTS,
    "Task.with_options": RESULTS | CACHE | RARE,
    "Flow.to_deployment": {
        *("triggers", "version_type", "work_pool_name", "work_queue_name", "job_variables"),
        *("entrypoint_type", "_sla"),
    },
    "Flow.serve": {"triggers", "print_starting_message", "webserver", "entrypoint_type"},
    "serve": {"print_starting_message"},
    "run_deployment": {"work_queue_name"},
}


def do_nothing() -> None: ...


SERVED = flow(do_nothing)
CALLS: dict[str, Callable[..., Any]] = {
    "flow": flow,
    "task": task,
    "Flow.with_options": SERVED.with_options,
    "Task.with_options": task(do_nothing).with_options,
    "Flow.to_deployment": SERVED.to_deployment,
    "Flow.serve": SERVED.serve,
    "serve": flowruns.serve,
    "run_deployment": lambda **options: flowruns.run_deployment("a/b", **options),
}


def taken(name: str) -> set[str]:
    """Return the options that a call of ours takes."""
    kind, _, method = name.rpartition(".")
    if method in {"flow", "task", "with_options"}:
        options = FlowOptions if kind == "Flow" or method == "flow" else TaskOptions
        return set(options.__annotations__)
    call = getattr(Flow, method) if kind else getattr(flowruns, method)
    # What `serve` does not know it passes on.
    passed_on = inspect.signature(Flow.to_deployment).parameters if name == "Flow.serve" else ()
    return {*inspect.signature(call).parameters, *passed_on}


@pytest.mark.parametrize("name", RECORDED)
def test_every_option_of_prefects_is_taken_or_listed_as_refused(name: str) -> None:
    assert set(RECORDED[name]) - taken(name) == REFUSED.get(name, set())


@pytest.mark.parametrize(
    ("name", "option"),
    [(name, option) for name, all_ in REFUSED.items() for option in sorted(all_)],
)
def test_a_refused_option_is_named(name: str, option: str) -> None:
    with pytest.raises(TypeError, match=rf"'{option}'"):
        CALLS[name](**{option: None})


def test_the_documents_list_what_the_decorators_refuse() -> None:
    text = " ".join((DOCS / "prefect.md").read_text().split())
    assert {option for option in REFUSED["task"] if f"`{option}`" not in text} == set()


@pytest.mark.parametrize(
    ("decorate", "options", "problem"),
    [
        (flow, {"flow_run_name": 3}, "flow_run_name must be a text or a function, not int"),
        (task, {"task_run_name": 3}, "task_run_name must be a text or a function, not int"),
        (task, {"retry_delay_seconds": "3"}, "retry_delay_seconds must be numbers, not str"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_the_decorator(
    decorate: Any, options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(TypeError, match=problem):
        decorate(**options)(do_nothing)


@pytest.mark.parametrize(
    "options", [{"retry_jitter_factor": -1}, {"retry_delay_seconds": [1] * 51, "retries": 2}]
)
def test_so_is_what_is_out_of_bounds(options: Any) -> None:
    with pytest.raises(ValueError, match="retry_"):
        task(**options)(do_nothing)


def test_a_class_is_no_function() -> None:
    with pytest.raises(TypeError, match="made of a function"):
        Task(3)  # type: ignore[arg-type]

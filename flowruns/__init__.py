"""Flow runs that wait for people: states, rules, storage, API, and what runs inside flows.

The names below are for flows. They load with their first use, so that `import flowruns` costs
nothing and needs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowruns.domain.states import StateType
    from flowruns.sdk.calls.client import get_client
    from flowruns.sdk.calls.waiting import wait_for_flow_run
    from flowruns.sdk.context import get_run_context, tags
    from flowruns.sdk.flows import Flow, flow
    from flowruns.sdk.inputs.pauses import apause_flow_run, pause_flow_run
    from flowruns.sdk.inputs.resumes import aresume_flow_run, resume_flow_run
    from flowruns.sdk.inputs.run_input import RunInput
    from flowruns.sdk.inputs.sending import asend_input, receive_input, send_input
    from flowruns.sdk.inputs.suspensions import asuspend_flow_run, suspend_flow_run
    from flowruns.sdk.reporting.logs import get_run_logger
    from flowruns.sdk.runs.futures import TaskFuture, ThreadPoolTaskRunner
    from flowruns.sdk.serving.deployments import (
        ConcurrencyLimitConfig,
        arun_deployment,
        run_deployment,
    )
    from flowruns.sdk.serving.serving import aserve, serve
    from flowruns.sdk.states import FlowRun, State
    from flowruns.sdk.tasks import Task, task, unmapped

__all__ = [
    "ConcurrencyLimitConfig",
    "Flow",
    "FlowRun",
    "RunInput",
    "State",
    "StateType",
    "Task",
    "TaskFuture",
    "ThreadPoolTaskRunner",
    "apause_flow_run",
    "aresume_flow_run",
    "arun_deployment",
    "asend_input",
    "aserve",
    "asuspend_flow_run",
    "flow",
    "get_client",
    "get_run_context",
    "get_run_logger",
    "pause_flow_run",
    "receive_input",
    "resume_flow_run",
    "run_deployment",
    "send_input",
    "serve",
    "suspend_flow_run",
    "tags",
    "task",
    "unmapped",
    "wait_for_flow_run",
]

_HOMES = {
    "domain.states": ["StateType"],
    "sdk.calls.client": ["get_client"],
    "sdk.context": ["get_run_context", "tags"],
    "sdk.serving.deployments": ["ConcurrencyLimitConfig", "arun_deployment", "run_deployment"],
    "sdk.flows": ["Flow", "flow"],
    "sdk.runs.futures": ["TaskFuture", "ThreadPoolTaskRunner"],
    "sdk.inputs.sending": ["asend_input", "receive_input", "send_input"],
    "sdk.inputs.pauses": ["apause_flow_run", "pause_flow_run"],
    "sdk.inputs.resumes": ["aresume_flow_run", "resume_flow_run"],
    "sdk.inputs.run_input": ["RunInput"],
    "sdk.reporting.logs": ["get_run_logger"],
    "sdk.serving.serving": ["aserve", "serve"],
    "sdk.states": ["FlowRun", "State"],
    "sdk.inputs.suspensions": ["asuspend_flow_run", "suspend_flow_run"],
    "sdk.tasks": ["Task", "task", "unmapped"],
    "sdk.calls.waiting": ["wait_for_flow_run"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

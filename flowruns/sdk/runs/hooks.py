"""Call what an author wants to be called when a run enters a state; semantics of Prefect 3.9."""

import contextvars
import inspect
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

from flowruns.sdk.states import State
from flowruns.sdk.steps.steps import Block, Invoke, Steps

# Called with the flow and its flow run, or the task and its task run, and the state.
type Hook = Callable[[Any, Any, State[Any]], Any]
type GivenHooks = Sequence[Hook] | None


@dataclass(slots=True, kw_only=True)
class Hooks:
    """What to call for which state of a flow or a task."""

    on_running: list[Hook] = field(default_factory=list)
    on_completion: list[Hook] = field(default_factory=list)
    on_failure: list[Hook] = field(default_factory=list)
    on_crashed: list[Hook] = field(default_factory=list)
    on_cancellation: list[Hook] = field(default_factory=list)

    @classmethod
    def of_options(cls, options: Mapping[str, Any]) -> "Hooks":
        """Gather what `@flow` or `@task` was given."""
        return cls(**{each.name: list(options.get(each.name) or ()) for each in fields(cls)})

    def adopt(self, others: "Hooks", *, unless: Mapping[str, Any]) -> None:
        """Take over the hooks of another flow or task, but not of the kinds in `unless`."""
        for each in fields(self):
            if each.name not in unless:
                setattr(self, each.name, list(getattr(others, each.name)))

    def of(self, state: State[Any]) -> Sequence[Hook]:
        if state.is_cancelling() or state.is_cancelled():
            return self.on_cancellation
        hooks = {
            "RUNNING": self.on_running,
            "COMPLETED": self.on_completion,
            "FAILED": self.on_failure,
            "CRASHED": self.on_crashed,
        }
        return hooks.get(state.type.value, ())


def hook_steps(
    hooks: Hooks,
    owner: Any,
    run: Any,
    state: State[Any],
    logger: "logging.LoggerAdapter[logging.Logger]",
) -> Steps[None]:
    """Call the hooks of `state`; one that fails is logged and changes nothing."""
    for hook in hooks.of(state):
        name = getattr(hook, "__name__", type(hook).__name__)
        text = "Running hook %r in response to entering state %r"
        logger.info(text, name, state.name)
        try:
            yield from call_author(partial(hook, owner, run, state))
        except Exception:
            logger.exception("An error was encountered while running hook %r", name)
        else:
            logger.info("Hook %r finished running successfully", name)


def call_author(call: Callable[[], Any]) -> Steps[Any]:
    """Call what an author has written, sync or async, and return what it returns."""
    result = yield Invoke(call)
    if inspect.iscoroutine(result):  # in sync code, which awaits nothing itself
        result = yield Block(partial(_run_elsewhere, result))
    return result


def _run_elsewhere(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run it in a thread of its own: this one may have an event loop that is busy here."""
    import asyncio

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(contextvars.copy_context().run, asyncio.run, coroutine).result()


class HookDecorator:
    """A method that adds a hook: `@my_flow.on_failure`."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, owner: Any, kind: type) -> Callable[[Hook], Hook]:
        def add(hook: Hook) -> Hook:
            getattr(owner.hooks, self._name).append(hook)
            return hook

        return add

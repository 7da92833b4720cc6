"""What `@flow` and `@task` take; names and meanings of Prefect 3.9, of which some are left out."""

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypedDict

from flowruns.sdk.runs.futures import ThreadPoolTaskRunner
from flowruns.sdk.runs.hooks import GivenHooks
from flowruns.sdk.states import State, TaskRun

# Text with the names of parameters in braces, or a function of none or of `parameters`.
type RunName = str | Callable[..., str]
# Seconds; of several each is for one time, and the last for all that follow.
type RetryDelay = float | Sequence[float] | Callable[[int], Sequence[float]]
# Says of a task, its run and the state that it would fail with whether to try again.
type RetryCondition = Callable[[Any, TaskRun, State[Any]], Any]

# As in Prefect 3.9: nobody means more.
MOST_RETRY_DELAYS: Final = 50


class _Options(TypedDict, total=False):
    name: str | None
    description: str | None
    retries: int
    timeout_seconds: float | None
    log_prints: bool | None
    persist_result: bool | None
    result_storage: str | Path | None
    on_completion: GivenHooks
    on_failure: GivenHooks
    on_running: GivenHooks


class FlowOptions(_Options, total=False):
    """The options of `@flow`."""

    version: str | None
    flow_run_name: RunName | None
    retry_delay_seconds: float
    task_runner: ThreadPoolTaskRunner | None
    validate_parameters: bool
    on_cancellation: GivenHooks
    on_crashed: GivenHooks


class TaskOptions(_Options, total=False):
    """The options of `@task`."""

    tags: Iterable[str] | None
    task_run_name: RunName | None
    retry_delay_seconds: RetryDelay
    retry_jitter_factor: float | None
    retry_condition_fn: RetryCondition | None


def check_options(decorator: str, given: Mapping[str, Any], known: type[Any]) -> None:
    """Raise TypeError, which names the option, for one that the decorator does not take."""
    for name in given:
        if name not in known.__annotations__:
            raise TypeError(
                f"@{decorator} of flowruns has no option {name!r}."
                f" It takes {', '.join(sorted(known.__annotations__))}."
            )


def check_name(option: str, given: Any) -> Any:
    """Return a run name as it was given; raise TypeError unless it is a text or a function."""
    if given is None or isinstance(given, str) or callable(given):
        return given
    raise TypeError(f"{option} must be a text or a function, not {type(given).__name__}")


def check_delays(given: RetryDelay, retries: int) -> float | Sequence[float]:
    """Return the delays before retries; raises TypeError or ValueError for what are none."""
    delays = given(retries) if callable(given) else given
    if not isinstance(delays, int | float | Sequence) or isinstance(delays, str):
        raise TypeError(f"retry_delay_seconds must be numbers, not {type(delays).__name__}")
    if isinstance(delays, Sequence) and len(delays) > MOST_RETRY_DELAYS:
        raise ValueError(f"retry_delay_seconds has more than {MOST_RETRY_DELAYS} delays")
    return delays


def plain_function(given: Any) -> tuple[Callable[..., Any], type | None]:
    """Return the function, and `staticmethod` or `classmethod` where it is one of a class."""
    if isinstance(given, staticmethod | classmethod):
        return given.__func__, type(given)
    if not callable(given):
        raise TypeError(f"A flow or a task is made of a function, not of {given!r}")
    return given, None


def bind_method[T](owner: T, instance: Any, kind: type) -> T:
    """Return `owner`, a flow or a task of a class body, for the instance or the class."""
    made_of: type | None = getattr(owner, "made_of", None)
    target = kind if made_of is classmethod else instance
    function = getattr(owner, "fn")  # noqa: B009 -- of flows and tasks alike
    if made_of is staticmethod or target is None or not hasattr(function, "__get__"):
        return owner
    bound = copy.copy(owner)
    bound.fn = function.__get__(target)  # type: ignore[attr-defined]
    return bound


def custom_name(given: RunName | None, parameters: Mapping[str, Any], option: str) -> str | None:
    """Name a run by its template or function; None where there is none of its own.

    Raises KeyError for a parameter that is not there, TypeError where a function gives no text.
    """
    if not callable(given):
        return given.format(**parameters) if given else None
    takes_parameters = "parameters" in inspect.signature(given).parameters
    name = given(parameters=parameters) if takes_parameters else given()
    if not isinstance(name, str):
        raise TypeError(f"{option} must return a text, not {type(name).__name__}")
    return name

"""Send values of any type from flow run to flow run; semantics of Prefect 3.9."""

from collections.abc import Iterable
from typing import Any, overload
from uuid import UUID

from flowruns.sdk.inputs.messages import InputReader
from flowruns.sdk.inputs.run_input import (
    AutomaticRunInput,
    as_run_input,
    run_input_subclass_from_type,
)


def send_input(
    run_input: Any, flow_run_id: UUID, sender: str | None = None, key_prefix: str | None = None
) -> None:
    """Send a value to a flow run, which gets it by `receive_input`; awaitable in async code.

    `run_input` is a RunInput, another pydantic model, or any value with a JSON form. What the
    others mean, and what is raised, is written at `RunInput.send_to`.

    Example: `send_input("Ready", flow_run_id=other)`
    """
    return as_run_input(run_input).send_to(flow_run_id, sender, key_prefix)


async def asend_input(
    run_input: Any, flow_run_id: UUID, sender: str | None = None, key_prefix: str | None = None
) -> None:
    """Send a value to a flow run: `send_input` for async code."""
    await as_run_input(run_input).asend_to(flow_run_id, sender, key_prefix)


@overload
def receive_input[T](
    input_type: type[T],
    timeout: float | None = 3600,
    poll_interval: float = 10,
    raise_timeout_error: bool = False,
    exclude_keys: Iterable[str] | None = None,
    key_prefix: str | None = None,
    flow_run_id: UUID | None = None,
) -> InputReader[T]: ...
@overload
def receive_input(
    input_type: Any,
    timeout: float | None = 3600,
    poll_interval: float = 10,
    raise_timeout_error: bool = False,
    exclude_keys: Iterable[str] | None = None,
    key_prefix: str | None = None,
    flow_run_id: UUID | None = None,
    with_metadata: bool = False,
) -> InputReader[Any]: ...
def receive_input(  # noqa: PLR0913, PLR0917 -- Prefect's signature
    input_type: Any,
    timeout: float | None = 3600,
    poll_interval: float = 10,
    raise_timeout_error: bool = False,
    exclude_keys: Iterable[str] | None = None,
    key_prefix: str | None = None,
    flow_run_id: UUID | None = None,
    with_metadata: bool = False,
) -> Any:
    """Read the values of a type that are sent to the current flow run, or to another.

    `input_type` is a RunInput, or any type that pydantic knows. The reader is an iterator, sync
    and async; how it ends and acknowledges is written at InputReader. A model comes with its
    `metadata`, another value in a wrapper that has it if `with_metadata` is true.

    Example:
        for name in receive_input(str, timeout=60, poll_interval=1):
            print(f"Hello {name}")
    """
    model: Any = run_input_subclass_from_type(input_type)
    is_wrapped = issubclass(model, AutomaticRunInput)
    options = {"with_metadata": with_metadata} if is_wrapped else {}
    return model.receive(
        timeout=timeout,
        poll_interval=poll_interval,
        raise_timeout_error=raise_timeout_error,
        exclude_keys=exclude_keys,
        key_prefix=key_prefix,
        flow_run_id=flow_run_id,
        **options,
    )

"""Pause a flow run until a person answers.

How it pauses loads with the first pause, since many a process only names what may pause.
"""

from typing import Any, overload

from flowruns.sdk.dispatch import dispatch, on_loop


@overload
def pause_flow_run(
    wait_for_input: None = None,
    timeout: float = 3600,
    poll_interval: float = 10,
    key: str | None = None,
    *,
    policy: str | None = None,
) -> None: ...
@overload
def pause_flow_run[T](
    wait_for_input: type[T],
    timeout: float = 3600,
    poll_interval: float = 10,
    key: str | None = None,
    *,
    policy: str | None = None,
) -> T: ...
@overload
def pause_flow_run(
    wait_for_input: Any,
    timeout: float = 3600,
    poll_interval: float = 10,
    key: str | None = None,
    *,
    policy: str | None = None,
) -> Any: ...
def pause_flow_run(
    wait_for_input: Any = None,
    timeout: float = 3600,
    poll_interval: float = 10,
    key: str | None = None,
    *,
    policy: str | None = None,
) -> Any:
    """Pause the current flow run and block until a person resumes it; semantics of Prefect 3.9.

    Awaitable in an async flow, where `apause_flow_run` is the same with types to match. Tasks
    that have started keep running, others wait until the run goes on (Prefect starts them);
    other pauses of the run wait their turn.

    `wait_for_input` is a RunInput, or any type that pydantic knows; the answer is returned.
    After `timeout` seconds the pause fails. A server that cannot hold requests is asked every
    `poll_interval` seconds. `key` names the pause: one that has fired returns the stored answer.
    It defaults to the number of pauses that the flow has met, this one included.

    An answer belongs to the question that its person saw: to the key, or without one to what it
    asks (type, description and initial data), asked by the same flow or call of a task, at the
    same place while the code is unedited. A flow that begins again gets the answers to what it
    has asked and asks what it has not; one whose words change each time gets
    AnswerBelongsElsewhere: keys such as `key=f"order-{order}"` let it use any words.

    `policy` says who may answer, such as "2 of @finance, not the requester"; without it the
    `approval_policy` of the RunInput does. It adds to what the operator of the server says, and
    a server of Prefect's does not enforce it.

    Raises FlowPauseTimeout; ApprovalRejected, PauseCancelled, PauseFailed or PausedRunDeleted
    when the run ends meanwhile; PauseRefused or its
    AnswerBelongsElsewhere; MissingContextError outside of a flow run;
    pydantic.ValidationError where the answer is none that the type accepts; ValueError for a
    negative timeout or a policy that cannot be read, before anybody is asked.

    Example: `answer = pause_flow_run(wait_for_input=Approval, timeout=86400)`
    """
    from flowruns.sdk.inputs.pausing import pause_steps

    return dispatch(
        pause_steps(
            wait_for_input,
            timeout=timeout,
            poll_interval=poll_interval,
            key=key,
            policy=policy,
        )
    )


@overload
async def apause_flow_run(
    wait_for_input: None = None,
    timeout: float = 3600,  # noqa: ASYNC109 -- Prefect's signature
    poll_interval: float = 10,
    key: str | None = None,
    *,
    policy: str | None = None,
) -> None: ...
@overload
async def apause_flow_run[T](
    wait_for_input: type[T],
    timeout: float = 3600,  # noqa: ASYNC109 -- Prefect's signature
    poll_interval: float = 10,
    key: str | None = None,
    *,
    policy: str | None = None,
) -> T: ...
@overload
async def apause_flow_run(
    wait_for_input: Any,
    timeout: float = 3600,  # noqa: ASYNC109 -- Prefect's signature
    poll_interval: float = 10,
    key: str | None = None,
    *,
    policy: str | None = None,
) -> Any: ...
async def apause_flow_run(
    wait_for_input: Any = None,
    timeout: float = 3600,  # noqa: ASYNC109 -- Prefect's signature
    poll_interval: float = 10,
    key: str | None = None,
    *,
    policy: str | None = None,
) -> Any:
    """Pause the current flow run until a person resumes it: `pause_flow_run` for async code.

    Example: `answer = await apause_flow_run(wait_for_input=Approval)`
    """
    from flowruns.sdk.inputs.pausing import pause_steps

    return await on_loop(
        pause_steps(
            wait_for_input,
            timeout=timeout,
            poll_interval=poll_interval,
            key=key,
            policy=policy,
        )
    )

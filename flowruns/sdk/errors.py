"""What can go wrong in a flow, as a tree.

FlowRunsError
├── ConfigurationError              a setting is wrong; the message names it
├── ServerError                     `.is_permanent` says whether asking again may help
│   ├── ServerUnreachable           away, restarting or overloaded: ask again
│   ├── NotAuthorized               the key was refused
│   ├── ObjectNotFound
│   ├── ObjectAlreadyExists
│   ├── StateHasChanged             somebody else was faster; read it and decide again
│   └── RequestRefused              any other answer that nobody asked for
├── PauseEnded                      the run left its pause, but not to go on; `.state` says how
│   ├── PauseCancelled
│   │   └── ApprovalRejected        `.reviewer` said no, `.reason` says why
│   ├── PauseFailed
│   └── PausedRunDeleted
├── FlowPauseTimeout                nobody answered in time
├── PauseRefused                    the server does not let this run pause now (also RuntimeError)
│   └── AnswerBelongsElsewhere      the stored answer was given to another question
├── NotPausedError                  nothing to resume, or somebody else was faster
├── ResumeRefused                   the answer was refused, the run still waits (also RuntimeError)
├── SenderIsNoFlowRun               nobody who could get a response (also RuntimeError)
├── FlowRunWaitTimeout              = FlowWaitTimeout
├── FlowNotServable                 no other process could import the flow
├── FlowRunNotOurs                  another process runs it, or it has ended meanwhile
├── MissingContextError             called outside of a run (also RuntimeError)
├── ResultNotPersisted              a result or an argument that no other process could read
├── MissingResult                   the result lives in another process
├── UnfinishedRun, PausedRun        no result yet
├── FailedRun, CrashedRun, CancelledRun
├── FlowRunTimeoutError             its `timeout_seconds` have passed (also TimeoutError)
├── TaskRunTimeoutError             the same for a task run
├── UpstreamTaskError               a task that this one needs did not complete
├── ParameterBindError              the arguments do not fit the function (also TypeError)
└── ParameterTypeError              an argument is of the wrong type
TerminationSignal (BaseException)   the process was told to end
FlowRunSuspended (BaseException)    this process leaves the run, another one will go on

Names that Prefect 3.9 has too mean the same as there. The docstring is the default message.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from flowruns import wire


class FlowRunsError(Exception):
    """Something went wrong in a flow."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class ConfigurationError(FlowRunsError):
    """A setting is wrong."""


class ServerError(FlowRunsError):
    """The server did not do what it was asked."""

    is_permanent = True


class ServerUnreachable(ServerError):
    """The server cannot be reached."""

    is_permanent = False

    def __init__(self, message: str | None = None, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotAuthorized(ServerError):
    """The server refused the API key."""


class ObjectNotFound(ServerError):
    """The server knows no such object."""


class ObjectAlreadyExists(ServerError):
    """The server has such an object already."""


class StateHasChanged(ServerError):
    """The flow run is no longer in the state that the proposal was made for."""


class RequestRefused(ServerError):
    """The server refused the request."""


class FlowRunNotOurs(FlowRunsError):
    """Another process runs the flow run, or it has ended."""


class PauseEnded(FlowRunsError):
    """The flow run was paused and is not going on."""

    def __init__(
        self, message: str | None = None, *, flow_run_id: UUID, state: "wire.State | None"
    ) -> None:
        super().__init__(message)
        self.flow_run_id = flow_run_id
        self.state = state


class PauseCancelled(PauseEnded):
    """The flow run was cancelled while it was paused."""


class ApprovalRejected(PauseCancelled):
    """A reviewer rejected the flow run."""

    def __init__(
        self, *, reviewer: str, reason: str, flow_run_id: UUID, state: "wire.State | None"
    ) -> None:
        message = f"Rejected by {reviewer or 'a reviewer'}: {reason}"
        super().__init__(message, flow_run_id=flow_run_id, state=state)
        self.reviewer = reviewer
        self.reason = reason


class PauseFailed(PauseEnded):
    """The flow run was ended by somebody else while it was paused."""


class PausedRunDeleted(PauseEnded):
    """The flow run was deleted while it was paused."""


class FlowPauseTimeout(FlowRunsError):
    """Flow run was paused and never resumed."""


class PauseRefused(FlowRunsError, RuntimeError):
    """Flow run cannot be paused."""


class AnswerBelongsElsewhere(PauseRefused):
    """The stored answer was given to another question of the flow."""


class NotPausedError(FlowRunsError):
    """Cannot resume a run that isn't paused."""


class ResumeRefused(FlowRunsError, RuntimeError):
    """Cannot resume this run; `problems` says what is wrong with the answer, path by path."""

    def __init__(self, message: str, problems: "Sequence[wire.InputProblem]" = ()) -> None:
        lines = [f"  {_path(problem.path)}: {problem.message}" for problem in problems]
        super().__init__("\n".join([f"Cannot resume this run: {message}", *lines]))
        self.problems = tuple(problems)


def _path(path: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in path) or "the input"


class SenderIsNoFlowRun(FlowRunsError, RuntimeError):
    """Cannot respond to an input that was not sent by a flow run."""


class FlowRunWaitTimeout(FlowRunsError):
    """The flow run did not finish in time."""


FlowWaitTimeout = FlowRunWaitTimeout


class FlowNotServable(FlowRunsError):
    """The flow cannot be run by another process."""


class MissingContextError(FlowRunsError, RuntimeError):
    """There is no active flow or task run."""


class MissingResult(FlowRunsError):
    """The result is not stored: only the process that ran the flow has it."""


class ResultNotPersisted(FlowRunsError):
    """The result cannot be stored."""


class UnfinishedRun(FlowRunsError):
    """The run has not finished, its result is not available."""


class PausedRun(FlowRunsError):
    """Run is paused, its result is not available."""


class FailedRun(FlowRunsError):
    """Run failed."""


class CrashedRun(FlowRunsError):
    """Run crashed."""


class CancelledRun(FlowRunsError):
    """Run cancelled."""


class FlowRunTimeoutError(FlowRunsError, TimeoutError):
    """The flow run took longer than its timeout."""


class TaskRunTimeoutError(FlowRunsError, TimeoutError):
    """The task run took longer than its timeout."""


class UpstreamTaskError(FlowRunsError):
    """A task that this one needs did not complete."""


class ParameterBindError(FlowRunsError, TypeError):
    """The arguments do not fit the function."""


class ParameterTypeError(FlowRunsError):
    """An argument is of the wrong type."""


class FlowRunSuspended(BaseException):
    """The flow run is suspended."""


class TerminationSignal(BaseException):
    """The process was told to end."""

"""What can go wrong with a request about flow runs.

FlowRunsError
├── NotFound
│   ├── FlowNotFound
│   ├── DeploymentNotFound
│   ├── ScheduleNotFound
│   ├── ConcurrencyLimitNotFound
│   ├── WorkPoolNotFound
│   ├── FlowRunNotFound
│   ├── FlowRunStateNotFound
│   ├── RunInputNotFound
│   ├── TaskRunNotFound
│   ├── TaskRunStateNotFound
│   ├── ArtifactNotFound
│   ├── VariableNotFound
│   ├── BlockTypeNotFound
│   ├── BlockSchemaNotFound
│   ├── BlockDocumentNotFound
│   └── ServerNotFound
├── Conflict
│   ├── ApiKeyExists
│   ├── ParametersRefused
│   ├── DeploymentBlockUnknown
│   ├── TaskRunExists
│   ├── ScheduleSlugTaken
│   ├── ConcurrencyLimitExists
│   ├── VariableConflict
│   ├── StateMovedOn
│   ├── RunInputExists
│   ├── BlockTypeExists
│   ├── NestedTypeUnknown
│   ├── BlockExists
│   ├── ServerExists
│   └── EncryptionKeyChanged
├── Unprocessable
│   ├── InvalidSchedule
│   ├── InvalidParameters
│   ├── TooManySlots
│   ├── InvalidSchema
│   ├── SchemaTooSlow
│   ├── InvalidBlockSchema
│   ├── TooManyBlocks
│   └── CannotStoreResults
├── Forbidden
│   ├── ReservedBlockType
│   ├── ProtectedBlockType
│   ├── AnswerIsResumed
│   └── QuestionIsAnothers
├── JobVariablesFixed
├── InvalidReference
├── PlaceholderRefused
├── SlotsTaken
├── EvaluationBusy
└── LeaseExpired

The docstring is the default message; it states the fact. Only `SlotsTaken` and `EvaluationBusy`
go away by trying again.
"""


class FlowRunsError(Exception):
    """The request about flow runs failed."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class NotFound(FlowRunsError):
    """Not found"""


class FlowNotFound(NotFound):
    """Flow not found"""


class DeploymentNotFound(NotFound):
    """Deployment not found"""


class ScheduleNotFound(NotFound):
    """Schedule not found."""


class ConcurrencyLimitNotFound(NotFound):
    """Concurrency Limit not found"""


class WorkPoolNotFound(NotFound):
    """Work pool "{name}" not found."""

    def __init__(self, name: str) -> None:
        super().__init__(f'Work pool "{name}" not found.')


class FlowRunNotFound(NotFound):
    """Flow run not found"""


class FlowRunStateNotFound(NotFound):
    """Flow run state not found"""


class RunInputNotFound(NotFound):
    """Flow run input not found"""


class TaskRunNotFound(NotFound):
    """Task run not found"""


class TaskRunStateNotFound(NotFound):
    """Task run state not found"""


class ArtifactNotFound(NotFound):
    """Artifact not found."""


class VariableNotFound(NotFound):
    """Variable not found."""


class BlockTypeNotFound(NotFound):
    """Block type not found"""


class BlockSchemaNotFound(NotFound):
    """Block schema not found"""


class BlockDocumentNotFound(NotFound):
    """Block document not found"""


class ServerNotFound(NotFound):
    """There is no server of this name"""


class Conflict(FlowRunsError):
    """The request contradicts what is stored"""


class ApiKeyExists(Conflict):
    """There is an API key of this name already"""


class ParametersRefused(Conflict):
    """The parameters do not fit the deployment's schema"""


class DeploymentBlockUnknown(Conflict):
    """Could not find a block that the deployment names"""


class TaskRunExists(Conflict):
    """There is a task run with this id already, which is another call's"""


class ScheduleSlugTaken(Conflict):
    """Schedule slugs must be unique within a deployment."""


class ConcurrencyLimitExists(Conflict):
    """There is a concurrency limit of this name already"""


class VariableConflict(Conflict):
    """The variable cannot be what the request says"""


class StateMovedOn(Conflict):
    """The flow run is no longer in the state that the request is about"""


class RunInputExists(Conflict):
    """A flow run input with this key already exists."""


class BlockTypeExists(Conflict):
    """There is a block type with this slug already"""


class NestedTypeUnknown(Conflict):
    """The block schema nests a block type that is not known; register that one first"""


class BlockExists(Conflict):
    """Block already exists"""


class ServerExists(Conflict):
    """There is a server of this name already"""


class EncryptionKeyChanged(Conflict):
    """The value was encrypted with a key that is neither in ENCRYPTION_KEY nor SECRET_KEY"""


class Unprocessable(FlowRunsError):
    """The request cannot be processed"""


class InvalidSchedule(Unprocessable):
    """The schedule gives no dates"""


class InvalidParameters(Unprocessable):
    """The parameters do not fit the schema beside them"""


class TooManySlots(Unprocessable):
    """Slots requested is greater than the limit"""


class InvalidSchema(Unprocessable):
    """The stored schema is not a valid JSON schema"""


class SchemaTooSlow(Unprocessable):
    """The schema is too slow to check."""


class InvalidBlockSchema(Unprocessable):
    """The fields of the block schema cannot be read"""


class TooManyBlocks(Unprocessable):
    """The block leads to too many others"""


class CannotStoreResults(Unprocessable):
    """The block cannot be used for result storage"""


class Forbidden(FlowRunsError):
    """The request is not allowed to anybody"""


class ReservedBlockType(Forbidden):
    """Block type names beginning with 'Prefect' are reserved."""


class ProtectedBlockType(Forbidden):
    """protected block types cannot be deleted."""


class AnswerIsResumed(Forbidden):
    """The answer to a pause is written by resume alone."""


class QuestionIsAnothers(Forbidden):
    """What a pause asks is written by the API key that paused the run, or one that may resume."""


class JobVariablesFixed(FlowRunsError):
    """The job variables of the flow run cannot be updated"""


class InvalidReference(FlowRunsError):
    """The block cannot refer to this one"""


class PlaceholderRefused(FlowRunsError):
    """A placeholder among the values stands for nothing that can be used"""


class SlotsTaken(FlowRunsError):
    """All slots of the concurrency limit are taken; ask after `retry_after` seconds, if any"""

    def __init__(self, message: str = "", *, name: str = "", retry_after: float | None) -> None:
        told = f"All slots of the concurrency limit {name!r} are taken" if name else ""
        super().__init__(message or told)
        self.name = name
        self.retry_after = retry_after


class EvaluationBusy(FlowRunsError):
    """The server is busy checking other values; send it again in a moment."""


class LeaseExpired(FlowRunsError):
    """Lease not found - it may have expired or been revoked"""

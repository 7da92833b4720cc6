"""The tables of flow runs. Only `flowruns.services` writes them."""

from flowruns.models.api_keys import ApiKey
from flowruns.models.artifacts import Artifact
from flowruns.models.audit import AuditEntry
from flowruns.models.blocks import (
    BlockDocument,
    BlockReference,
    BlockSchema,
    BlockType,
    DefaultStorage,
)
from flowruns.models.concurrency import ConcurrencyLimit, SlotLease
from flowruns.models.events import Event
from flowruns.models.flows import Deployment, Flow
from flowruns.models.listeners import Listener
from flowruns.models.runs import FlowRun, FlowRunState, LogLine, RunInput
from flowruns.models.schedules import DeploymentSchedule
from flowruns.models.servers import RemoteServer
from flowruns.models.task_runs import TaskRun, TaskRunState
from flowruns.models.upkeep import LoopRound
from flowruns.models.variables import Variable

__all__ = [
    "ApiKey",
    "Artifact",
    "AuditEntry",
    "BlockDocument",
    "BlockReference",
    "BlockSchema",
    "BlockType",
    "ConcurrencyLimit",
    "DefaultStorage",
    "Deployment",
    "DeploymentSchedule",
    "Event",
    "Flow",
    "FlowRun",
    "FlowRunState",
    "Listener",
    "LogLine",
    "LoopRound",
    "RemoteServer",
    "RunInput",
    "SlotLease",
    "TaskRun",
    "TaskRunState",
    "Variable",
]

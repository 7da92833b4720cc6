"""The tables of flow runs. Only `flowruns.services` writes them."""

from flowruns.models.api_keys import ApiKey
from flowruns.models.flows import Deployment, Flow
from flowruns.models.runs import FlowRun, FlowRunState, LogLine, RunInput

__all__ = ["ApiKey", "Deployment", "Flow", "FlowRun", "FlowRunState", "LogLine", "RunInput"]

"""The result of a flow run: stored when it completes, read when a subflow is called again."""

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from flowruns.sdk.context import current_flow_run
from flowruns.sdk.errors import ConfigurationError, ResultNotPersisted
from flowruns.sdk.reporting.logs import RunLogger
from flowruns.sdk.results import Result, ResultSettings, StoredResult, place_flow_result
from flowruns.sdk.runs.definitions import FlowDefinition
from flowruns.sdk.states import State
from flowruns.sdk.steps.steps import Block, Steps
from flowruns.sdk.storage import open_storage


def result_settings(flow: FlowDefinition[..., Any]) -> ResultSettings:
    """Say what becomes of results in a run of `flow`: as in the caller's, unless told."""
    caller = current_flow_run()
    if caller is None:
        return ResultSettings(persist=flow.persist_result, storage=flow.result_storage)
    theirs = caller.results
    return ResultSettings(
        persist=theirs.persist if flow.persist_result is None else flow.persist_result,
        storage=flow.result_storage or theirs.storage,
        outermost_id=theirs.outermost_id or caller.flow_run.id,
        forgetful=theirs.forgetful,
    )


def check_storage(settings: ResultSettings) -> Steps[None]:
    """Raise ConfigurationError, while there is no result to lose, where none can be stored."""
    if settings.persist:
        yield Block(partial(open_storage, settings.storage))


@dataclass(frozen=True, slots=True)
class FlowResult:
    """The result of one flow run, and what is to be done with it."""

    flow_run_id: UUID
    flow_name: str
    settings: ResultSettings

    def _place(self) -> Steps[StoredResult]:
        storage = yield Block(partial(open_storage, self.settings.storage))
        return place_flow_result(self.flow_run_id, flow_name=self.flow_name, storage=storage)

    def keep(self, state: State[Any], logger: RunLogger) -> Steps[State[Any]]:
        """Store the result of a completed run, if it is to be, and say in its state where.

        One that cannot be stored is no reason to fail.
        """
        if not state.is_completed() or not isinstance(state.data, Result):
            return state
        if self.settings.persist is not True:
            if self.settings.persist is None:
                self.settings.forget(self.flow_name)
            return state
        stored = yield from self._place()
        try:
            result = yield Block(partial(stored.write, state.data.value))
        except ResultNotPersisted as error:
            self.settings.forget(self.flow_name, str(error))
            logger.warning("%s. The run goes on without.", error)
            return state
        if stored.storage.ends_with_process:
            self.settings.forget(self.flow_name)
        return state.model_copy(update={"data": result})

    def keep_error(self, state: State[Any]) -> Steps[State[Any]]:
        """Store why a run failed, where results are and where it can be, and say where."""
        if not (state.is_failed() and self.settings.persist):
            return state
        error = state.exception()
        with suppress(ResultNotPersisted, ConfigurationError):
            stored = yield from self._place()
            result = yield Block(partial(stored.write, error))
            return state.model_copy(update={"data": result})
        return state

    def recall(self, state: State[Any]) -> Steps[State[Any]]:
        """Put the stored result into the state of a run that has completed before."""
        stored = yield from self._place()
        found = yield Block(stored.read)
        if found is None:
            raise ResultNotPersisted(
                f"The result of {stored.owner}, which has completed, is not in"
                f" {stored.storage.url}; all processes must share its result_storage"
            )
        return state.model_copy(update={"data": found})

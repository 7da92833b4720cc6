"""Bind an answer to the question that its person saw, so that it never satisfies another one.

A pause stores, next to its questions, whose they are: an input `<pause>-step` that Prefect's
server and its clients keep and never read.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID

import pydantic

from flowruns.domain.keysets import Keyset, keyset_from_pause, policy_key, step_key
from flowruns.sdk.calls import flow_runs
from flowruns.sdk.context import FlowRunContext, current_task_run
from flowruns.sdk.errors import AnswerBelongsElsewhere, ObjectAlreadyExists, ObjectNotFound
from flowruns.sdk.inputs.doubts import doubt_parameters
from flowruns.sdk.inputs.questions import Likeness, Place, Question, compare, read_question
from flowruns.sdk.inputs.run_input import BaseRunInput, description_of, given_to, save_steps
from flowruns.sdk.inputs.schemas import accepted_by, schema_of
from flowruns.sdk.states import OrchestrationResult
from flowruns.sdk.steps.steps import Steps

# Of one request; a run that asks more often needs several.
_PAGE = 200
# The first part of the names of a pause's inputs.
_STATES = ("paused", "suspended")

_ARGUMENTS_CHANGE = (
    "by other arguments than in an earlier process, whose answer is not for this. If they change"
    " whenever the flow begins again, such as a time, give the pause a key= of its own that stays"
    " the same."
)

# How a pause is named on the server: the name of its state, and its key.
type Names = tuple[str, str]


def keyed_step(key: str) -> str:
    """Say whose the questions are that go by a key of their own."""
    return f"the pause with the key {key!r}"


def bind_steps(
    flow_run_id: UUID,
    model: type[BaseRunInput] | None,
    *,
    names: Names,
    step: Any,
    policy: str = "",
) -> Steps[None]:
    """Store the step, its questions and who may answer them.

    `names` are those of the state and of the pause.

    Raises ObjectAlreadyExists where an earlier pause had these names.
    """
    yield from flow_runs.create_flow_run_input(flow_run_id, step_key(*names), json.dumps(step))
    if policy:
        text = json.dumps(policy, ensure_ascii=False)
        yield from flow_runs.create_flow_run_input(flow_run_id, policy_key(*names), text)
    if model is not None:
        yield from save_steps(model, keyset_from_pause(*names), flow_run_id)


def keep_steps(
    flow_run_id: UUID,
    model: type[BaseRunInput] | None,
    *,
    names: Names,
    paused: OrchestrationResult,
) -> Steps[None]:
    """Store the questions of a pause once more where its server has dropped them with its state.

    Prefect's does so since 3.9: its client stores them afterwards, and what is there before counts
    as an earlier attempt's. `paused` is what the server said of the state.
    """
    if model is None or paused.compares:
        return
    with suppress(ObjectAlreadyExists):
        yield from save_steps(model, keyset_from_pause(*names), flow_run_id)


def rebind_steps(
    flow_run_id: UUID,
    model: type[BaseRunInput] | None,
    *,
    names: Names,
    step: Any,
    policy: str = "",
) -> Steps[None]:
    """Delete what an earlier attempt of the run left behind, its answer too, and ask anew."""
    keyset = keyset_from_pause(*names)
    own = (policy_key(*names), step_key(*names)) if policy else (step_key(*names),)
    for key in (keyset.response, keyset.description, keyset.schema, *own):
        with suppress(ObjectNotFound):
            yield from flow_runs.delete_flow_run_input(flow_run_id, key)
    yield from bind_steps(flow_run_id, model, names=names, step=step, policy=policy)


def check_steps(
    flow_run_id: UUID, model: type[BaseRunInput] | None, *, names: Names, step: Any
) -> Steps[None]:
    """Raise AnswerBelongsElsewhere unless the answer under a key of its own was given to it."""
    keyset, stored = keyset_from_pause(*names), dict[str, str]()
    for key in (step_key(*names), keyset.schema, keyset.response):
        with suppress(ObjectNotFound):
            stored[key] = yield from flow_runs.read_flow_run_input(flow_run_id, key)
    check_stored(stored, model, names=names, step=step)


def check_stored(
    inputs: Mapping[str, str], model: type[BaseRunInput] | None, *, names: Names, step: Any
) -> None:
    """Do the same as `check_steps` with inputs that have been read."""
    asked_by = _loaded(inputs, step_key(*names))
    if asked_by is not None and asked_by != step:
        raise AnswerBelongsElsewhere(
            f"The key {names[1]!r} is that of another pause of this flow run, which has an answer."
            " Give this one another key=."
        )
    keyset = keyset_from_pause(*names)
    if problem := _misfit(model, _loaded(inputs, keyset.schema), _loaded(inputs, keyset.response)):
        raise AnswerBelongsElsewhere(
            f"The stored answer of pause {names[1]!r} {problem}."
            " Give the pause another key= to ask anew."
        )


def _loaded(inputs: Mapping[str, str], key: str) -> Any:
    return json.loads(inputs.get(key, "null"))


def _misfit(model: type[BaseRunInput] | None, schema: Any, answer: Any) -> str:
    """Say why an answer to `schema` is not one to `model`, or "" where it is."""
    wanted = schema_of(model) if model is not None else None
    title, asked_for = (each and each.get("title") for each in (wanted, schema))
    if title != asked_for:
        return f"was for {asked_for or 'nothing'}, and the flow asks for {title or 'nothing'} now"
    if model is None or accepted_by(wanted) == accepted_by(schema):
        return ""
    try:
        model(**(answer or {}))
    except pydantic.ValidationError as error:
        problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        return f"does not fit {title} as it is now ({'; '.join(problems)})"
    return ""


@dataclass(slots=True)
class Answered:
    """One question of the run that was asked by an earlier process, and its answer."""

    names: Names
    question: Question
    schema: Any
    answer: Any
    # All that the run had when it was asked what earlier processes left.
    inputs: Mapping[str, str]
    is_met: bool = False

    @property
    def keyset(self) -> Keyset:
        return keyset_from_pause(*self.names)


@dataclass(slots=True)
class Memory:
    """The questions of a flow run: those that it has met, and those of earlier processes."""

    answered: list[Answered]
    # Everything that pauses had stored when the attempt began, by key.
    inputs: Mapping[str, str]
    # Takes what might be asked again by every process.
    doubt: Callable[[Callable[[], str]], None]
    _keys: set[str] = field(init=False)
    _fired: frozenset[str] = field(init=False)
    _times: Counter[Question] = field(init=False, default_factory=Counter)

    def __post_init__(self) -> None:
        self._keys = {each.names[1] for each in self.answered}
        self._fired = frozenset(self._keys)

    def find(self, asked: Question, model: type[BaseRunInput] | None) -> Answered | None:
        """Find the question that `asked` is, or None; raises AnswerBelongsElsewhere.

        A flow whose words change at each execution would ask for ever: it may not go on where
        more questions of one place were left behind than met again.
        """
        for each in self._alike(asked, Likeness.SAME):
            if not each.is_met and not _misfit(model, each.schema, each.answer):
                each.is_met = True
                return each
        at_its_place = [*self._alike(asked, Likeness.REWORDED)]
        left = [each for each in at_its_place if not each.is_met]
        if len(left) > len(at_its_place) - len(left):
            raise AnswerBelongsElsewhere(_refusal(asked, left[-1].question))
        self.doubt(partial(self._doubt_call, asked))
        return None

    def _doubt_call(self, asked: Question) -> str:
        """Say that a task asks by other arguments than before, unless calls have come again.

        They may come in another order, new ones first: only a suspension is too late for them.
        """
        calls = [*self._alike(asked, Likeness.RECALLED)]
        met = sum(each.is_met for each in calls)
        return f"A task asks {str(asked)!r} {_ARGUMENTS_CHANGE}" if len(calls) > 2 * met else ""

    def _alike(self, asked: Question, likeness: Likeness) -> Iterator[Answered]:
        return (each for each in self.answered if compare(asked, each.question) is likeness)

    def count(self, asked: Question) -> Question:
        """Return `asked` with the number of times that it was asked before."""
        words = replace(asked, number="")
        self._times[words] += 1
        return replace(asked, time=self._times[words] - 1)

    def new_key(self, number: int) -> str:
        """Name a new question by its number, as Prefect does, or else by the next free one."""
        while (key := str(number)) in self._keys:
            number += 1
        self.take_key(key)
        return key

    def knows(self, names: Names) -> bool:
        """Whether a pause of these names has been answered in an earlier process."""
        return names[1] in self._fired and step_key(*names) in self.inputs

    def take_key(self, key: str) -> None:
        self._keys.add(key)


def _refusal(asked: Question, earlier: Question) -> str:
    return (
        f"The flow asks {str(asked)!r} where an earlier process asked {str(earlier)!r}, which has"
        " an answer that is not for this. If it is one question whose text or initial data changes"
        " whenever the flow begins again, such as a time, or if it is asked in a loop of another"
        " order, give the pause a key= of its own that stays the same."
    )


def recall_steps(run: FlowRunContext) -> Steps[Memory]:
    """Read once in an attempt of the run what earlier processes have asked in it."""
    if not isinstance(run.memory, Memory):
        keys = run.flow_run.empirical_policy.pause_keys or ()
        inputs = (yield from _read_inputs(run.flow_run.id)) if keys else {}
        if not keys and run.caller is not None:
            yield from doubt_parameters(run, run.caller)
        names = [(state, key) for key in sorted(keys, key=_by_number) for state in _STATES]
        found = (_answered(each, inputs) for each in names)
        run.memory = Memory([each for each in found if each is not None], inputs, run.doubt)
    return run.memory


def _by_number(key: str) -> tuple[int, str]:
    return (int(key) if key.isdecimal() else 0), key


def _read_inputs(flow_run_id: UUID) -> Steps[dict[str, str]]:
    """Read the inputs of all pauses, page by page."""
    inputs: dict[str, str] = {}
    for state in _STATES:
        while True:
            page = yield from flow_runs.filter_flow_run_input(
                flow_run_id, f"{state}-", limit=_PAGE, exclude_keys=inputs
            )
            inputs |= {each.key: each.value for each in page}
            if len(page) < _PAGE:
                break
    return inputs


def _answered(names: Names, inputs: dict[str, str]) -> Answered | None:
    keyset = keyset_from_pause(*names)
    keys = (step_key(*names), keyset.schema, keyset.description, keyset.response)
    if inputs.keys().isdisjoint(keys):
        return None
    step, schema, description, answer = (_loaded(inputs, key) for key in keys)
    title = schema.get("title") if schema else None
    question = read_question(step, title=title, description=description or "", number=names[1])
    return Answered(names, question, schema, answer, inputs)


def ask_for(model: type[BaseRunInput] | None, *, place: Place, number: int) -> Question:
    """Describe the question that asks for `model`, as its person sees it."""
    task = current_task_run()
    return Question(
        title=schema_of(model).get("title") if model is not None else None,
        description=description_of(model) if model is not None else "",
        asker=task.asker if task else "",
        given=given_to(model) if model is not None else "",
        place=place,
        number=str(number),
    )

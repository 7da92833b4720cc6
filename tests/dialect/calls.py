"""Conversations with a server of Prefect's dialect, and what is compared of the answers.

`<name>` in a request stands for the id that the call of that name was answered with; the other
way round such ids are written `<name>` in what is compared.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

NOBODY = "00000000-0000-4000-8000-000000000000"

type Json = Any


@dataclass(frozen=True, slots=True)
class Call:
    """A request such as `POST /flows/`, and the parts of its answer that have to be Prefect's.

    `shown` names parts as paths: `state.name`, and `[].id` of each item of a list. The words of
    a refusal are compared unless the `code_alone` is.
    """

    name: str
    request: str
    body: Json = None
    shown: tuple[str, ...] = ()
    code_alone: bool = False


type Talk = list[Call]


class Answer(Protocol):
    """What `httpx` and Django's test client answer."""

    status_code: int

    @property
    def content(self) -> bytes: ...


class Ask(Protocol):
    def __call__(self, method: str, path: str, body: Json, /) -> Answer: ...


@dataclass
class Conversation:
    """Puts the calls of a talk to one server, one after the other."""

    ask: Ask
    ids: dict[str, str] = field(default_factory=dict)

    def hold(self, talk: Talk) -> dict[str, Json]:
        """Return what is compared of each answer, by the name of its call."""
        return {call.name: self.put(call) for call in talk}

    def put(self, call: Call) -> Json:
        method, path = self.fill(call.request).split(" ", 1)
        body = None if call.body is None else json.loads(self.fill(json.dumps(call.body)))
        answer = self.ask(method, path, body)
        content = _read(answer.content)
        if answer.status_code in {200, 201}:
            self._remember(call.name, content)
        return {"status": answer.status_code} | _choose(call, answer, self.name_ids(content))

    def _remember(self, name: str, content: Json) -> None:
        if isinstance(content, dict) and (found := content.get("id")):
            self.ids.setdefault(name, found)

    def fill(self, text: str) -> str:
        """Write the ids of calls in the place of their names."""
        return re.sub(r"<([\w ]+)>", lambda match: self.ids[match[1]], text)

    def name_ids(self, value: Json) -> Json:
        """Write ids as the names of the calls that made them, and strange ones as `<?>`."""
        names = {found: f"<{name}>" for name, found in reversed(self.ids.items())}
        text = json.dumps(value)
        for found, name in names.items():
            text = text.replace(found, name)
        named: Json = json.loads(_ID.sub(lambda match: _keep_nobody(match[0]), text))
        return named


_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _keep_nobody(found: str) -> str:
    return found if UUID(found) == UUID(NOBODY) else "<?>"


def _read(content: bytes) -> Json:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode() or None


def _choose(call: Call, answer: Answer, content: Json) -> dict[str, Json]:
    if answer.status_code >= 400:
        return {} if call.code_alone else {"said": _said(content)}
    return {part: _pick(content, part) for part in call.shown}


def _said(content: Json) -> list[str]:
    """Return the words of a refusal, without its last full stop: those of each problem."""
    problems = content.get("exception_detail") or content.get("detail")
    if isinstance(problems, list):
        said = sorted(problem["msg"].removeprefix("Value error, ") for problem in problems)
    else:
        said = [str(problems)]
    return [words.rstrip(".") for words in said]


def _pick(value: Json, path: str) -> Json:
    """Return a part of an answer; of a list those of its items, in an order of their own."""
    if path == "":
        return value
    if path.startswith("[]"):
        return sorted((_pick(item, path[2:].lstrip(".")) for item in value), key=json.dumps)
    name, _, rest = path.partition(".")
    return None if value is None else _pick(value.get(name), rest)


def walk_differences(theirs: dict[str, Json], ours: dict[str, Json]) -> Iterator[str]:
    """Yield the names of the calls that were answered otherwise."""
    return (name for name in theirs if theirs[name] != ours.get(name))

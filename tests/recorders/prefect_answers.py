"""Record what Prefect 3.9.1 answers in the conversations of `tests/dialect`.

In the project's environment, with Prefect's beside it in .venv-prefect:

    python -m tests.recorders.prefect_answers

A call takes one line, so that the difference to another release can be read.
"""

import json
import time
from collections.abc import Iterator

import httpx

from tests.dialect.calls import Conversation, Json
from tests.dialect.talks import RECORDED, TALKS
from tests.servers import prefect_server

_PATIENCE_SECONDS = 60


class Patient:
    """Asks again where Prefect's SQLite is busy with its own services."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def __call__(self, method: str, path: str, body: Json, /) -> httpx.Response:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        sent = {} if body is None else {"json": body}
        while (answer := self._client.request(method, path, **sent)).status_code == 503:
            assert time.monotonic() < deadline, answer.text
            time.sleep(0.1)
        return answer


def ask_prefect(api_url: str) -> Iterator[tuple[str, dict[str, Json]]]:
    """Yield the answers of each conversation with its name."""
    fresh = httpx.Limits(max_keepalive_connections=0)  # Prefect drops one after its 500s
    with httpx.Client(base_url=api_url, timeout=30, limits=fresh) as client:
        for name, talk in TALKS.items():
            yield name, Conversation(Patient(client)).hold(talk)


def write(answers: Iterator[tuple[str, dict[str, Json]]]) -> Iterator[str]:
    talks = []
    for name, talk in answers:
        lines = [f"{json.dumps(call)}: {json.dumps(answer)}" for call, answer in talk.items()]
        talks.append(f"{json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n}")
    yield "{" + ",\n".join(talks) + "}"


if __name__ == "__main__":
    with prefect_server() as server:
        RECORDED.write_text("\n".join(write(ask_prefect(server.api_url))) + "\n")

"""What strangers send is counted before anybody keeps it."""

import asyncio

import pytest

from flowruns.web import bodies
from flowruns.web.bodies import bound_bodies
from flowruns.web.types import Message, Receive, Scope, Send


async def read_all(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})


def post(path: str, parts: list[bytes], **headers: str) -> tuple[int, int]:
    """Return the status of the answer, and how many parts of the body were read."""
    scope = {
        "type": "http",
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    sent: list[Message] = []
    read = iter(range(len(parts)))
    count = 0

    async def receive() -> Message:
        nonlocal count
        number = next(read)
        count += 1
        more = number + 1 < len(parts)
        return {"type": "http.request", "body": parts[number], "more_body": more}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(bound_bodies(read_all)(scope, receive, send))  # type: ignore[arg-type]
    return sent[0]["status"], count


@pytest.fixture(autouse=True)
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "STRANGERS", 10)
    monkeypatch.setattr(bodies, "CALLERS", 100)
    monkeypatch.setattr(bodies, "REVIEWERS", 1_000)


def test_a_stranger_is_stopped_where_the_bound_is_passed() -> None:
    assert post("/api/flow_runs/", [b"x" * 8] * 50) == (413, 2)


def test_who_says_beforehand_that_it_is_too_much_is_not_read_at_all() -> None:
    assert post("/api/flow_runs/", [b"x" * 8] * 50, **{"content-length": "400"}) == (413, 0)


@pytest.mark.parametrize(
    ("path", "headers", "most"),
    [
        ("/api/flow_runs/", {"authorization": "Bearer x"}, 100),
        ("/accounts/login/", {}, 10),
        ("/approvals/1/", {"cookie": "theme=dark; sessionid=x"}, 1_000),
    ],
)
def test_who_shows_a_key_or_a_session_may_send_more(
    path: str, headers: dict[str, str], most: int
) -> None:
    assert post(path, [b"x" * most], **headers)[0] == 200
    assert post(path, [b"x" * most, b"x"], **headers)[0] == 413

"""A few requests are answered at once, whatever comes together, and slow clients keep no turn."""

import asyncio

import pytest

from flowruns.web import request_limit
from flowruns.web.callers import IS_KNOWN
from flowruns.web.long_poll import WAS_HELD
from flowruns.web.request_limit import AT_ONCE, Lane, admit_requests
from flowruns.web.types import Application, Message, Receive, Scope, Send


def scope_of(path: str = "/api/flow_runs/1", *, method: str = "GET", key: str = "a") -> Scope:
    headers = [(b"authorization", f"Bearer {key}".encode())]
    return {"type": "http", "path": path, "method": method, "headers": headers}


def lanes(**at_once: int) -> dict[Lane, int]:
    return AT_ONCE | {Lane[name.upper()]: most for name, most in at_once.items()}


START: Message = {"type": "http.response.start", "status": 200}


def part_of_body(*, more: bool) -> Message:
    return {"type": "http.request", "body": b"", "more_body": more}


async def have_body() -> Message:
    return part_of_body(more=False)


async def send(message: Message) -> None:
    assert message == START


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


class Desk:
    """An application that counts who is in, and answers when it is told to."""

    def __init__(self) -> None:
        self.inside = 0
        self.answers = asyncio.Event()
        self.leave = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await receive()
        scope[IS_KNOWN] = "made up" not in str(scope["headers"])
        self.inside += 1
        await self.answers.wait()
        await send(START)
        await self.leave.wait()


async def call(app: Application, receive: Receive = have_body, scope: Scope | None = None) -> None:
    await app(scope or scope_of(), receive, send)


async def meet(desk: Desk, app: Application, *keys: str) -> None:
    """Have requests of keys answered, by which they are known from then on."""
    desk.answers.set()
    desk.leave.set()
    for key in keys:
        await call(app, scope=scope_of(key=key))
    desk.answers.clear()
    desk.leave.clear()


def test_so_many_are_let_in_and_the_next_when_an_answer_begins() -> None:
    async def main() -> None:
        desk = Desk()
        app = admit_requests(desk, at_once=lanes(reads=5))
        requests = [asyncio.create_task(call(app)) for _ in range(10)]
        await settle()
        assert desk.inside == 3
        desk.answers.set()  # nobody has left yet: their clients read slowly
        await settle()
        assert desk.inside == 10
        desk.leave.set()
        await asyncio.gather(*requests)

    asyncio.run(main())


def test_a_body_that_is_still_coming_has_no_turn() -> None:
    async def main() -> None:
        desk, rest = Desk(), asyncio.Event()
        desk.answers.set()
        desk.leave.set()

        async def be_slow() -> Message:
            await rest.wait()
            return part_of_body(more=False)

        app = admit_requests(desk, at_once=lanes(reads=1))
        slow = asyncio.create_task(call(app, be_slow))
        await settle()
        await call(app)
        rest.set()
        await slow
        assert desk.inside == 2

    asyncio.run(main())


def test_a_failure_gives_its_turn_back() -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        raise LookupError

    async def main() -> None:
        app = admit_requests(fail, at_once=lanes(reads=1))
        for _ in range(3):
            with pytest.raises(LookupError):
                await call(app)

    asyncio.run(main())


@pytest.mark.parametrize(
    "other",
    [
        scope_of(key="b"),
        scope_of(method="POST"),
        scope_of("/accounts/login/", method="POST"),
        {**scope_of(), WAS_HELD: True},
    ],
    ids=["another key", "a write", "a log-in", "a request that was held"],
)
def test_a_crowd_of_one_key_keeps_nobody_else_waiting(other: Scope) -> None:
    async def main() -> None:
        desk = Desk()
        app = admit_requests(desk)
        await meet(desk, app, "a", "b")
        crowd = [asyncio.create_task(call(app)) for _ in range(100)]
        await settle()
        inside = desk.inside
        assert inside - 2 < AT_ONCE[Lane.READS]
        late = asyncio.create_task(call(app, scope=other))
        await settle()
        assert desk.inside == inside + 1
        desk.answers.set()
        desk.leave.set()
        await asyncio.gather(*crowd, late)

    asyncio.run(main())


def test_who_makes_up_keys_gets_no_turns_for_them() -> None:
    """Else a stranger would have as many as there are connections."""

    async def main() -> None:
        desk = Desk()
        app = admit_requests(desk)
        await meet(desk, app, "valid", *(f"made up {number}" for number in range(100)))
        inside = desk.inside
        crowd = [
            asyncio.create_task(call(app, scope=scope_of(key=f"made up {number}")))
            for number in range(100)
        ]
        await settle()
        assert desk.inside - inside < AT_ONCE[Lane.READS]
        late = asyncio.create_task(call(app, scope=scope_of(key="valid")))
        inside = desk.inside
        await settle()
        assert desk.inside == inside + 1
        desk.answers.set()
        desk.leave.set()
        await asyncio.gather(*crowd, late)

    asyncio.run(main())


def test_who_waits_too_long_for_a_turn_is_told_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request_limit, "_PATIENCE_SECONDS", 0.01)
    sent: list[Message] = []

    async def note(message: Message) -> None:
        sent.append(message)

    async def main() -> None:
        desk = Desk()
        app = admit_requests(desk, at_once=lanes(reads=1))
        first = asyncio.create_task(call(app))
        await settle()
        await app(scope_of(), have_body, note)
        assert sent[0]["status"] == 503
        length = dict(sent[0]["headers"])[b"content-length"]
        assert int(length) == len(sent[1]["body"])
        assert (b"retry-after", b"2") in sent[0]["headers"]
        desk.answers.set()
        desk.leave.set()
        await first

    asyncio.run(main())


def test_large_bodies_are_read_one_at_a_time_and_beside_all_others() -> None:
    async def have_much() -> Message:
        return {"type": "http.request", "body": b"x" * 1_000_000, "more_body": False}

    async def main() -> None:
        desk = Desk()
        app = admit_requests(desk)
        large = [
            asyncio.create_task(call(app, have_much, scope_of(key=str(number))))
            for number in range(5)
        ]
        await settle()
        assert desk.inside == 1
        small = asyncio.create_task(call(app))
        await settle()
        assert desk.inside == 2
        desk.answers.set()
        desk.leave.set()
        await asyncio.gather(*large, small)

    asyncio.run(main())

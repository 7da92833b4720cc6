"""Each way in, for each who comes: the table in tests/data/doors.txt beside the routes."""

import pytest

from flowruns.web.sockets.connection import POLICY_VIOLATION
from tests import doors
from tests.doors import (
    CALLERS,
    Caller,
    Door,
    find_doors,
    find_slack,
    find_sockets,
    make_key,
    read_table,
)
from tests.websockets import FakeSocket, play


@pytest.fixture
def found(db: None, caplog: pytest.LogCaptureFixture) -> tuple[Door, ...]:
    caplog.set_level("CRITICAL", logger="django")
    return find_doors()


def test_every_route_has_a_row_and_every_row_a_route(found: tuple[Door, ...]) -> None:
    ways_in = (*found, *find_sockets(), *find_slack())
    assert {str(door) for door in ways_in} == set(read_table())


@pytest.mark.parametrize("name", CALLERS)
def test_each_door_opens_for_whom_the_table_says(name: str, found: tuple[Door, ...]) -> None:
    caller, table = Caller(name), read_table()
    comes_in = {str(door): caller.comes_in(door) for door in found}
    wrong = {door: came for door, came in comes_in.items() if came != (name in table[door])}
    assert wrong == {}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", CALLERS)
def test_each_websocket_opens_for_whom_the_table_says(name: str) -> None:
    """A browser's session counts for nothing there."""
    key, table = make_key(name), read_table()

    async def comes_in(door: Door) -> bool:
        socket = FakeSocket(door.route, cookie="sessionid=" + "o" * 32)
        task = socket.start()
        assert (await socket.hear())["type"] == "websocket.accept"
        socket.say_object(type="auth", token=key)
        message = await socket.hear()
        socket.leave()
        await task
        assert message["type"] == "websocket.send" or message["code"] == POLICY_VIOLATION
        return bool(message["type"] == "websocket.send")

    async def scenario() -> None:
        for door in find_sockets():
            assert await comes_in(door) == (name in table[str(door)]), door

    play(scenario())


@pytest.mark.django_db
def test_a_route_without_a_row_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "_routes", lambda: iter(["api/new", "history/"]))
    assert {str(door) for door in find_doors.__wrapped__()} - set(read_table()) == {
        f"{method} /api/new" for method in doors.METHODS
    }

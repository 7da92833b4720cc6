"""Variables as flows use them, on a fake server."""

import asyncio

import pytest

from flowruns import flow
from flowruns.sdk.steps.steps import Reply, Send
from flowruns.testing import FakeServer, served_by
from flowruns.variables import Variable

pytestmark = pytest.mark.usefixtures("server")


def test_a_value_comes_back_by_its_name() -> None:
    kept = Variable.set("last_order", {"id": 7}, tags=["a"])
    assert (kept.name, kept.value, kept.tags) == ("last_order", {"id": 7}, ["a"])
    assert Variable.get("last_order") == {"id": 7}


def test_what_is_not_there_is_the_default() -> None:
    assert Variable.get("last-order") is None
    assert Variable.get("last-order", default=3) == 3
    assert Variable.unset("last-order") is False


def test_a_name_is_taken_unless_it_may_be_overwritten() -> None:
    Variable.set("last-order", 1)
    with pytest.raises(ValueError, match="There is a variable 'last-order' already; overwrite"):
        Variable.set("last-order", 2)
    assert Variable.set("last-order", 2, overwrite=True).value == 2
    assert Variable.unset("last-order") is True
    assert Variable.get("last-order") is None


def test_a_variable_that_is_deleted_meanwhile_is_made_again(server: FakeServer) -> None:
    Variable.set("last-order", 1)

    def handle(request: Send) -> Reply:
        if request.method == "PATCH":
            server.records.variables.clear()
        return server.handle(request)

    with served_by(handle):
        assert Variable.set("last-order", 2, overwrite=True).value == 2


@pytest.mark.parametrize(("name", "value"), [("Last", 1), ("a b", 1), ("big", "x" * 5001)])
def test_what_no_server_keeps_is_refused_before_it_is_sent(name: str, value: object) -> None:
    with pytest.raises(ValueError, match="Variable"):
        Variable.set(name, value)


def test_async_flows_await_them_in_either_way() -> None:
    @flow
    async def keeping() -> int:
        await Variable.set("a", 1)
        await Variable.aset("a", 2, overwrite=True)
        assert await Variable.get("a") == await Variable.aget("a")
        assert await Variable.aunset("a")
        return int(await Variable.aget("a", default=5))

    assert asyncio.run(keeping()) == 5

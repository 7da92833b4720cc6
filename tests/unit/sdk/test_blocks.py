"""Values that are kept under a name, on a fake server."""

import asyncio

import pytest

from flowruns import flow
from flowruns.blocks import JSON, Secret

pytestmark = pytest.mark.usefixtures("server")


def test_a_value_comes_back_by_its_name() -> None:
    seen = JSON(value=["a"])
    seen.save("seen-orders")
    assert JSON.load("seen-orders") == seen


def test_a_name_that_nobody_has_used_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="There is no block json/seen-orders"):
        JSON.load("seen-orders")


def test_a_name_is_taken_unless_it_may_be_overwritten() -> None:
    first = JSON(value=[]).save("seen-orders")
    with pytest.raises(ValueError, match="There is a JSON block 'seen-orders' already; overwrite"):
        JSON(value=[1]).save("seen-orders")
    assert JSON(value=[2]).save("seen-orders", overwrite=True) == first
    assert JSON.load("seen-orders").value == [2]


def test_a_secret_is_shown_to_who_asks_for_it_only() -> None:
    Secret(value="s3cr3t").save("payments")
    loaded = Secret.load("payments")
    assert loaded.get() == "s3cr3t"
    assert "s3cr3t" not in repr(loaded)


def test_async_flows_await_them_in_either_way() -> None:
    @flow
    async def keeping() -> list[int]:
        block = JSON(value=[1])
        await block.save("a")
        block.value.append(2)
        await block.asave("a", overwrite=True)
        assert await JSON.load("a") == await JSON.aload("a")
        return list((await JSON.aload("a")).value)

    assert asyncio.run(keeping()) == [1, 2]

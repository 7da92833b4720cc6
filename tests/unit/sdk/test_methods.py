"""Flows and tasks in the bodies of classes, and with other options; on a fake server."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from flowruns import Flow, flow, task
from flowruns.exceptions import FlowNotServable
from flowruns.sdk.serving.entrypoints import load_flow
from flowruns.testing import FakeServer

pytestmark = pytest.mark.usefixtures("server")


class Desk:
    """A class whose work is flows and tasks."""

    currency = "EUR"

    def __init__(self, name: str) -> None:
        self.name = name

    @task(persist_result=True)
    def sign(self, order: int) -> str:
        return f"{order} by {self.name}"

    @flow
    def refund(self, order: int) -> str:
        return self.sign(order)

    @flow
    async def refund_later(self, order: int) -> str:
        return f"{order} later by {self.name}"

    @flow
    @classmethod
    def price(cls, amount: float) -> str:
        return f"{amount} {cls.currency}"

    @classmethod
    @flow
    def price_again(cls, amount: float) -> str:
        return f"{amount} {cls.currency}"

    @flow
    @staticmethod
    def double(amount: float) -> float:
        return 2 * amount

    @staticmethod
    @flow
    def triple(amount: float) -> float:
        return 3 * amount


class Bank(Desk):
    currency = "CHF"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


def test_a_method_belongs_to_its_instance(server: FakeServer) -> None:
    alice, bob = Desk("Alice"), Desk("Bob")
    assert (alice.refund(7), bob.refund(7)) == ("7 by Alice", "7 by Bob")
    assert asyncio.run(bob.refund_later(8)) == "8 later by Bob"
    assert [run.run.parameters for run in server.runs.values()][:2] == [{"order": 7}] * 2


def test_instances_do_not_share_stored_results() -> None:
    @flow
    def signing() -> list[str]:
        return [desk.sign(7) for desk in (Desk("Alice"), Desk("Bob"), Desk("Alice"))]

    assert signing() == ["7 by Alice", "7 by Bob", "7 by Alice"]


@pytest.mark.parametrize("method", ["price", "price_again"])
def test_a_method_of_a_class_belongs_to_the_class_that_is_asked(method: str) -> None:
    prices = [getattr(owner, method)(1.5) for owner in (Desk, Bank, Bank("Alice"))]
    assert prices == ["1.5 EUR", "1.5 CHF", "1.5 CHF"]


def test_a_static_method_belongs_to_nobody() -> None:
    desk: Any = Desk
    assert (desk.double(2), desk("Alice").double(2), desk("Alice").triple(2)) == (4, 4, 6)


def test_methods_of_a_class_can_be_served_and_those_of_an_instance_cannot() -> None:
    desk: Any = Desk
    for method in (desk.price, desk.double):
        entrypoint = method.to_deployment("desk").entrypoint
        assert entrypoint.endswith(f":Desk.{method.fn.__name__}")
        assert isinstance(load_flow(entrypoint), Flow)
    with pytest.raises(FlowNotServable, match="is a method of an instance"):
        _ = Desk("Alice").refund.to_deployment("desk").entrypoint


def test_other_options_make_another_flow_of_the_same_function(server: FakeServer) -> None:
    seen: list[str] = []

    @flow(retries=1, description="Adds")
    def add(a: int) -> int:
        return a + 1

    @add.on_completion
    def note(*_: Any) -> None:
        seen.append("first")

    other = add.with_options(name="Other", flow_run_name="{a}")
    quiet = add.with_options(on_completion=[])
    assert (other(1), quiet(1), add.name, other.name) == (2, 2, "add", "Other")
    assert (other.retries, other.description) == (1, "Adds")
    assert seen == ["first"]
    assert next(run.run.name for run in server.runs.values()) == "1"


def test_so_do_they_of_a_task_also_of_a_method() -> None:
    @task(retries=1)
    def add(a: int) -> int:
        return a + 1

    other = add.with_options(task_run_name="{a}")
    assert (other.retries, other.task_run_name, add.task_run_name) == (1, "{a}", None)
    assert Desk("Alice").refund.with_options(name="Again")(7) == "7 by Alice"

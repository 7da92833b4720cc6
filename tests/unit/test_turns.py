"""Keys take turns, however many each of them has waiting."""

import asyncio

from flowruns.web.turns import Turns


def test_keys_take_turns() -> None:
    async def main() -> None:
        turns, order = Turns(1), list[str]()
        await turns.take("first")

        async def wait(key: str) -> None:
            async with turns.turn(key):
                order.append(key)

        waiting = [asyncio.create_task(wait(key)) for key in ("a", "a", "a", "b", "c", "b")]
        await asyncio.sleep(0)
        turns.give_back("first")
        await asyncio.gather(*waiting)
        assert order == ["a", "b", "c", "a", "b", "a"]

    asyncio.run(main())


def test_one_key_leaves_room_for_another() -> None:
    async def main() -> None:
        turns = Turns(3, of_one_key=2)
        crowd = [asyncio.create_task(turns.take("a")) for _ in range(5)]
        await asyncio.sleep(0)
        assert sum(task.done() for task in crowd) == 2
        await turns.take("b")
        turns.give_back("b")
        turns.give_back("a")
        await asyncio.sleep(0)
        assert sum(task.done() for task in crowd) == 3
        for task in crowd:
            task.cancel()

    asyncio.run(main())


def test_who_leaves_while_waiting_takes_nobodys_turn() -> None:
    async def main() -> None:
        turns = Turns(1)
        await turns.take("a")
        leaving = asyncio.create_task(turns.take("b"))
        staying = asyncio.create_task(turns.take("c"))
        await asyncio.sleep(0)
        leaving.cancel()
        turns.give_back("a")
        await staying

    asyncio.run(main())

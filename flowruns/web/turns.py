"""Turns for those who would else crowd: so many at a time, and those of each key one by one."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """Lets `at_once` in at a time, of one key at most `of_one_key`; the keys take turns."""

    def __init__(self, at_once: int, *, of_one_key: int | None = None) -> None:
        self._free = at_once
        self._of_one_key = of_one_key or at_once
        self._inside: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    async def take(self, key: str) -> None:
        """Wait for a turn, which must be given back."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, deque()).append(turn)
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._let_in()
            else:
                self.give_back(key)
            raise

    def take_free(self, key: str) -> bool:
        """Take a turn, which must be given back, if nobody has to be waited for."""
        is_free = not self._waiting and self._free and self._inside[key] < self._of_one_key
        if is_free:
            self._enter(key)
        return bool(is_free)

    def give_back(self, key: str) -> None:
        self._free += 1
        self._inside[key] -= 1
        if not self._inside[key]:
            del self._inside[key]
        self._let_in()

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncIterator[None]:
        """Have a turn while the block runs."""
        await self.take(key)
        try:
            yield
        finally:
            self.give_back(key)

    def _let_in(self) -> None:
        while self._free and (key := self._next_key()) is not None:
            waiting = self._waiting[key]
            turn = waiting.popleft()
            if waiting:
                self._waiting.move_to_end(key)
            else:
                del self._waiting[key]
            if turn.done():  # its request has left
                continue
            self._enter(key)
            turn.set_result(None)

    def _enter(self, key: str) -> None:
        self._free -= 1
        self._inside[key] += 1

    def _next_key(self) -> str | None:
        return next((key for key in self._waiting if self._inside[key] < self._of_one_key), None)

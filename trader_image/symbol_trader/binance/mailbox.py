"""A bounded queue between the socket and the leader that loses nothing in silence."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

from symbol_trader.binance.turns import Turns
from symbol_trader.errors import ExchangeUnavailable

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Items in order, for one reader; after the end, what is left, and then `Unavailable`."""

    def __init__(self, limit: int) -> None:
        self._items: deque[T] = deque()
        self._limit = limit
        self._ended: str | None = None
        self._changed = asyncio.Event()
        self._turns = Turns()

    def put(self, item: T) -> bool:
        """Add an item; False says that the box is full or ended, and the item is not in it."""
        if self._ended is not None or len(self._items) >= self._limit:
            return False
        self._items.append(item)
        self._changed.set()
        return True

    def end(self, why: str) -> bool:
        """Take no more items; False says that this was so already. The first reason stays."""
        if self._ended is not None:
            return False
        self._ended = why
        self._changed.set()
        return True

    def __aiter__(self) -> "Mailbox[T]":
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._ended is not None:
                raise ExchangeUnavailable(self._ended)
            self._changed.clear()
            await self._changed.wait()
        if self._turns.is_over():
            await asyncio.sleep(0)
        return self._items.popleft()

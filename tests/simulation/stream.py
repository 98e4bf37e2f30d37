"""What comes to a process one by one: an iterator that the world fills."""

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from simulation.loop import VirtualLoop

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")


class Stream(Generic[T]):
    """Items in the order of their coming; an exception among them is raised in its place."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._items: deque[T | Exception] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def push(self, item: T | Exception) -> None:
        """Bring an item, and let the process run."""
        self._items.append(item)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        self._loop.run_ready()

    def __aiter__(self) -> "Stream[T]":
        return self

    async def __anext__(self) -> T:
        while not self._items:
            self._waiter = self._loop.create_future()
            await self._waiter
        item = self._items.popleft()
        if isinstance(item, Exception):
            raise item
        return item

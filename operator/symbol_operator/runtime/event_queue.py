"""Events that wait to be posted: best effort, and never in the way of anything else."""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from symbol_operator.decide.events import EventNote
from symbol_operator.runtime.errors import ClusterError, UnavailableError
from symbol_operator.runtime.logs import concerning
from tradingsymbol_api.reading import Document, text

logger = logging.getLogger(__name__)

WAITING_MAX: Final = 1000
"""So many Events wait at most; while they do, what else is to be told is dropped."""
TOLD_MAX: Final = 4096
"""So many Events are remembered as told: several looks may find the same, until a report says
what they found."""
PAUSES_S: Final = (1.0, 4.0, 15.0)
"""Waits between the attempts at one Event, in seconds; after the last one it is dropped."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An Event that was not posted yet."""

    resource: Document
    event: EventNote
    happened: datetime


class EventQueue:
    """Posts Events one after the other; one that cannot be posted is counted and dropped."""

    def __init__(
        self,
        post: Callable[[Document, EventNote, datetime], Awaitable[None]],
        dropped: Callable[[], None],
    ) -> None:
        self._post = post
        self._dropped = dropped
        self._waiting: asyncio.Queue[Waiting] = asyncio.Queue(WAITING_MAX)
        self._told: OrderedDict[str, None] = OrderedDict()

    def add(self, resource: Document, event: EventNote, happened: datetime) -> None:
        """Have an Event posted as soon as those before it are, once; returns at once."""
        name = f"{text(resource, 'metadata', 'namespace')}/{event.name(resource)}"
        if name in self._told:
            return
        self._told[name] = None
        if len(self._told) > TOLD_MAX:
            self._told.popitem(last=False)
        try:
            self._waiting.put_nowait(Waiting(resource, event, happened))
        except asyncio.QueueFull:
            self._drop(resource, event, "too many Events wait")

    async def work(self) -> None:
        """Post Events until cancelled."""
        while True:
            waiting = await self._waiting.get()
            try:
                await self._attempt(waiting)
            finally:
                self._waiting.task_done()

    async def flush(self, seconds: float) -> None:
        """Wait until all are posted or dropped, no longer than so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._waiting.join()

    async def _attempt(self, waiting: Waiting) -> None:
        try:
            await self._post_patiently(waiting)
        except ClusterError as exc:
            self._drop(waiting.resource, waiting.event, str(exc))
        except Exception:
            with _about(waiting.resource):
                logger.exception("an Event cannot be made")
            self._drop(waiting.resource, waiting.event, "the operator fails at it")

    async def _post_patiently(self, waiting: Waiting) -> None:
        for pause in PAUSES_S:
            with contextlib.suppress(UnavailableError):
                await self._post(waiting.resource, waiting.event, waiting.happened)
                return
            await asyncio.sleep(pause)
        await self._post(waiting.resource, waiting.event, waiting.happened)

    def _drop(self, resource: Document, event: EventNote, why: str) -> None:
        """Leave it to the log."""
        self._dropped()
        with _about(resource):
            logger.warning("%s: %s (not posted: %s)", event.reason, event.note, why)


def _about(resource: Document) -> AbstractContextManager[None]:
    return concerning(text(resource, "metadata", "namespace"), text(resource, "metadata", "name"))

"""When everything is compared with what it should be, whatever events have told."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from symbol_operator.cluster import ClusterError
from symbol_operator.health import Progress

RETRY_SECONDS: Final = 2.0
"""Time to the next comparison after one that failed."""
LIST_SECONDS: Final = 0.25
"""Time from the first object of a list to the comparison: one comes after the other."""


async def keep_comparing(
    compare: Callable[[], Awaitable[None]],
    listed: asyncio.Event,
    progress: Progress,
    seconds: float,
) -> None:
    """Compare at the start, when a watch began anew, and every so many seconds; never returns.

    `listed` is set for each object that was there when a watch began. Such are compared all at
    once: a look at each would take as many reads as there are symbols, when most need nothing.
    `compare` raises ClusterError where it could not ask; it is tried again soon.
    """
    while True:
        wait = RETRY_SECONDS
        with contextlib.suppress(ClusterError):
            await compare()
            progress.succeeded()
            wait = seconds
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await listed.wait()
                await asyncio.sleep(LIST_SECONDS)
        listed.clear()

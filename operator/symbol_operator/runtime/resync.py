"""When everything is compared with what it should be, whatever events have told."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from symbol_operator.runtime.errors import ClusterError
from symbol_operator.runtime.health import Progress
from symbol_operator.runtime.session import EndlessBackoffs

logger = logging.getLogger(__name__)

LIST_SECONDS: Final = 0.25
"""Time from the first object of a list to the comparison: one comes after the other."""


async def keep_comparing(
    compare: Callable[[], Awaitable[None]],
    listed: asyncio.Event,
    progress: Progress,
    seconds: float,
) -> None:
    """Compare a namespace at the start, when a watch has restarted, and every so many seconds.

    `listed` is set for each object that was there when a watch began. Such are compared all at
    once: a look at each would take as many reads as there are symbols, when most need nothing.
    Where `compare` raises, it is tried again soon, and ever more slowly. Never returns.
    """
    backoffs = iter(EndlessBackoffs())
    while True:
        try:
            await compare()
        except ClusterError as exc:
            wait = next(backoffs)
            logger.debug("Comparing again in %.0f s: %s", wait, exc)
        except Exception:
            # What one namespace holds keeps no other from being compared.
            wait = next(backoffs)
            logger.exception("Comparing again in %.0f s", wait)
        else:
            backoffs = iter(EndlessBackoffs())
            progress.succeeded()
            wait = seconds
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await listed.wait()
                await asyncio.sleep(LIST_SECONDS)
        listed.clear()

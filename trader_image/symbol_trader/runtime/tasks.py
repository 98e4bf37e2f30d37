"""Tasks that run beside a loop: how they fail, and how they are ended."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from symbol_trader.runtime.events import Lost
from symbol_trader.runtime.mailbox import Mailbox

Work = Callable[[], Awaitable[None]]
"""What a task beside the loop does."""


async def guarded(work: Work, mailbox: Mailbox) -> None:
    """Let a failure of a task end the term, whatever it is.

    Work is begun here: a task that is canceled before its first step leaves nothing behind.
    """
    try:
        await work()
    except Exception as exc:  # noqa: BLE001 - the loop raises it again
        mailbox.put_nowait(Lost(exc))


async def end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel tasks and wait until they are over; how each of them ended is not asked."""
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

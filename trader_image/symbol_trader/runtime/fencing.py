"""Ends a leader that nobody can reach and that may still run: afterwards it can place no order.

A leader that is cut off from the API server trades on. Whoever takes its epoch ends that: the
record commits no intent of it any more, and what it has sent is on the exchange, or refused for
being late, once `wait_s` has passed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from symbol_trader.errors import SchemaMismatch, Unavailable
from symbol_trader.identity import Epoch, LedgerKey
from symbol_trader.runtime.endings import Ending
from symbol_trader.runtime.reporting import problem_of
from symbol_trader.runtime.retry_policy import RetryPolicy
from symbol_trader.runtime.story import Story
from tradingsymbol_api.pod import Cause

Answer = TypeVar("Answer")
Take = Callable[[], Awaitable[Mapping[LedgerKey, Epoch]]]
Release = Callable[[Mapping[LedgerKey, Epoch]], Awaitable[Sequence[LedgerKey]]]


async def fence(
    take: Take, release: Release | None, *, wait_s: float, retry_policy: RetryPolicy, story: Story
) -> Ending:
    """Take what the lost leader holds, wait until nothing of it is under way, and release.

    While the record cannot be reached it is tried again. `release` is None where another leader
    is to go on.
    """
    taken = await _persistently(take, retry_policy, story)
    for ledger, epoch in taken.items():
        story.tell("took the epoch of a lost leader", symbol=ledger.symbol, epoch=epoch.number)
    # Also where nothing was taken: who did take it may have done so a moment ago.
    await asyncio.sleep(wait_s)
    released: Sequence[LedgerKey] = ()
    if release is not None:
        released = await _persistently(lambda: release(taken), retry_policy, story)
    message = f"the lost leader is over: {_describe(taken, released)}"
    story.tell("fenced", why=message)
    return Ending(Cause.FENCED, message)


async def _persistently(
    work: Callable[[], Awaitable[Answer]], retry_policy: RetryPolicy, story: Story
) -> Answer:
    """Try until it succeeds; each new reason to wait is logged once."""
    failures, said = 0, ""
    while True:
        try:
            return await work()
        except (Unavailable, SchemaMismatch) as exc:
            failures += 1
            if str(exc) != said:
                said = str(exc)
                story.warn("waiting", reason=problem_of(exc).reason, why=said)
        await asyncio.sleep(retry_policy.pause_s(failures, dialed=False))


def _describe(taken: Mapping[LedgerKey, Epoch], released: Sequence[LedgerKey]) -> str:
    if not taken:
        return "it held no ledger, and can take none any more"
    return "; ".join(
        f"epoch {epoch.number} of {ledger.symbol} (account {ledger.account}, {ledger.environment})"
        + (", released" if ledger in released else "")
        for ledger, epoch in taken.items()
    )

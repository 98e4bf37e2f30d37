"""Many leaders' worth of buys from one process, at a steady rate until it is killed.

`python -m bench.buyers DATABASE ACCOUNT FIRST COUNT CONNECTIONS PER_SECOND` leads COUNT ledgers,
numbered from FIRST on, over so many connections. Its output is `up`, and then a line for each buy:
`committed LAG TOOK`, in seconds: how much later than planned its turn began, and from the call to
the answer; `refused REASON`; or `lost` where there was no answer.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from itertools import count

from bench.ledgers import ENVIRONMENT, Ledger, open_again
from support.recorded import OwnRecord
from symbol_trader.errors import Unavailable
from symbol_trader.identity import LedgerKey

BID_EVERY_S = 15.0
"""The record refuses buys when a bid is 60 s old; real leaders ask for one that is 30 s old."""


class Buyer:
    """Ledgers that take turns on one connection."""

    def __init__(self, database: str, keys: Sequence[LedgerKey]) -> None:
        """Buy for these ledgers."""
        self._record = OwnRecord(database)
        self._ledgers = [Ledger(self._record, key) for key in keys]
        self._bid_s: dict[Ledger, float] = {}

    async def claim(self) -> None:
        """Claim all of its ledgers."""
        await self._record.ownership.open()
        for ledger in self._ledgers:
            await ledger.claim()
            self._bid_s[ledger] = time.monotonic()

    async def run(self, begin_s: float, every_s: float) -> None:
        """Buy at these times of the monotonic clock."""
        for number in count():
            planned_s = begin_s + number * every_s
            await asyncio.sleep(planned_s - time.monotonic())
            lag_s = max(0.0, time.monotonic() - planned_s)
            try:
                print(
                    await self._turn(self._ledgers[number % len(self._ledgers)], lag_s), flush=True
                )
            except Unavailable:
                print("lost", flush=True)
                await open_again(self._record)

    async def _turn(self, ledger: Ledger, lag_s: float) -> str:
        await ledger.get_ready()
        if time.monotonic() - self._bid_s[ledger] > BID_EVERY_S:
            await ledger.record_bid()
            self._bid_s[ledger] = time.monotonic()
        began_s = time.monotonic()
        if refused := await ledger.buy():
            return f"refused {refused[0].reason}"
        return f"committed {lag_s:.4f} {time.monotonic() - began_s:.4f}"


async def run(
    database: str, account: str, numbers: range, connections: int, per_second: float
) -> None:
    """Claim the ledgers, say so, and buy."""
    keys = [LedgerKey(ENVIRONMENT, account, f"B{number}USDT") for number in numbers]
    buyers = [Buyer(database, keys[nth::connections]) for nth in range(connections)]
    await asyncio.gather(*(buyer.claim() for buyer in buyers))
    print("up", flush=True)
    begin_s, every_s = time.monotonic(), connections / per_second
    await asyncio.gather(
        *(buyer.run(begin_s + nth / per_second, every_s) for nth, buyer in enumerate(buyers))
    )


if __name__ == "__main__":
    first, how_many, over = map(int, sys.argv[3:6])
    ledgers = range(first, first + how_many)
    asyncio.run(run(sys.argv[1], sys.argv[2], ledgers, over, float(sys.argv[6])))

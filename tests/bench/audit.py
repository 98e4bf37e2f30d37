"""Time and memory of an audit, in a process of its own: `python -m bench.audit URL`.

The exchange is played by the record itself, so any record will do; what the exchange's weight limit
adds is told apart.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg

import symbol_trader.__main__  # noqa: F401 - the command's memory counts
from symbol_trader.audit import exchange
from symbol_trader.audit.look import Look
from symbol_trader.identity import LedgerKey

ORDERS = """
SELECT order_id AS "orderId", client_order_id AS "clientOrderId", side::text, price::text,
    coalesce(current_quantity, quantity)::text AS "origQty", executed::text AS "executedQty",
    executed_quote::text AS "cummulativeQuoteQty", timestamp_ms AS time,
    timestamp_ms AS "updateTime",
    CASE state WHEN 'open' THEN 'NEW' ELSE upper(state::text) END AS status
FROM orders WHERE order_id IS NOT NULL ORDER BY order_id
"""
FILLS = """
SELECT order_id AS "orderId", trade_id AS id, price::text, quantity::text AS qty,
    quote_quantity::text AS "quoteQty", commission::text, commission_asset AS "commissionAsset"
FROM fills ORDER BY trade_id
"""
WEIGHT_PER_PAGE = 20
WEIGHT_PER_MINUTE = 4_500
"""Three quarters of Binance's 6,000."""


class RecordAsExchange:
    """Answers the audit's pages from a record, one after another."""

    def __init__(self, driver: asyncpg.Connection) -> None:
        self._pages = {"allOrders": _pages(driver, ORDERS), "myTrades": _pages(driver, FILLS)}
        self.asked = 0

    async def query(
        self, method: str, _: dict[str, Any], parse: Callable[[Any], Any], **__: Any
    ) -> Any:
        """Return the next page."""
        self.asked += 1
        return parse(await anext(self._pages[method], []))


async def _pages(driver: asyncpg.Connection, statement: str) -> AsyncIterator[list[dict[str, Any]]]:
    async with driver.transaction():
        cursor = await driver.cursor(statement)
        while rows := await cursor.fetch(exchange.PAGE):
            yield [dict(row) for row in rows]


async def measure(url: str) -> str:
    """Audit the record's only book; return time, pages and the highest memory, in one line."""
    driver, other = await asyncpg.connect(url), await asyncpg.connect(url)
    (row,) = await driver.fetch("SELECT environment, account, symbol FROM owners")
    ledger = LedgerKey(*row)
    base_mib = _memory_mib()
    begin_s = time.monotonic()
    there: Any = RecordAsExchange(other)
    account = exchange.Account(ledger.account, "XRP", "USDT")
    found = await Look(driver, there, ledger, account, since_ms=0, say=lambda _: None).take()
    took_s = time.monotonic() - begin_s
    await driver.close()
    await other.close()
    limit_min = there.asked * WEIGHT_PER_PAGE / WEIGHT_PER_MINUTE
    return (
        f"audit of {found.traders} cycles: {took_s:.0f} s here, {there.asked} pages (at least "
        f"{limit_min:.0f} min at the exchange), {_memory_mib()} MiB, of which {base_mib} before, "
        f"{len(found.findings)} differences"
    )


def _memory_mib() -> int:
    # getrusage would count what the process was before it became this program, too.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


if __name__ == "__main__":
    print(asyncio.run(measure(sys.argv[1])))

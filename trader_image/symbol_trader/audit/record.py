"""Reads the record's side: traders in batches, each as of one moment, and the ledger's sums."""

from collections.abc import AsyncIterator
from typing import Final

import asyncpg

from symbol_trader.audit.evidence import (
    Commitment,
    Execution,
    FillRow,
    Limits,
    OrderRow,
    RecordSide,
    Totals,
    TraderRow,
)
from symbol_trader.identity import LedgerKey

BATCH: Final = 500
"""Traders that are in memory at once."""
_LEDGER: Final = "(environment, account, symbol) = ($1, $2, $3)"
_SINCE: Final = "(state = 'running' OR finished_ms >= $4)"

# The settings of whoever owns the ledger; a resource that is gone leaves its last ones.
LIMITS: Final = """
SELECT budget, chunks, mirrored_at AS since
FROM owners JOIN settings USING (cluster, namespace, name)
WHERE (owners.environment, account, owners.symbol) = ($1, $2, $3)
"""

FIRST: Final = f"""
SELECT coalesce(min(orders.order_id), 0) AS order_id, coalesce(min(trade_id), 0) AS trade_id
FROM traders JOIN orders USING (environment, account, symbol, trader_id)
LEFT JOIN fills USING (environment, account, symbol, trader_id, client_order_id)
WHERE {_LEDGER} AND (traders.state = 'running' OR finished_ms >= $4)
"""  # noqa: S608 - constants alone

TRADERS: Final = f"""
SELECT trader_id, state::text, chunk_budget, unsold, carried, profit, carried_cost
FROM traders WHERE {_LEDGER} AND {_SINCE} AND trader_id > $5 ORDER BY trader_id LIMIT {BATCH}
"""  # noqa: S608 - constants alone

ORDERS: Final = f"""
SELECT client_order_id, trader_id, side::text, attempt, price, quantity, timestamp_ms,
    committed_at, changed_at, state::text, order_id, executed, executed_quote, reason,
    current_quantity, fills_given_up, settled_because
FROM orders WHERE {_LEDGER} AND trader_id = ANY($4)
"""  # noqa: S608 - constants alone

FILLS: Final = f"""
SELECT client_order_id, order_id, trade_id, price, quantity, quote_quantity, commission,
    CASE WHEN commission = 0 THEN '' ELSE commission_asset END AS commission_asset,
    fee_in::text, fee_value, fee_price
FROM fills WHERE {_LEDGER} AND trader_id = ANY($4)
"""  # noqa: S608 - constants alone

KEPT: Final = f"""
SELECT ended_count, ended_profit, ended_carried, ended_carried_cost, exposure, open_cycles,
    net_base, net_quote
FROM owners WHERE {_LEDGER}
"""  # noqa: S608 - constants alone

# From orders and fills alone. What the fills of an order do not tell, where they are given up, its
# own amounts do.
ADDED_UP: Final = f"""
WITH ended AS (
    SELECT count(*) AS ended_count, coalesce(sum(profit), 0) AS ended_profit,
        coalesce(sum(carried), 0) AS ended_carried,
        coalesce(sum(carried_cost), 0) AS ended_carried_cost
    FROM traders WHERE {_LEDGER} AND state <> 'running'
), running AS (
    SELECT orders.* FROM orders JOIN traders USING (environment, account, symbol, trader_id)
    WHERE {_LEDGER} AND traders.state = 'running'
), exposures AS (
    SELECT trader_id, sum(executed_quote + CASE WHEN state IN ('intent', 'undecided', 'open')
        THEN (coalesce(current_quantity, quantity) - executed) * price ELSE 0 END) AS quote
    FROM running WHERE side = 'BUY' AND state NOT IN ('refused', 'absent') GROUP BY trader_id
), moved AS (
    SELECT CASE side WHEN 'BUY' THEN quantity ELSE -quantity END AS base,
        CASE side WHEN 'BUY' THEN -quote_quantity ELSE quote_quantity END AS quote
    FROM fills
    WHERE {_LEDGER} AND client_order_id IN (
        SELECT client_order_id FROM running WHERE NOT fills_given_up
    )
    UNION ALL
    SELECT CASE side WHEN 'BUY' THEN executed ELSE -executed END,
        CASE side WHEN 'BUY' THEN -executed_quote ELSE executed_quote END
    FROM running WHERE fills_given_up
    UNION ALL
    SELECT CASE fee_in WHEN 'base' THEN -commission ELSE 0 END,
        CASE fee_in WHEN 'quote' THEN -commission ELSE -coalesce(fee_value, 0) END
    FROM fills WHERE {_LEDGER} AND client_order_id IN (SELECT client_order_id FROM running)
)
SELECT ended.*,
    (SELECT coalesce(sum(quote), 0) FROM exposures) AS exposure,
    (SELECT count(*) FROM exposures WHERE quote > 0) AS open_cycles,
    (SELECT coalesce(sum(base), 0) FROM moved) AS net_base,
    (SELECT coalesce(sum(quote), 0) FROM moved) AS net_quote
FROM ended
"""  # noqa: S608 - constants alone

# When each trader had orders, and each of its buys tied up how much quote until the trader ended.
# What an order of the past might still have cost at the time is not on record; what it did cost in
# the end is, and is no more than that. At one moment what ends goes first: no clock tells them
# apart.
COMMITMENTS: Final = f"""
WITH spans AS (
    SELECT trader_id, min(orders.committed_at) AS begins,
        CASE WHEN traders.state = 'running' THEN 'infinity' ELSE max(orders.changed_at) END AS ends
    FROM traders JOIN orders USING (environment, account, symbol, trader_id)
    WHERE {_LEDGER} GROUP BY trader_id, traders.state
    HAVING traders.state = 'running' OR max(orders.changed_at) >= $4
), buys AS (
    SELECT committed_at AS begins, ends,
        executed_quote + CASE WHEN state < 'filled'
            THEN (coalesce(current_quantity, quantity) - executed) * price ELSE 0 END AS quote
    FROM orders JOIN spans USING (trader_id)
    WHERE {_LEDGER} AND side = 'BUY' AND state NOT IN ('refused', 'absent')
)
SELECT begins AS moment, 1 AS traders, 0 AS quote FROM spans
UNION ALL SELECT ends, -1, 0 FROM spans WHERE ends < 'infinity'
UNION ALL SELECT begins, 0, quote FROM buys
UNION ALL SELECT ends, 0, -quote FROM buys WHERE ends < 'infinity'
ORDER BY moment, traders, quote
"""  # noqa: S608 - constants alone

Key = tuple[str, str, str]


def key(ledger: LedgerKey) -> Key:
    """Return $1 to $3 of the statements."""
    return ledger.environment, ledger.account, ledger.symbol


async def first_ids(
    driver: asyncpg.Connection, ledger: LedgerKey, since_ms: int
) -> tuple[int, int]:
    """Return the least order id and trade id of all traders that were not over at a time."""
    row = await driver.fetchrow(FIRST, *key(ledger), since_ms)
    return row["order_id"], row["trade_id"]


async def batches(
    driver: asyncpg.Connection, ledger: LedgerKey, since_ms: int
) -> AsyncIterator[RecordSide]:
    """Yield the traders that were not over at a time, with all that is on record of them."""
    last = ""
    while True:
        async with driver.transaction(isolation="repeatable_read", readonly=True):
            side = await _batch(driver, ledger, since_ms, last)
        if not side.traders:
            return
        yield side
        last = side.traders[-1].trader_id


async def _batch(
    driver: asyncpg.Connection, ledger: LedgerKey, since_ms: int, last: str
) -> RecordSide:
    traders = [
        TraderRow(**row) for row in await driver.fetch(TRADERS, *key(ledger), since_ms, last)
    ]
    names = [trader.trader_id for trader in traders]
    orders = [OrderRow(**row) for row in await driver.fetch(ORDERS, *key(ledger), names)]
    fills = await driver.fetch(FILLS, *key(ledger), names)
    return RecordSide(tuple(traders), tuple(orders), tuple(_fill(row) for row in fills))


def _fill(row: asyncpg.Record) -> FillRow:
    execution = Execution(
        row["order_id"],
        row["trade_id"],
        row["price"],
        row["quantity"],
        row["quote_quantity"],
        row["commission"],
        row["commission_asset"],
    )
    return FillRow(
        row["client_order_id"], execution, row["fee_in"], row["fee_value"], row["fee_price"]
    )


async def totals(driver: asyncpg.Connection, ledger: LedgerKey) -> tuple[Totals, Totals] | None:
    """Return the totals as kept and as added up, of one moment; None for an unknown ledger."""
    async with driver.transaction(isolation="repeatable_read", readonly=True):
        kept = await driver.fetchrow(KEPT, *key(ledger))
        added_up = await driver.fetchrow(ADDED_UP, *key(ledger))
    return (Totals(**kept), Totals(**added_up)) if kept else None


async def limits(driver: asyncpg.Connection, ledger: LedgerKey) -> Limits | None:
    """Return the settings in force; None where there are none."""
    row = await driver.fetchrow(LIMITS, *key(ledger))
    return Limits(**row) if row else None


async def commitments(
    driver: asyncpg.Connection, ledger: LedgerKey, limits_: Limits
) -> AsyncIterator[Commitment]:
    """Yield what traders tied up since their limits are in force, oldest first."""
    async with driver.transaction(isolation="repeatable_read", readonly=True):
        async for row in driver.cursor(COMMITMENTS, *key(ledger), limits_.since, prefetch=BATCH):
            yield Commitment(**row)

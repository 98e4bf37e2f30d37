"""Keeps the exchange's side in temporary tables beside the record, to look it up by trader.

The exchange lists orders and fills by number, and a trader's are far apart. In memory they would
grow with all that ever happened; the session's temporary tables end with the connection.
"""

from collections.abc import Iterable
from dataclasses import astuple, fields
from typing import Final

import asyncpg

from symbol_trader.audit.checks import PLACED_WITHIN_MS
from symbol_trader.audit.evidence import Execution, ListedOrder
from symbol_trader.identity import LedgerKey

CREATE: Final = """
DROP TABLE IF EXISTS pg_temp.exchange_orders, pg_temp.exchange_fills;
CREATE TEMPORARY TABLE exchange_orders (
    order_id bigint, client_order_id text, side text, price numeric, quantity numeric,
    executed numeric, executed_quote numeric, status text, time_ms bigint, updated_ms bigint);
CREATE TEMPORARY TABLE exchange_fills (
    order_id bigint, trade_id bigint, price numeric, quantity numeric, quote_quantity numeric,
    commission numeric, commission_asset text);
"""

INDEX: Final = """
CREATE INDEX ON pg_temp.exchange_orders (order_id);
CREATE INDEX ON pg_temp.exchange_orders (client_order_id);
CREATE INDEX ON pg_temp.exchange_fills (order_id);
ANALYZE pg_temp.exchange_orders;
ANALYZE pg_temp.exchange_fills;
"""

ORDERS: Final = """
SELECT * FROM pg_temp.exchange_orders WHERE order_id = ANY($1) OR client_order_id = ANY($2)
"""
FILLS: Final = "SELECT * FROM pg_temp.exchange_fills WHERE order_id = ANY($1) ORDER BY trade_id"

# As in `checks.matched`.
_UNRECORDED: Final = f"""
FROM pg_temp.exchange_orders AS there
WHERE NOT EXISTS (
    SELECT FROM orders WHERE (environment, account, symbol) = ($1, $2, $3)
        AND (orders.order_id = there.order_id
                AND (NOT starts_with(there.client_order_id, $4)
                    OR there.client_order_id = orders.client_order_id
                    OR starts_with(there.client_order_id, orders.client_order_id || 'c'))
                AND there.time_ms <= orders.timestamp_ms + {PLACED_WITHIN_MS}
            OR orders.client_order_id = there.client_order_id AND orders.order_id IS NULL))
"""
_CLAIMED: Final = """
starts_with(there.client_order_id, $4) AND NOT EXISTS (
    SELECT FROM disowned WHERE (environment, account, symbol) = ($1, $2, $3)
        AND disowned.client_order_id = there.client_order_id)
"""
UNRECORDED: Final = f"""
SELECT order_id, client_order_id {_UNRECORDED} AND {_CLAIMED} ORDER BY order_id LIMIT 1000
"""
FOREIGN: Final = f"SELECT count(*) {_UNRECORDED} AND NOT ({_CLAIMED})"


async def create(driver: asyncpg.Connection) -> None:
    """Create empty tables, in place of an earlier look's."""
    await driver.execute(CREATE)


async def add_orders(driver: asyncpg.Connection, page: Iterable[ListedOrder]) -> None:
    """Add a page of orders."""
    await _add(driver, "exchange_orders", ListedOrder, page)


async def add_fills(driver: asyncpg.Connection, page: Iterable[Execution]) -> None:
    """Add a page of fills."""
    await _add(driver, "exchange_fills", Execution, page)


async def _add(
    driver: asyncpg.Connection,
    table: str,
    kind: type[ListedOrder | Execution],
    page: Iterable[ListedOrder | Execution],
) -> None:
    await driver.copy_records_to_table(
        table, records=map(astuple, page), columns=[field.name for field in fields(kind)]
    )


async def index(driver: asyncpg.Connection) -> None:
    """Make the tables quick to look up."""
    await driver.execute(INDEX)


async def orders(
    driver: asyncpg.Connection, order_ids: list[int], names: list[str]
) -> tuple[ListedOrder, ...]:
    """Return the exchange's orders with these numbers or client order ids."""
    rows = await driver.fetch(ORDERS, order_ids, names)
    return tuple(ListedOrder(**row) for row in rows)


async def fills(driver: asyncpg.Connection, order_ids: list[int]) -> tuple[Execution, ...]:
    """Return the exchange's fills of these orders."""
    return tuple(Execution(**row) for row in await driver.fetch(FILLS, order_ids))


async def unrecorded(
    driver: asyncpg.Connection, ledger: LedgerKey, mark: str
) -> list[tuple[int, str]]:
    """Return number and name of the first thousand orders with our mark that are not on record."""
    where = (ledger.environment, ledger.account, ledger.symbol, mark)
    return [tuple(row) for row in await driver.fetch(UNRECORDED, *where)]


async def foreign(driver: asyncpg.Connection, ledger: LedgerKey, mark: str) -> int:
    """Return how many orders others placed."""
    where = (ledger.environment, ledger.account, ledger.symbol, mark)
    found: int = await driver.fetchval(FOREIGN, *where)
    return found

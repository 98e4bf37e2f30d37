"""Reads the record's side, in one transaction: one moment of it."""

from typing import Final

import asyncpg

from symbol_trader.audit.evidence import (
    Execution,
    Limits,
    RecordedOrder,
    RecordedTrader,
    RecordSide,
)
from symbol_trader.ports import Book

_BOOK: Final = "environment = $1 AND account = $2 AND symbol = $3"

DISOWNED: Final = f"SELECT client_order_id FROM disowned WHERE {_BOOK}"  # noqa: S608

# The settings of whoever owns the book; a resource that is gone leaves its last ones.
LIMITS: Final = """
SELECT budget, chunks, mirrored_at AS since
FROM owners JOIN settings USING (cluster, namespace, name)
WHERE owners.environment = $1 AND account = $2 AND owners.symbol = $3
"""

TRADERS: Final = f"""
SELECT trader_id, state::text, chunk_budget, unsold, carried
FROM traders WHERE {_BOOK}
"""  # noqa: S608

ORDERS: Final = f"""
SELECT client_order_id, trader_id, side::text, attempt, price, quantity, timestamp_ms,
    committed_at, changed_at, state::text, order_id, executed, executed_quote, reason
FROM orders WHERE {_BOOK}
"""  # noqa: S608

EXECUTIONS: Final = f"""
SELECT order_id, trade_id, price, quantity, quote_quantity, commission,
    CASE WHEN commission = 0 THEN '' ELSE commission_asset END AS commission_asset
FROM fills WHERE {_BOOK}
"""  # noqa: S608


async def read(connection: asyncpg.Connection, book: Book) -> RecordSide:
    """Read all that the record holds of a book."""
    key = (book.environment, book.account, book.symbol)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        limits = await connection.fetchrow(LIMITS, *key)
        return RecordSide(
            disowned=frozenset(row[0] for row in await connection.fetch(DISOWNED, *key)),
            limits=Limits(**limits) if limits else None,
            traders=tuple(RecordedTrader(**row) for row in await connection.fetch(TRADERS, *key)),
            orders=tuple(RecordedOrder(**row) for row in await connection.fetch(ORDERS, *key)),
            executions=tuple(Execution(**row) for row in await connection.fetch(EXECUTIONS, *key)),
        )

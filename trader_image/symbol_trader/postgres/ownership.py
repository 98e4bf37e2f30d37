"""What a person may do to a book: `symbol-trader takeover` and `symbol-trader disown`."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from symbol_trader.ports import Book, Owner
from symbol_trader.postgres import connection, errors, schema, statements


async def takeover(url: str, book: Book, owner: Owner) -> int | None:
    """Give a book to an owner, whoever held it; return the new epoch, None for an unknown book.

    A leader of the owner before is fenced at its next write, and refused when it claims again.

    Raises:
        Unavailable: The database cannot be reached.
        SchemaMismatch: The record has another schema than this program knows.

    """
    arguments = (owner.cluster, owner.namespace, owner.name)
    rows = await _carry_out(url, "takeover", statements.TAKEOVER, book, *arguments)
    return rows[0]["epoch"] if rows else None


async def disown(url: str, book: Book, names: Sequence[str], reason: str) -> list[str]:
    """Let leaders trade on although these orders are not on record; return those newly noted.

    Raises:
        Unavailable: The database cannot be reached.
        SchemaMismatch: The record has another schema than this program knows.

    """
    rows = await _carry_out(url, "disown", statements.DISOWN, book, list(names), reason)
    return [row["client_order_id"] for row in rows]


async def _carry_out(
    url: str, command: str, statement: str, book: Book, *arguments: Any
) -> list[asyncpg.Record]:
    driver = await connection.connect(url, application=f"symbol-trader {command}")
    try:
        with errors.translated(errors.describe(url), driver.is_closed):
            schema.check(await connection.schema_version(driver))
            where = (book.environment, book.account, book.symbol)
            found: list[asyncpg.Record] = await driver.fetch(statement, *where, *arguments)
            return found
    finally:
        driver.terminate()

"""What a person may do to a book, beside trading it: `takeover`, `disown`, a change of name."""

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
    where = (book.environment, book.account, book.symbol)
    rows = await _carry_out(url, "takeover", statements.TAKEOVER, *where, *arguments)
    return rows[0]["epoch"] if rows else None


async def disown(url: str, book: Book, names: Sequence[str], reason: str) -> list[str]:
    """Let leaders trade on although these orders are not on record; return those newly noted.

    Raises:
        Unavailable: The database cannot be reached.
        SchemaMismatch: The record has another schema than this program knows.

    """
    where = (book.environment, book.account, book.symbol)
    rows = await _carry_out(url, "disown", statements.DISOWN, *where, list(names), reason)
    return [row["client_order_id"] for row in rows]


async def rename_owner(
    url: str, environment: str, symbol: str, before: Owner, after: Owner
) -> list[str]:
    """Give the same owner another name in its books of a symbol; return their accounts.

    Nobody is fenced: it is for an owner that is the same under both names.

    Raises:
        Unavailable: The database cannot be reached.
        SchemaMismatch: The record has another schema than this program knows.

    """
    names = (before.cluster, before.namespace, before.name, after.cluster, after.namespace)
    arguments = (environment, symbol, *names, after.name)
    rows = await _carry_out(url, "run", statements.RENAME_OWNER, *arguments)
    return [row["account"] for row in rows]


async def _carry_out(
    url: str, command: str, statement: str, *arguments: Any
) -> list[asyncpg.Record]:
    driver = await connection.connect(url, application=f"symbol-trader {command}")
    try:
        with errors.translated(errors.describe(url), driver.is_closed):
            schema.check(await connection.schema_version(driver))
            found: list[asyncpg.Record] = await driver.fetch(statement, *arguments)
            return found
    finally:
        driver.terminate()

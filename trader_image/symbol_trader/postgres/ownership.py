"""What commands do to ledgers: `takeover`, `disown`, `settle`, `fence`, and renaming an owner."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import asyncpg

from symbol_trader.core.orders import OrderState
from symbol_trader.errors import InvalidInput
from symbol_trader.identity import Epoch, LedgerKey, Owner
from symbol_trader.postgres import connection, errors, limit_statements, schema, statements

NEVER_THERE: Final = {OrderState.REFUSED, OrderState.ABSENT}


async def takeover(url: str, ledger: LedgerKey, owner: Owner) -> int | None:
    """Give a ledger to an owner, whoever held it; return the new epoch, None for an unknown ledger.

    A leader of the owner before is fenced at its next write, and refused when it claims again.

    Raises:
        Unavailable: The database cannot be reached.
        SchemaMismatch: The record has another schema than this program knows.

    """
    arguments = (owner.cluster, owner.namespace, owner.name)
    rows = await carry_out(url, "takeover", statements.TAKEOVER, *_key(ledger), *arguments)
    return rows[0]["epoch"] if rows else None


async def fence(url: str, pod: str) -> dict[LedgerKey, Epoch]:
    """End what a pod leads, by its uid, and bar it; return the epochs that were taken from it.

    It may be repeated. A ledger that a later leader has taken stays with that one.

    Raises:
        Unavailable: The database cannot be reached, or claims are under way for too long.
        SchemaMismatch: The record has another schema than this program knows.

    """
    async with _connected(url, "fence") as driver, driver.transaction():
        await driver.execute(statements.HOLD_CLAIMS)
        await driver.execute(statements.BAR, pod)
        rows = await driver.fetch(statements.FENCE, pod, f"fence of {pod}")
    return {
        LedgerKey(row["environment"], row["account"], row["symbol"]): Epoch(
            row["epoch"], row["nonce"]
        )
        for row in rows
    }


async def release(url: str, held: Mapping[LedgerKey, Epoch]) -> list[LedgerKey]:
    """Give up those ledgers that are still held and have nothing unfinished; return them.

    Raises:
        Unavailable: The database cannot be reached.
        SchemaMismatch: The record has another schema than this program knows.

    """
    async with _connected(url, "fence") as driver:
        return [
            ledger
            for ledger, epoch in held.items()
            if await driver.fetch(statements.RELEASE, *_key(ledger), epoch.number, epoch.nonce)
        ]


async def disown(url: str, ledger: LedgerKey, names: Sequence[str], reason: str) -> list[str]:
    """Let leaders trade on although these orders are not on record; return those newly noted.

    Raises:
        Unavailable: The database cannot be reached.
        SchemaMismatch: The record has another schema than this program knows.

    """
    rows = await carry_out(url, "disown", statements.DISOWN, *_key(ledger), list(names), reason)
    return [row["client_order_id"] for row in rows]


async def rename_owner(
    url: str, environment: str, symbol: str, before: Owner, after: Owner
) -> list[str]:
    """Give the same owner another name in its ledgers of a symbol; return their accounts.

    Nobody is fenced: it is for an owner that is the same under both names.

    Raises:
        Unavailable: The database cannot be reached.
        SchemaMismatch: The record has another schema than this program knows.

    """
    names = (before.cluster, before.namespace, before.name, after.cluster, after.namespace)
    arguments = (environment, symbol, *names, after.name)
    rows = await carry_out(url, "run", statements.RENAME_OWNER, *arguments)
    return [row["account"] for row in rows]


@dataclass(frozen=True, slots=True)
class StatedEnd:
    """How an order ended, as a person says. None: as its fills on record say."""

    reason: str
    state: OrderState | None = None
    executed: Decimal | None = None
    executed_quote: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """How an order ended, by the record from now on."""

    state: OrderState
    executed: Decimal
    executed_quote: Decimal


class NotSettled(InvalidInput):
    """The record does not accept what a person says; the text says why and what to do."""


async def settle(url: str, ledger: LedgerKey, order: str, stated: StatedEnd) -> Settled:
    """Set how an order ended: for one on which the exchange and the record contradict each other.

    News of it is ignored from then on, and its trader goes on. The order of a trader that is over
    keeps its amounts: they are part of its profit.

    Raises:
        NotSettled: There is no such order, it is settled already, or what is said cannot be true.
        Unavailable: The database cannot be reached.
        SchemaMismatch: The record has another schema than this program knows.

    """
    async with _connected(url, "settle") as driver, driver.transaction():
        where = (*_key(ledger), order)
        found = await driver.fetchrow(statements.ORDER_TO_SETTLE, *where)
        ending = _ending(order, found, stated)
        await driver.execute(
            statements.SETTLE,
            *where,
            ending.state,
            ending.executed,
            ending.executed_quote,
            stated.reason,
        )
        await driver.execute(limit_statements.KEEP_TOTALS, *_key(ledger), found["trader_id"])
    return ending


def _ending(name: str, order: asyncpg.Record | None, stated: StatedEnd) -> Settled:
    """Return what to set. Raises `NotSettled`."""
    if order is None:
        raise NotSettled(f"{name}: no such order is on record in this ledger")
    if order["settled_because"] is not None:
        raise NotSettled(f"{name} is settled already: {order['settled_because']}")
    if order["trader_state"] != "running":
        return _ending_of_ended(name, order, stated)
    ending = Settled(
        stated.state or OrderState.CANCELED,
        order["filled"] if stated.executed is None else stated.executed,
        order["filled_quote"] if stated.executed_quote is None else stated.executed_quote,
    )
    if why := _impossible(ending, order):
        raise NotSettled(f"{name}: {why}")
    return ending


def _ending_of_ended(name: str, order: asyncpg.Record, stated: StatedEnd) -> Settled:
    if (stated.state, stated.executed, stated.executed_quote) != (None, None, None):
        raise NotSettled(
            f"{name}: its trader {order['trader_id']} is over ({order['trader_state']}), so its "
            "state and amounts stay; give --reason alone to have news of it ignored"
        )
    return Settled(OrderState(order["state"]), order["executed"], order["executed_quote"])


def _impossible(ending: Settled, order: asyncpg.Record) -> str | None:
    """Return why an order cannot have ended like this, None if it can."""
    if not ending.state.final:
        return f"{ending.state} is not over"
    if ending.executed < order["filled"] or ending.executed_quote < order["filled_quote"]:
        return (
            f"{order['filled']:f} for {order['filled_quote']:f} in quote are in its fills on "
            "record: it executed at least that"
        )
    reduced = order["current_quantity"]
    most = order["quantity"] if reduced is None else reduced
    if ending.executed > most:
        how = "were intended" if reduced is None else "it was reduced to"
        return f"it cannot have executed more than the {most:f} that {how}"
    if bool(ending.executed) != bool(ending.executed_quote):
        return "give both --executed and --executed-quote, or neither"
    if ending.state in NEVER_THERE and (ending.executed or order["order_id"] is not None):
        return f"it was on the exchange, or executed something: it is not {ending.state}"
    return None


async def carry_out(
    url: str, command: str, statement: str, *arguments: Any
) -> list[asyncpg.Record]:
    """Run the statement of one command, and return its rows.

    Raises:
        Unavailable: The database cannot be reached.
        SchemaMismatch: The record has another schema than this program knows.

    """
    async with _connected(url, command) as driver:
        found: list[asyncpg.Record] = await driver.fetch(statement, *arguments)
        return found


@asynccontextmanager
async def _connected(url: str, command: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect for one command, to a record of this program's schema."""
    driver = await connection.connect(url, application=f"symbol-trader {command}")
    try:
        with errors.translated(errors.describe(url), driver.is_closed):
            schema.check(await connection.schema_version(driver))
            yield driver
    finally:
        driver.terminate()


def _key(ledger: LedgerKey) -> tuple[str, str, str]:
    return ledger.environment, ledger.account, ledger.symbol

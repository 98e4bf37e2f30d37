"""The books agree: the exchange's own journal against Postgres, to the last digit.

Nothing here goes through the exchange's API or through the leader's recovery: one side is the
file that the exchange writes before it acknowledges, the other is SQL.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from paper_exchange import journal

MARK = "tsym-"
FINAL = {"filled", "canceled", "expired", "refused", "absent"}
NEVER_THERE = {"refused", "absent"}

ORDERS = """
    SELECT client_order_id, side::text, price, coalesce(current_quantity, quantity) AS quantity,
           executed, executed_quote, order_id, state::text, reason, fills_given_up
    FROM orders WHERE symbol = $1 AND environment = $2 AND account = coalesce($3, account)
        AND committed_at > coalesce($4, '-infinity'::timestamptz)
"""
FILLS = """
    SELECT order_id, trade_id, price, quantity, quote_quantity, commission, commission_asset,
           is_maker, time_ms
    FROM fills WHERE symbol = $1 AND environment = $2 AND account = coalesce($3, account)
        AND recorded_at > coalesce($4, '-infinity'::timestamptz)
"""
CYCLES = """
    SELECT count(*) FROM traders
    WHERE symbol = $1 AND environment = $2 AND account = coalesce($3, account)
        AND state = 'finished' AND profit <> 0
"""
STATES = {
    "open": {"NEW", "PARTIALLY_FILLED"},
    "filled": {"FILLED"},
    "canceled": {"CANCELED"},
    "expired": {"EXPIRED", "EXPIRED_IN_MATCH"},
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was compared, and what differs."""

    orders: int
    fills: int
    cycles: int
    partial_orders: int
    """Orders on the exchange that took more than one fill."""
    differences: tuple[str, ...]


async def compare(
    path: Path,
    database: str,
    symbol: str,
    environment: str = "paper",
    account: str | None = None,
    *,
    since: datetime | None = None,
) -> Comparison:
    """Compare all orders and fills of a symbol; those of others are not looked at.

    A record that holds the symbol for several accounts is asked for the account of that journal;
    of one that is older than the exchange's reset, what came since counts.
    """
    book = (symbol, environment, account)
    audit = journal.read(path)
    connection = await asyncpg.connect(database)
    try:
        rows = await connection.fetch(ORDERS, *book, since)
        fills = await connection.fetch(FILLS, *book, since)
        cycles = await connection.fetchval(CYCLES, *book)
    finally:
        await connection.close()
    theirs = {
        key[1]: order
        for key, order in audit.orders.items()
        if key[0] == symbol and _name(order).startswith(MARK)
    }
    # Of what a person has settled, or nobody could read, the totals alone are on record.
    given_up = {row["order_id"] for row in rows if row["fills_given_up"]}
    fills = [row for row in fills if row["order_id"] not in given_up]
    known = theirs.keys() - given_up
    their_fills = [f for f in audit.fills if f.symbol == symbol and f.order_id in known]
    counts: dict[int, int] = {}
    for fill in their_fills:
        counts[fill.order_id] = counts.get(fill.order_id, 0) + 1
    return Comparison(
        len(theirs),
        len(their_fills),
        cycles,
        sum(1 for count in counts.values() if count > 1),
        (*_orders(theirs, rows), *_fills(their_fills, fills)),
    )


def _name(order: Any) -> str:
    return str(order.original_client_order_id or order.client_order_id)


def _orders(theirs: dict[int, Any], rows: list[Any]) -> list[str]:
    ours = {row["order_id"]: row for row in rows if row["order_id"] is not None}
    differences = [f"order {key} is not on record" for key in theirs.keys() - ours.keys()]
    differences += [f"order {key} is not on the exchange" for key in ours.keys() - theirs.keys()]
    differences += [
        f"{row['client_order_id']} is {row['state']} without an exchange order"
        for row in rows
        if row["order_id"] is None and not (row["state"] in NEVER_THERE and row["reason"])
    ]
    for key in theirs.keys() & ours.keys():
        differences += _order(theirs[key], ours[key])
    return differences


def _order(theirs: Any, row: Any) -> list[str]:
    pairs = {
        "client id": (_name(theirs), row["client_order_id"]),
        "side": (str(theirs.side), row["side"]),
        "price": (theirs.price, row["price"]),
        "quantity": (theirs.quantity, row["quantity"]),
        "executed": (theirs.executed, row["executed"]),
        "quote": (theirs.quote_executed, row["executed_quote"]),
    }
    differences = [
        f"order {theirs.order_id}: {what} is {a} there and {b} here"
        for what, (a, b) in pairs.items()
        if a != b
    ]
    if str(theirs.status) not in STATES.get(row["state"], set()):
        differences.append(
            f"order {theirs.order_id}: {theirs.status} there and {row['state']} here"
        )
    return differences


def _fills(theirs: list[Any], rows: list[Any]) -> list[str]:
    there = {
        (
            fill.order_id,
            fill.trade_id,
            fill.price,
            fill.quantity,
            fill.quote_quantity,
            fill.commission,
            fill.commission_asset,
            fill.is_maker,
            fill.time,
        )
        for fill in theirs
    }
    here = {tuple(row.values()) for row in rows}
    return [f"fill {fill} is not on record" for fill in there - here] + [
        f"fill {fill} is not on the exchange" for fill in here - there
    ]

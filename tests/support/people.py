"""A person at the same account, past leader and record."""

import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from support.processes import Venue
from symbol_trader.binance.client import BinanceExchange
from symbol_trader.binance.keys import HmacKey
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.core.orders import CancelIntent, ClientOrderId, Intent, Side, TraderId
from symbol_trader.core.replies import Accepted, Outcome

SYMBOL = "XRPUSDT"
QUANTITY = Decimal(15)
TICK = Decimal("0.0001")
TRIES_MOST = 3
FAR = {Side.BUY: Decimal("1.03"), Side.SELL: Decimal("0.97")}
"""Times the last price: it crosses the book, also if the market moves meanwhile."""


def account_at(
    venue: Venue, symbol: str = SYMBOL, key: str = "paper"
) -> tuple[BinanceSettings, HmacKey]:
    """Return what a client of the bot's own account, or of another, needs."""
    settings = BinanceSettings(f"{venue.address}/ws-api/v3", venue.address, symbol)
    return settings, HmacKey(key, "paper-secret")


async def trade_by_hand(venue: Venue, side: Side, client_order_id: str) -> Accepted:
    """Place an order that trades at once."""
    return await order_by_hand(venue, side, await _crossing(venue, side), client_order_id)


async def trade_at_last(venue: Venue, side: Side, client_order_id: str) -> None:
    """Place an order that trades at once; try again where a fault meant for others met it."""
    for _ in range(TRIES_MOST):
        outcome = await _place(venue, side, await _crossing(venue, side), client_order_id)
        if isinstance(outcome, Accepted):
            return
    raise AssertionError(outcome)


async def order_by_hand(venue: Venue, side: Side, price: Decimal, client_order_id: str) -> Accepted:
    """Place an order."""
    outcome = await _place(venue, side, price, client_order_id)
    assert isinstance(outcome, Accepted), outcome
    return outcome


async def _crossing(venue: Venue, side: Side) -> Decimal:
    last = Decimal((await venue.admin("status"))["symbols"][SYMBOL]["price"])
    return (last * FAR[side]).quantize(TICK)


async def _place(venue: Venue, side: Side, price: Decimal, client_order_id: str) -> Outcome:
    async with _session(venue) as client:
        name, now_ms = ClientOrderId(client_order_id), client.now_ms()
        order = Intent(name, TraderId(""), side, 1, price, QUANTITY, now_ms, 5_000)
        return await client.place(order)


async def bid_by_another(venue: Venue, price: str, quantity: str) -> None:
    """Let the account `other` bid: its key is its name."""
    async with _session(venue, "other") as client:
        name, now_ms = ClientOrderId(f"other-{client.now_ms()}"), client.now_ms()
        terms = (Side.BUY, 1, Decimal(price), Decimal(quantity))
        outcome = await client.place(Intent(name, TraderId(""), *terms, now_ms, 5_000))
    assert isinstance(outcome, Accepted), outcome


async def cancel_by_hand(venue: Venue, client_order_id: str) -> None:
    """Cancel an order, whoever placed it."""
    async with _session(venue) as client:
        name, now_ms = ClientOrderId(client_order_id), client.now_ms()
        cancel = CancelIntent(
            ClientOrderId("web-1"), name, TraderId(""), 1, now_ms, 5_000, "by hand"
        )
        outcome = await client.cancel(cancel)
    assert isinstance(outcome, Accepted), outcome


async def amend_by_hand(
    venue: Venue, order_id: int, quantity: str, client_order_id: str | None = None
) -> None:
    """Reduce an order in the app, which renames it unless told a name."""
    name = {"clientOrderId": client_order_id} if client_order_id else {}
    await venue.admin("amend", symbol=SYMBOL, orderId=order_id, quantity=quantity, **name)


async def open_orders(venue: Venue) -> list[str]:
    """Return the client order ids of the account's open orders in the symbol."""
    async with _session(venue) as client:
        return [order.client_order_id for order in await client.open_orders()]


@asynccontextmanager
async def _session(venue: Venue, key: str = "paper") -> AsyncIterator[BinanceExchange]:
    client = BinanceExchange(
        *account_at(venue, key=key),
        monotonic_ns=time.monotonic_ns,
        random=random.random,
    )
    await client.open()
    try:
        yield client
    finally:
        await client.close()

"""A person at the same account, past leader and record."""

import random
import time
from decimal import Decimal

from support.processes import Venue
from symbol_trader.binance.client import BinanceExchange
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.core.orders import ClientOrderId, Intent, Side, TraderId
from symbol_trader.core.replies import Accepted

SYMBOL = "XRPUSDT"
QUANTITY = Decimal(15)
TICK = Decimal("0.0001")
FAR = {Side.BUY: Decimal("1.03"), Side.SELL: Decimal("0.97")}
"""Times the last price: it crosses the book, also if the market moves meanwhile."""


def account_at(venue: Venue, symbol: str = SYMBOL) -> BinanceSettings:
    """Return the settings of a client of the bot's own account."""
    api = f"{venue.address}/ws-api/v3"
    return BinanceSettings(api, venue.address, symbol, "paper", "paper-secret")


async def trade_by_hand(venue: Venue, side: Side, client_order_id: str) -> Accepted:
    """Place an order that trades at once."""
    client = BinanceExchange(
        account_at(venue), monotonic_ns=time.monotonic_ns, random=random.random
    )
    await client.open()
    try:
        last = Decimal((await venue.admin("status"))["symbols"][SYMBOL]["price"])
        price = (last * FAR[side]).quantize(TICK)
        name, now_ms = ClientOrderId(client_order_id), client.now_ms()
        order = Intent(name, TraderId(""), side, 1, price, QUANTITY, now_ms, 5_000)
        outcome = await client.place(order)
        assert isinstance(outcome, Accepted), outcome
        return outcome
    finally:
        await client.close()

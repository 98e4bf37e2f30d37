"""Values for the core's tests, with defaults where a test does not care."""

from decimal import Decimal
from typing import Any

from symbol_trader.core.orders import (
    CancelIntent,
    ClientOrderId,
    ExchangeOrder,
    Fill,
    Intent,
    Side,
    TraderId,
)
from symbol_trader.core.records import TraderTerms
from symbol_trader.core.settings import Settings, TradingStatus
from symbol_trader.core.symbols import Commission, Filters, SymbolInfo

D = Decimal
BASE, QUOTE = "XRP", "USDT"
FILTERS = Filters(
    tick_size=D("0.0001"), step_size=D("0.1"), min_quantity=D("0.1"), min_notional=D(5)
)
SYMBOL = SymbolInfo("XRPUSDT", BASE, QUOTE, FILTERS)
COMMISSION = Commission(buy=D("0.001"), sell=D("0.001"))
FREE = Commission(buy=D(0), sell=D(0))
TERMS = TraderTerms(D(20), buy_down=D("0.0001"), profit=D("0.001"), rebuy=D("0.001"))
SETTINGS = Settings(
    TradingStatus.ON, D(100), 5, buy_down=D("0.0001"), profit=D("0.001"), rebuy=D("0.001")
)
NOW_MS = 1_700_000_000_000
TRADER = TraderId("0000000000001")


def intent(side: Side = Side.BUY, attempt: int = 1, **changes: Any) -> Intent:
    """Make an intent of 10 at 2.0."""
    facts: dict[str, Any] = {
        "client_order_id": ClientOrderId(f"tsym-0a1b2c-{TRADER}-{side.lower()[0]}{attempt}"),
        "trader_id": TRADER,
        "side": side,
        "attempt": attempt,
        "price": D("2.0"),
        "quantity": D(10),
        "timestamp_ms": NOW_MS,
        "recv_window_ms": 3_000,
    }
    return Intent(**(facts | changes))


def cancel_of(order: Intent, attempt: int = 1, **changes: Any) -> CancelIntent:
    """Make a cancel of an order."""
    facts: dict[str, Any] = {
        "cancel_id": ClientOrderId(f"{order.client_order_id}c{attempt}"),
        "client_order_id": order.client_order_id,
        "trader_id": order.trader_id,
        "attempt": attempt,
        "timestamp_ms": NOW_MS,
        "recv_window_ms": 3_000,
        "reason": "a test wants it",
    }
    return CancelIntent(**(facts | changes))


def seen(
    order: Intent, status: str = "NEW", executed: D | int = 0, **changes: Any
) -> ExchangeOrder:
    """Describe an order as the exchange would, executed at its limit."""
    facts: dict[str, Any] = {
        "client_order_id": order.client_order_id,
        "order_id": 7 if order.side is Side.BUY else 8,
        "side": order.side,
        "price": order.price,
        "quantity": order.quantity,
        "status": status,
        "executed": D(executed),
        "executed_quote": order.price * D(executed),
        "time_ms": order.timestamp_ms,
    }
    return ExchangeOrder(**(facts | changes))


def fill(trade_id: int, quantity: D | int, price: D | str = "2.0", **changes: Any) -> Fill:
    """Make a fill of order 7 without commission."""
    facts: dict[str, Any] = {
        "order_id": 7,
        "trade_id": trade_id,
        "price": D(price),
        "quantity": D(quantity),
        "quote_quantity": D(price) * D(quantity),
        "commission": D(0),
        "commission_asset": BASE,
        "is_maker": True,
        "time_ms": NOW_MS,
    }
    return Fill(**(facts | changes))

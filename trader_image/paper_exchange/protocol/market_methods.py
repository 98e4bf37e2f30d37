"""The methods that anyone may ask: time, symbols, prices and public trades."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from paper_exchange.core import errors
from paper_exchange.core.candles import INTERVALS, page
from paper_exchange.core.errors import ExchangeError
from paper_exchange.core.money import ZERO, fixed
from paper_exchange.protocol import render, render_symbols
from paper_exchange.protocol.calls import asked_symbols, limit
from paper_exchange.protocol.text import Millis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from decimal import Decimal

    from paper_exchange.core.candles import Candle
    from paper_exchange.protocol.calls import Call
    from paper_exchange.protocol.render_orders import Json


AVERAGE_MINUTES = 5
"""Over how many minutes `avgPrice` is taken."""


def ping(_: Call) -> Json:
    """Answer `ping`."""
    return {}


def time(call: Call) -> Json:
    """Answer `time`."""
    return {"serverTime": Millis(call.now)}


def exchange_info(call: Call) -> Json:
    """Return the traded symbols with their filters and the exchange's limits."""
    engine = call.api.venue.engine
    names = asked_symbols(call) or list(engine.symbols)
    return {
        "timezone": "UTC",
        "serverTime": Millis(call.now),
        "rateLimits": call.api.limits.describe(),
        "exchangeFilters": [
            render_symbols.filter_info(one) for one in engine.limits.exchange.values()
        ],
        "symbols": [
            render_symbols.symbol_info(engine.symbol(name), engine.status[name]) for name in names
        ],
        "sors": [],
    }


def average_price(call: Call) -> Json:
    """Answer `avgPrice`: of the last minutes, or the last price where nothing traded in them."""
    name = call.params.symbol()
    call.book()
    average = call.api.venue.engine.average_price(name, call.now, AVERAGE_MINUTES)
    recent = call.api.venue.recent[name]
    return {
        "mins": AVERAGE_MINUTES,
        "price": fixed(ZERO if average is None else average),
        "closeTime": Millis(recent[-1].time if recent else 0),
    }


def ticker_price(call: Call) -> Json | list[Json]:
    """Answer `ticker.price`."""
    return _for_symbols(call, _price)


def _price(call: Call, name: str) -> Json | None:
    engine = call.api.venue.engine
    last = _last_price(call, name) if name in engine.symbols else None
    if last is None:
        last = engine.fees.configured_price(name)
    if last is None:
        engine.symbol(name)
    return None if last is None else {"symbol": name, "price": fixed(last)}


def _last_price(call: Call, name: str) -> Decimal | None:
    recent = call.api.venue.recent[name]
    return recent[-1].price if recent else call.api.venue.engine.book(name).price


def klines(call: Call) -> list[list[Any]]:
    """Answer `klines`."""
    name, length = call.params.symbol(), INTERVALS[_interval(call)]
    known, before = _known_candles(call, name, length)
    start, end = call.params.integer("startTime"), call.params.integer("endTime")
    until = call.now if end is None else min(end, call.now)
    rows = page(known, length, start=start, end=until, limit=limit(call), before=before)
    return [render.kline(candle, length) for candle in rows]


def _interval(call: Call) -> str:
    interval = call.params.text("interval")
    if interval not in INTERVALS:
        raise ExchangeError(-1120, "Invalid interval.")
    return interval


def _known_candles(call: Call, name: str, length: int) -> tuple[Iterable[Candle], Decimal | None]:
    """Return a symbol's candles, or none and the configured price of BNB that stands for them."""
    candles = call.api.venue.engine.candles.get(name)
    price = call.api.venue.engine.fees.configured_price(name)
    if candles is None and price is None:
        raise errors.invalid_symbol()
    return (candles.of(length), None) if candles and not candles.empty else ((), price)


def ticker_book(call: Call) -> Json | list[Json]:
    """Answer `ticker.book`."""
    return _for_symbols(call, _best)


def _best(call: Call, name: str) -> Json:
    engine = call.api.venue.engine
    top = engine.top(engine.symbol(name).name)
    return render.book_ticker(name, top.bid, top.ask)


def recent_trades(call: Call) -> list[Json]:
    """Answer `trades.recent`."""
    name = call.params.symbol()
    call.book()
    trades = list(call.api.venue.recent[name])[-limit(call) :]
    return [render.recent_trade(trade) for trade in trades]


def aggregate_trades(call: Call) -> list[Json]:
    """Answer `trades.aggregate`: from an id, or a time, on; without either the newest."""
    name = call.params.symbol()
    call.book()
    first, start, end = (call.params.integer(n) for n in ("fromId", "startTime", "endTime"))
    if first is not None and (start is not None or end is not None):
        raise ExchangeError(-1128, "Combination of optional parameters invalid.")
    trades = [
        trade
        for trade in call.api.venue.recent[name]
        if trade.trade_id >= (first or 0)
        and (start or 0) <= trade.time
        and (end is None or trade.time <= end)
    ]
    newest = first is None and start is None
    page = trades[-limit(call) :] if newest else trades[: limit(call)]
    return [render.aggregate_trade(trade) for trade in page]


def _for_symbols(call: Call, show: Callable[[Call, str], Json | None]) -> Json | list[Json]:
    names = asked_symbols(call)
    if call.params.has("symbol") and names:
        shown = show(call, names[0])
        if shown is None:
            raise errors.invalid_symbol()
        return shown
    every = (show(call, name) for name in names or call.api.venue.engine.symbols)
    return [shown for shown in every if shown is not None]

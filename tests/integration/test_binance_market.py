"""The price stream against the paper exchange, also across its restart."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

from paper_exchange.core.market import MarketTrade
from paper_exchange.core.symbols import symbol_at
from paper_exchange.market.source import Manual
from paper_exchange.shell.config import Config
from paper_exchange.shell.server import PaperExchange, serve
from symbol_trader.binance.market import BinanceMarket
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.core.replies import Price, TradeGap

SYMBOL = "XRPUSDT"


def config(port: int = 0) -> Config:
    return Config(source=Manual((symbol_at(SYMBOL, Decimal("0.5")),)), port=port)


def trade(exchange: PaperExchange, price: str) -> None:
    exchange.venue.trade(MarketTrade(SYMBOL, Decimal(price), Decimal(1), buyer_is_maker=True))


def market_of(exchange: PaperExchange, symbol: str = SYMBOL) -> BinanceMarket:
    settings = BinanceSettings(
        api_url=exchange.api_url,
        stream_url=exchange.stream_url,
        symbol=symbol,
        close_timeout_s=0.5,
        reconnect_first_s=0.01,
    )
    return BinanceMarket(settings, random=lambda: 0.5)


async def price_at(
    exchange: PaperExchange, prices: AsyncIterator[Price | TradeGap | None], price: str
) -> Price:
    """Let others trade at a price until the stream, once it is connected, shows it."""
    waiting = asyncio.ensure_future(anext(prices))
    while not waiting.done():
        trade(exchange, price)
        await asyncio.sleep(0.01)
    seen = await waiting
    while not isinstance(seen, Price):
        seen = await price_at(exchange, prices, price)
    return seen


async def test_prices_survive_a_restart_of_the_exchange() -> None:
    async with serve(config()) as first:
        market = market_of(first)
        prices = market.prices()
        assert (await price_at(first, prices, "0.5")).price == Decimal("0.5")

    while await anext(prices) is not None:
        pass  # what was traded while this test waited for the first price
    async with serve(config(first.port)) as second:
        assert (await price_at(second, prices, "0.4")).price == Decimal("0.4")
        await market.close()

    assert await anext(prices, "ended") == "ended"


async def test_a_symbol_that_is_not_traded_is_silent() -> None:
    async with serve(config()) as exchange:
        market = market_of(exchange, symbol="NOSUCHUSDT")
        prices = market.prices()
        waiting = asyncio.ensure_future(anext(prices, "ended"))
        for _ in range(10):
            trade(exchange, "0.5")
            await asyncio.sleep(0.01)
        assert not waiting.done()
        await market.close()

        assert await waiting == "ended"

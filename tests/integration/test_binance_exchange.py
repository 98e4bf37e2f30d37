"""The exchange client against the paper exchange: both sides of the protocol, over real sockets."""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from paper_exchange.accounts import AccountConfig, Key
from paper_exchange.core.market import MarketTrade
from paper_exchange.core.symbols import FAR_DOWN, FAR_UP, MAX_NOTIONAL, symbol_at
from paper_exchange.market.source import Manual
from paper_exchange.shell.config import Config
from paper_exchange.shell.server import PaperExchange, serve
from symbol_trader.binance.client import BinanceExchange
from symbol_trader.binance.keys import HmacKey
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.core import ids
from symbol_trader.core.orders import (
    CancelIntent,
    ClientOrderId,
    ExchangeOrder,
    ExecutionReport,
    Intent,
    Side,
    TimeInForce,
)
from symbol_trader.core.replies import (
    Accepted,
    BalanceChanged,
    NotFound,
    Refused,
    TradeGap,
    Unknown,
)
from symbol_trader.core.symbols import Commission, Filters
from symbol_trader.errors import BadCredentials, Unavailable, UnknownSymbol

SYMBOL = "XRPUSDT"
BALANCES = (("USDT", Decimal(10_000)), ("XRP", Decimal(10_000)))
OURS = AccountConfig("ours", (Key("our-key", "our-secret"),), BALANCES)
THEIRS = AccountConfig("theirs", (Key("their-key", "their-secret"),), BALANCES)

PRICE = Decimal("0.5")
_numbers = itertools.count(1)


class Trader:
    """Makes intents with ids of their own, stamped with the exchange's time."""

    def __init__(self, client: BinanceExchange) -> None:
        self.client = client
        self.trader_id = ids.trader_id(next(_numbers))
        self.attempts = 0

    def intent(
        self, side: Side, price: str, quantity: str, late_ms: int = 0, **changes: Any
    ) -> Intent:
        """Make the next intent; `late_ms` is how long ago it claims to be."""
        self.attempts += 1
        return Intent(
            client_order_id=ids.client_order_id("aaaaaa", self.trader_id, side, self.attempts),
            trader_id=self.trader_id,
            side=side,
            attempt=self.attempts,
            price=Decimal(price),
            quantity=Decimal(quantity),
            timestamp_ms=self.client.now_ms() - late_ms,
            recv_window_ms=3000,
            **changes,
        )

    async def buy(self, price: str, quantity: str, **changes: Any) -> Accepted:
        """Place a buy that is expected to be taken."""
        return accepted(await self.client.place(self.intent(Side.BUY, price, quantity, **changes)))

    async def sell(self, price: str, quantity: str, **changes: Any) -> Accepted:
        """Place a sell that is expected to be taken."""
        return accepted(await self.client.place(self.intent(Side.SELL, price, quantity, **changes)))

    def cancel(self, order: ExchangeOrder, late_ms: int = 0) -> CancelIntent:
        """Make the intent to cancel an order."""
        self.attempts += 1
        order_id = ClientOrderId(order.client_order_id)
        return CancelIntent(
            cancel_id=ids.cancel_id(order_id, self.attempts),
            client_order_id=order_id,
            trader_id=self.trader_id,
            attempt=self.attempts,
            timestamp_ms=self.client.now_ms() - late_ms,
            recv_window_ms=3000,
            reason="a test",
        )


def accepted(outcome: object) -> Accepted:
    assert isinstance(outcome, Accepted), outcome
    return outcome


@pytest.fixture
async def paper() -> AsyncIterator[PaperExchange]:
    async with serve(config()) as exchange:
        trade(exchange, "0.5", "1")
        yield exchange


def config(**changes: Any) -> Config:
    symbols = (symbol_at(SYMBOL, PRICE), symbol_at("BTCUSDT", Decimal(50_000)))
    return Config(source=Manual(symbols), accounts=(OURS, THEIRS), **changes)


def trade(exchange: PaperExchange, price: str, quantity: str, symbol: str = SYMBOL) -> None:
    """Let others trade: a seller hits the bids."""
    exchange.venue.trade(
        MarketTrade(symbol, Decimal(price), Decimal(quantity), buyer_is_maker=True)
    )


@asynccontextmanager
async def session(
    exchange: PaperExchange,
    symbol: str = SYMBOL,
    key: Key = OURS.keys[0],
) -> AsyncIterator[Trader]:
    """Open a session with the paper exchange."""
    settings = BinanceSettings(
        api_url=exchange.api_url,
        stream_url=exchange.stream_url,
        symbol=symbol,
        close_timeout_s=1.0,
    )
    client = BinanceExchange(
        settings,
        HmacKey(key.api_key, key.secret),
        monotonic_ns=time.monotonic_ns,
        random=random.random,
    )
    await client.open()
    try:
        yield Trader(client)
    finally:
        await client.close()


async def reports(trader: Trader, kinds: Iterable[str]) -> list[ExecutionReport]:
    """Read user data until a report of each of these kinds has come, in this order."""
    seen: list[ExecutionReport] = []
    events = trader.client.user_events()
    for kind in kinds:
        report = await anext(events)
        while not isinstance(report, ExecutionReport):
            report = await anext(events)
        assert report.execution_type == kind
        seen.append(report)
    return seen


async def test_an_order_rests_fills_and_is_told_alike_by_report_query_and_trades(
    paper: PaperExchange,
) -> None:
    async with session(paper) as trader:
        placed = await trader.buy("0.49", "100")
        assert (placed.order.status, placed.fills) == ("NEW", ())
        assert await trader.client.open_orders() == (placed.order,)

        trade(paper, "0.48", "100")
        new, filled = await reports(trader, ["NEW", "TRADE"])
        fills = await trader.client.trades(None)
        queried = await trader.client.order(placed.order.client_order_id)

    assert new.order == placed.order
    assert fills == (filled.fill,)
    assert queried == filled.order
    assert filled.order.status == "FILLED"
    assert filled.order.executed_quote == Decimal(49)
    assert fills[0].commission == Decimal("0.1")
    assert fills[0].commission_asset == "XRP"
    assert fills[0].is_maker


async def test_fills_in_the_reply_equal_those_of_the_stream_and_of_my_trades(
    paper: PaperExchange,
) -> None:
    async with session(paper, key=THEIRS.keys[0]) as other, session(paper) as trader:
        await other.buy("0.49", "30")
        await other.buy("0.48", "30")

        placed = await trader.sell("0.48", "40")
        _, first, second = await reports(trader, ["NEW", "TRADE", "TRADE"])
        trades = await trader.client.trades(None)

    assert placed.order.status == "FILLED"
    assert placed.fills == (first.fill, second.fill) == trades
    assert [fill.quote_quantity for fill in trades] == [Decimal("14.7"), Decimal("4.8")]


async def test_a_partly_filled_order_is_cancelled_once(paper: PaperExchange) -> None:
    async with session(paper) as trader:
        placed = await trader.buy("0.49", "100")
        trade(paper, "0.48", "40")
        cancel = trader.cancel(placed.order)
        canceled = accepted(await trader.client.cancel(cancel))
        _, _, report = await reports(trader, ["NEW", "TRADE", "CANCELED"])
        again = await trader.client.cancel(trader.cancel(placed.order))
        queried = await trader.client.order(placed.order.client_order_id)
        left_open = await trader.client.open_orders()

    assert canceled.order.client_order_id == placed.order.client_order_id
    assert (canceled.order.status, canceled.order.executed) == ("CANCELED", Decimal(40))
    assert report.order.client_order_id == placed.order.client_order_id
    assert report.cancel_id == cancel.cancel_id
    assert again == Refused(-2011, "Unknown order sent.")
    assert queried == report.order
    assert left_open == ()


async def test_the_newest_public_trade(paper: PaperExchange) -> None:
    async with session(paper) as trader:
        before = await trader.client.last_trade()
        trade(paper, "0.51", "2")
        newest = await trader.client.last_trade()

    assert before is not None
    assert newest is not None
    assert (newest.trade_id, newest.price) == (before.trade_id + 1, Decimal("0.51"))
    assert abs(newest.time_ms - time.time() * 1000) < 60_000


async def test_what_finds_no_buyer_at_once_expires_if_it_must_not_rest(
    paper: PaperExchange,
) -> None:
    async with session(paper) as trader:
        placed = await trader.sell("0.6", "40", time_in_force=TimeInForce.IOC)
        await reports(trader, ["NEW", "EXPIRED"])

    assert (placed.order.status, placed.order.executed) == ("EXPIRED", Decimal(0))


async def test_an_order_that_does_not_exist_comes_with_the_servers_time(
    paper: PaperExchange,
) -> None:
    before_ms = int(time.time() * 1000)

    async with session(paper) as trader:
        missing = await trader.client.order("tsym-aaaaaa-nothing-b1")

    assert isinstance(missing, NotFound)
    assert before_ms <= missing.as_of_ms <= int(time.time() * 1000)


async def test_an_intent_that_waited_too_long_is_refused_by_the_exchange(
    paper: PaperExchange,
) -> None:
    async with session(paper) as trader:
        late = trader.intent(Side.BUY, "0.49", "100", late_ms=3500)
        outcome = await trader.client.place(late)
        found = await trader.client.order(late.client_order_id)

    assert isinstance(outcome, Refused)
    assert outcome.code == -1021
    assert isinstance(found, NotFound)


async def test_a_cancel_that_waited_too_long_cancels_nothing(paper: PaperExchange) -> None:
    async with session(paper) as trader:
        placed = await trader.buy("0.49", "100")
        outcome = await trader.client.cancel(trader.cancel(placed.order, late_ms=3500))

        assert isinstance(outcome, Refused)
        assert outcome.code == -1021
        assert await trader.client.open_orders() == (placed.order,)


async def test_an_id_that_is_on_the_book_already_is_not_taken_for_refused(
    paper: PaperExchange,
) -> None:
    """Ids are never used twice, so a duplicate can only be the order itself."""
    async with session(paper) as trader:
        intent = trader.intent(Side.BUY, "0.49", "100")
        await trader.client.place(intent)

        assert isinstance(await trader.client.place(intent), Unknown)


@pytest.mark.parametrize(
    ("price", "quantity", "code"),
    [("0.4900001", "100", -1013), ("0.49", "1", -1013), ("0.49", "99999", -2010)],
    ids=["tick", "notional", "balance"],
)
async def test_what_the_exchange_refuses_keeps_its_code(
    paper: PaperExchange, price: str, quantity: str, code: int
) -> None:
    async with session(paper) as trader:
        outcome = await trader.client.place(trader.intent(Side.BUY, price, quantity))

    assert isinstance(outcome, Refused)
    assert outcome.code == code


@pytest.mark.parametrize(
    ("key", "code"),
    [(Key("nobody", "our-secret"), -2015), (Key("our-key", "another-secret"), -1022)],
    ids=["key", "secret"],
)
async def test_a_wrong_key_or_secret_is_said_at_once(
    paper: PaperExchange, key: Key, code: int
) -> None:
    with pytest.raises(BadCredentials, match=str(code)):
        async with session(paper, key=key):
            pass


async def test_an_unknown_symbol_is_said_by_name(paper: PaperExchange) -> None:
    async with session(paper, symbol="NOSUCHUSDT") as trader:
        with pytest.raises(UnknownSymbol, match="NOSUCHUSDT"):
            await trader.client.symbol()


async def test_the_clock_agrees_with_the_exchanges(paper: PaperExchange) -> None:
    async with session(paper) as trader:
        apart_ms = abs(trader.client.now_ms() - time.time() * 1000)

    assert apart_ms < 100


async def test_account_symbol_and_commission(paper: PaperExchange) -> None:
    async with session(paper) as ours, session(paper, key=THEIRS.keys[0]) as theirs:
        account = await ours.client.account()
        symbol = await ours.client.symbol()
        commission = await ours.client.commission()
        other = await theirs.client.account()

    assert account.free == dict(BALANCES)
    assert account.uid != other.uid
    assert (symbol.base_asset, symbol.quote_asset, symbol.status) == ("XRP", "USDT", "TRADING")
    expected = symbol_at(SYMBOL, PRICE).filters
    assert symbol.filters == Filters(
        tick_size=expected.tick_size,
        step_size=expected.step_size,
        min_quantity=expected.lot.min_qty,
        max_quantity=expected.lot.max_qty,
        min_price=expected.price.min_price,
        max_price=expected.price.max_price,
        min_notional=expected.min_notional,
        max_notional=MAX_NOTIONAL,
        percents=symbol.filters.percents,
        max_orders=symbol.filters.max_orders,
    )
    (percent,) = symbol.filters.percents
    assert percent.band(Side.BUY) == (FAR_DOWN, FAR_UP)
    assert symbol.filters.max_orders == 200
    assert commission == Commission(buy=Decimal("0.001"), sell=Decimal("0.001"))


async def test_what_percent_filters_measure_from_and_the_accounts_limits(
    paper: PaperExchange,
) -> None:
    async with session(paper) as trader:
        prices = [await trader.client.reference_price(minutes) for minutes in (5, 0)]
        limits = await trader.client.asset_limits()

    assert [price.source for price in prices if price] == [
        "the average price of 5 minutes",
        "the last price",
    ]
    assert limits == {}


async def test_news_of_other_symbols_and_of_other_accounts_is_left_out(
    paper: PaperExchange,
) -> None:
    async with (
        session(paper) as trader,
        session(paper, symbol="BTCUSDT") as same_account,
        session(paper, key=THEIRS.keys[0]) as other_account,
    ):
        trade(paper, "50000", "1", symbol="BTCUSDT")
        await same_account.buy("49000", "0.01")
        await other_account.buy("0.48", "20")
        placed = await trader.buy("0.49", "100")

        (report,) = await reports(trader, ["NEW"])

    assert report.order == placed.order


async def test_balances_follow_the_account(paper: PaperExchange) -> None:
    async with session(paper) as trader:
        await trader.buy("0.49", "100")
        await reports(trader, ["NEW"])
        locked = await anext(trader.client.user_events())
        paper.venue.publish(
            paper.venue.engine.deposit(paper.venue.clock(), OURS.name, "USDT", Decimal(1000))
        )
        deposited = await anext(trader.client.user_events())

    assert isinstance(locked, BalanceChanged)
    assert locked.free["USDT"] == Decimal(9951)
    assert deposited == BalanceChanged({"USDT": Decimal(10_951)}, {"USDT": Decimal(49)})


async def test_trades_are_read_page_by_page_until_one_is_empty() -> None:
    async with serve(config(page_limit=2)) as paper, session(paper) as trader:
        trade(paper, "0.5", "1")
        placed = await trader.buy("0.49", "100")
        for _ in range(5):
            trade(paper, "0.48", "20")

        pages, after = [], 0
        while page := await trader.client.trades(after, order_id=placed.order.order_id):
            pages.append([fill.quantity for fill in page])
            after = page[-1].trade_id + 1

    assert pages == [[20, 20], [20, 20], [20]]


async def test_an_exchange_that_shuts_down_ends_the_session() -> None:
    async with AsyncExitStack() as running:
        paper = await running.enter_async_context(serve(config()))
        trade(paper, "0.5", "1")
        async with session(paper) as trader:
            intent = trader.intent(Side.BUY, "0.49", "100")
            await running.aclose()
            with pytest.raises(Unavailable, match="closed the connection"):
                await anext(trader.client.user_events())

            assert isinstance(await trader.client.place(intent), Unknown)
        assert not paper.venue.engine.book(SYMBOL).orders


async def test_an_announced_shutdown_renews_the_session_and_reports_come_once() -> None:
    async with serve(config()) as paper:
        trade(paper, "0.5", "1")
        async with session(paper) as trader:
            await paper.announce_shutdown()
            while not any(s.subscriptions for s in list(paper.connections._api_sessions)[1:]):  # noqa: ASYNC110 - no event tells of it
                await asyncio.sleep(0.01)
            placed = [
                await trader.client.place(trader.intent(Side.BUY, "0.49", "100")) for _ in range(2)
            ]
            events = trader.client.user_events()
            reported: list[int] = []
            while len(reported) < 2:
                if isinstance(event := await anext(events), ExecutionReport):
                    reported.append(event.order.order_id)

        assert [one.order.order_id for one in placed if isinstance(one, Accepted)] == reported


async def test_the_lowest_price_of_missed_trades_is_the_exchanges() -> None:
    async with serve(config()) as paper:
        for price in ("0.5", "0.4", "0.3", "0.6", "0.2"):
            trade(paper, price, "1")
        recent = list(paper.venue.recent[SYMBOL])
        gap = TradeGap(recent[1].trade_id, recent[3].trade_id, recent[0].time, recent[4].time)
        async with session(paper) as trader:
            assert await trader.client.lowest_price(gap) == Decimal("0.3")
            later = TradeGap(gap.last_id + 9, gap.last_id + 9, gap.before_ms, gap.before_ms)
            assert await trader.client.lowest_price(later) is None

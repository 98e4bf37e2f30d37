"""The port `Exchange`: requests and user data of one symbol.

This is the port's vocabulary; how requests are sent, and which never twice, is in `requesting`, and
how the WebSocket that carries them is replaced by a new one, in `renewal`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import suppress
from decimal import Context, Decimal
from functools import partial
from typing import Any

from symbol_trader.binance import books, replies, requests, symbols
from symbol_trader.binance.budgets import Budget, StatedLimits
from symbol_trader.binance.clock import Clock
from symbol_trader.binance.descriptions import Descriptions, KnownReplies
from symbol_trader.binance.errors import ConnectionsLimited, RequestRefused, UnreadableReply
from symbol_trader.binance.guard import KeyGuard
from symbol_trader.binance.keys import Key
from symbol_trader.binance.link import Link
from symbol_trader.binance.pacing import ConnectionLimit, ConnectionPacer
from symbol_trader.binance.rate_limit import RateLimit
from symbol_trader.binance.reconnects import Cause, Reconnects
from symbol_trader.binance.renewal import Line, RenewedLine
from symbol_trader.binance.replies import Candle
from symbol_trader.binance.requesting import RequestClient
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.binance.signing import Params
from symbol_trader.binance.surprises import Surprises
from symbol_trader.core.error_codes import (
    ALREADY_SUBSCRIBED,
    NO_SUCH_ORDER,
    ORDER_ARCHIVED,
    UNKNOWN_SYMBOL,
)
from symbol_trader.core.events import Answer
from symbol_trader.core.orders import CancelIntent, ExchangeOrder, Fill, Intent
from symbol_trader.core.replies import (
    Account,
    Archived,
    AssetPrice,
    NotFound,
    Outcome,
    Price,
    ReferencePrice,
    TradeGap,
    UserEvent,
)
from symbol_trader.core.symbols import Commission, SymbolInfo
from symbol_trader.errors import BadCredentials, ExchangeUnavailable

GAP_PAGES_MAX = 5
"""Pages of 1,000 aggregated trades that are read of a gap at most."""

log = logging.getLogger(__name__)

_INVERSE = Context(prec=18)
"""Digits of a price that is the inverse of a market's: more than any market has."""


class BinanceExchange:
    """One session with Binance Spot, or with an exchange that speaks like it, for one symbol.

    `monotonic_ns` is a clock that never jumps; `random` returns numbers in [0, 1). Sessions that
    follow each other share a `rate_limit`, for a limit is not over because a connection is, and
    `surprises`, for what is not understood is logged once. They share a `guard` of the key, too,
    where one is needed, and a `pacer` that says when a connection may be opened; without one it is
    opened at once. The same goes for their `clock`, and for the `budget` of what they ask. Replies
    that leaders share are in `known`. A session ends when its key `is_replaced`.
    """

    def __init__(
        self,
        settings: BinanceSettings,
        key: Key,
        *,
        monotonic_ns: Callable[[], int],
        random: Callable[[], float],
        rate_limit: RateLimit | None = None,
        guard: KeyGuard | None = None,
        is_replaced: Callable[[Key], bool] = lambda _: False,
        surprises: Surprises | None = None,
        pacer: ConnectionPacer | None = None,
        reconnects: Reconnects | None = None,
        clock: Clock | None = None,
        budget: Budget | None = None,
        known: KnownReplies | None = None,
    ) -> None:
        self._settings = settings
        self._key = key
        self._guard = guard
        self._is_replaced = is_replaced
        self._monotonic_ns = monotonic_ns
        self._random = random
        self._surprises = surprises or Surprises()
        self._rate_limit = rate_limit or RateLimit(monotonic_ns)
        self._pacer = pacer
        self._clock = clock or Clock(monotonic_ns)
        self._budget = budget
        self._descriptions = Descriptions(
            settings.symbol,
            lambda: self._client,
            known=known,
            surprises=self._surprises,
            check_unknown=self._check_unknown,
            told=partial(_keep_to, pacer=pacer, budget=budget),
        )
        self._line = RenewedLine(
            settings,
            self._make_line,
            self._make_ready,
            pacer=pacer,
            random=random,
            reconnects=reconnects or Reconnects(),
            surprises=self._surprises,
        )
        self._quote_asset: str | None = None

    @property
    def _client(self) -> RequestClient:
        """Return what asks over the connection that is in use now."""
        return self._line.current.client

    async def open(self) -> None:
        """Connect, measure the clock, log on, subscribe to user data on the same socket.

        Raises `Unavailable`, `BadCredentials`; nothing is left open then.
        """
        await self._line.open()

    def _make_line(self, link: Link) -> Line:
        client = RequestClient(
            self._settings,
            link,
            self._rate_limit,
            self._key,
            monotonic_ns=self._monotonic_ns,
            random=self._random,
            surprises=self._surprises,
            budget=self._budget,
            clock=self._clock,
        )
        return Line(link, client)

    async def _make_ready(self, line: Line, age_max_s: float) -> None:
        """Open a link, and do on it all that has to be done before it is used."""
        line.client.respect_limits("a connection was not opened")
        await line.client.wait_for_connection()
        try:
            await line.link.open(age_max_s)
            await line.client.know_time()
            if self._guard is not None:
                await self._guard.admit(self._key, line.client.now_ms())
        except ConnectionsLimited as exc:
            self._rate_limit.hold(exc.retry_in_s)
            raise
        await line.client.log_on()
        await _subscribe(line.client, signed=not self._key.logs_on)
        keepers = (line.client.keep_clock(), self._keep_key(line.link))
        line.keepers = tuple(asyncio.create_task(keeper) for keeper in keepers)

    async def close(self) -> None:
        """Close the socket; never raises."""
        await self._line.close()

    def now_ms(self) -> int:
        """Return exchange time: the measured offset plus a monotonic clock."""
        return self._client.now_ms()

    def held_until_ms(self) -> int | None:
        """Return the exchange time until which a known ban lasts, None without one."""
        return self._client.held_until_ms()

    def user_events(self) -> AsyncIterator[UserEvent]:
        """Yield user data from `open` on, for one reader; raises `Unavailable` at the end."""
        return self._line.events

    async def has_room(self) -> bool:
        """Return whether what can wait may be asked now, within the limits of all leaders."""
        return await self._client.has_room()

    async def account(self) -> Account:
        """Read the account's uid and balances."""
        account = await self._client.query(
            "account.status", {"omitZeroBalances": True}, replies.account
        )
        self._descriptions.account = account.uid
        if self._budget is not None:
            self._budget.account = account.uid
        return account

    async def symbol(self, age_max_s: float = 0.0) -> SymbolInfo:
        """Read the symbol, or take what any leader read so long ago. Raises `UnknownSymbol`."""
        info = await self._descriptions.symbol(age_max_s)
        self._quote_asset = info.quote_asset
        return info

    async def commission(self, age_max_s: float = 0.0) -> Commission:
        """Read the account's commission on the symbol, or take what any leader on it read."""
        return await self._descriptions.commission(age_max_s)

    async def asset_limits(self) -> Mapping[str, Decimal]:
        """Read how much of an asset the account may trade in one order, by asset."""
        symbol = {"symbol": self._settings.symbol}
        try:
            return await self._client.query("myFilters", symbol, symbols.asset_limits)
        except (RequestRefused, UnreadableReply) as exc:
            log.info("no limits of the account's assets: %s", exc)
            return {}

    async def reference_price(self, minutes: int) -> ReferencePrice | None:
        """Read the market price that percent filters measure from; None where it is not told."""
        name = self._settings.symbol
        symbol, ask = {"symbol": name}, partial(self._client.query, private=False)
        parse = partial(symbols.reference_price, symbol=name)
        with suppress(RequestRefused):
            if price := await ask("referencePrice", symbol, parse):
                return price
        with suppress(RequestRefused):
            if not minutes:
                return await ask("ticker.price", symbol, partial(symbols.last_price, symbol=name))
            return await ask("avgPrice", symbol, partial(symbols.average_price, minutes=minutes))
        return None

    async def _check_unknown(self, name: str) -> None:
        """Make sure that the account knows no such symbol either: orders of it may rest."""
        try:
            await self.open_orders()
        except RequestRefused as exc:
            if exc.code == UNKNOWN_SYMBOL:
                return
            raise
        raise ExchangeUnavailable(
            f"the exchange denies the symbol {name}, and yet answers for its open orders"
        )

    async def best_bid(self) -> Decimal:
        """Read the best price that buyers offer in the symbol, zero where none is known."""
        symbol = {"symbol": self._settings.symbol}
        parse = partial(replies.best_bid, symbol=self._settings.symbol)
        return await self._client.query("ticker.book", symbol, parse, private=False)

    async def best_bids(self, symbols: Collection[str]) -> Mapping[str, Decimal]:
        """Read the best bids of other symbols, without those where none is known."""
        return await books.best_bids(self._client, symbols)

    async def last_trade(self) -> Price | None:
        """Read the symbol's newest public trade, with its own time; None if there never was one."""
        params: Params = {"symbol": self._settings.symbol, "limit": 1}
        return await self._client.query("trades.recent", params, replies.last_trade, private=False)

    async def lowest_price(self, gap: TradeGap) -> Decimal | None:
        """Read the lowest price of missed trades, from aggregated ones: 4 weight per 1,000.

        `trades.historical` would show single trades by id, for 25 weight.
        """
        params, prices = requests.aggregate_trades(self._settings.symbol, gap), list[Decimal]()
        for _ in range(GAP_PAGES_MAX):
            page = await self._client.query(
                "trades.aggregate", params, replies.aggregate_trades, private=False
            )
            prices += [
                t.price for t in page if t.first_id <= gap.last_id and t.last_id >= gap.first_id
            ]
            if len(page) < requests.AGGREGATES_PAGE or page[-1].last_id >= gap.last_id:
                break
            params = requests.aggregate_trades_from(self._settings.symbol, page[-1].number + 1)
        return min(prices, default=None)

    async def price_of(self, asset: str, time_ms: int) -> AssetPrice | None:
        """Read what one unit of an asset cost in the symbol's quote at an exchange time.

        It is the last price of the minute that holds the time, so far if it is not over. None where
        the exchange has neither a market of the two assets nor its inverse.
        """
        quote = self._quote_asset or (await self.symbol()).quote_asset
        if direct := await self._candle(asset + quote, time_ms):
            return _priced(direct.close, f"klines {asset}{quote} 1m", direct, self.now_ms())
        if inverse := await self._candle(quote + asset, time_ms):
            price = _INVERSE.divide(Decimal(1), inverse.close)
            source = f"klines {quote}{asset} 1m, inverted"
            return _priced(price, source, inverse, self.now_ms())
        return None

    async def _candle(self, symbol: str, time_ms: int) -> Candle | None:
        """Read the candle of a market at a time; None where there is no such market, or price."""
        params = requests.klines(symbol, time_ms)
        try:
            candle = await self._client.query("klines", params, replies.candle, private=False)
        except RequestRefused as exc:
            if exc.code != UNKNOWN_SYMBOL:
                raise
            return None
        return candle if candle and candle.opened_ms <= time_ms and candle.close else None

    async def order(self, client_order_id: str) -> Answer:
        """Query an order by its client id; the server's time is asked first."""
        symbol = self._settings.symbol
        as_of_ms = await self._client.query("time", {}, replies.server_time_ms, private=False)
        params = requests.order_status(client_order_id, symbol)
        parse = partial(replies.order_status, symbol=symbol, client_order_id=client_order_id)
        return await self._order_or_denial(params, parse, as_of_ms)

    async def _order_or_denial(
        self, params: Params, parse: Callable[[Any], ExchangeOrder], as_of_ms: int
    ) -> Answer:
        try:
            return await self._client.query("order.status", params, parse)
        except RequestRefused as exc:
            if exc.code == ORDER_ARCHIVED:
                return Archived()
            if exc.code != NO_SUCH_ORDER:
                raise
            return NotFound(as_of_ms)

    async def order_by_id(self, order_id: int) -> Answer:
        """Query any order of the account by the exchange's id; a canceled one may be renamed."""
        symbol = self._settings.symbol
        as_of_ms = await self._client.query("time", {}, replies.server_time_ms, private=False)
        params = requests.order_by_id(order_id, symbol)
        parse = partial(replies.order_by_id, symbol=symbol)
        return await self._order_or_denial(params, parse, as_of_ms)

    async def open_orders(self) -> tuple[ExchangeOrder, ...]:
        """Read all open orders of the account in the symbol, ours and others'."""
        symbol = self._settings.symbol
        parse = partial(replies.open_orders, symbol=symbol)
        try:
            return await self._client.query("openOrders.status", {"symbol": symbol}, parse)
        except RequestRefused as exc:
            if exc.code == UNKNOWN_SYMBOL:
                await self._descriptions.forget()
            raise

    async def trades(self, from_id: int | None, order_id: int | None = None) -> tuple[Fill, ...]:
        """Read a page of the account's fills in the symbol, ascending, from a trade id on."""
        symbol = self._settings.symbol
        params = requests.my_trades(symbol, from_id, order_id)
        return await self._client.query("myTrades", params, partial(replies.trades, symbol=symbol))

    async def place(self, intent: Intent) -> Outcome:
        """Send an order, once, with exactly the intent's values."""
        symbol = self._settings.symbol
        accepted = partial(replies.placed, symbol=symbol, client_order_id=intent.client_order_id)
        return await self._client.place(requests.place(intent, symbol), intent.side, accepted)

    async def cancel(self, intent: CancelIntent) -> Outcome:
        """Send a cancel, once, with exactly the intent's values."""
        symbol = self._settings.symbol
        accepted = partial(replies.canceled, symbol=symbol, intent=intent)
        return await self._client.cancel(requests.cancel(intent, symbol), accepted)

    async def _keep_key(self, link: Link) -> None:
        """End the session once its key is another one, or must not trade any more."""
        while link.ended is None:
            await link.wait_for_end(self._settings.key_interval_s)
            if link.ended is None and self._is_replaced(self._key):
                link.retire("the key was replaced", Cause.REVOKED)
            elif link.ended is None and self._guard is not None:
                try:
                    await self._guard.look_again(self._key, self.now_ms())
                except BadCredentials as exc:
                    link.retire(str(exc), Cause.REVOKED)


def _priced(price: Decimal, source: str, candle: Candle, now_ms: int) -> AssetPrice:
    """Name the price's time: a candle that is not over ends in the future."""
    return AssetPrice(price, source, min(candle.closed_ms, now_ms))


def _keep_to(stated: StatedLimits, *, pacer: ConnectionPacer | None, budget: Budget | None) -> None:
    """Keep to the limits that the exchange states from now on."""
    if pacer is not None:
        connections = stated.connections
        pacer.known.limit = ConnectionLimit(connections.count, connections.window_s)
    if budget is not None:
        budget.stated = stated


async def _subscribe(client: RequestClient, *, signed: bool) -> None:
    """Subscribe to user data; a repeated attempt may find that the first one was heard."""
    method = "userDataStream.subscribe.signature" if signed else "userDataStream.subscribe"
    try:
        await client.read(method, {}, private=signed)
    except RequestRefused as exc:
        if exc.code != ALREADY_SUBSCRIBED:
            raise

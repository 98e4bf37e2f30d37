"""What lies between a leader and its exchange: time, and everything that can go wrong in it."""

from collections.abc import AsyncIterator, Callable, Collection
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from simulation.exchange import COMMISSION, LATE, QUOTE, UID, Exchange
from simulation.stream import Stream
from simulation.timeline import Timeline
from symbol_trader.binance.errors import RateLimited, RequestRefused
from symbol_trader.core.money import ZERO
from symbol_trader.core.orders import CancelIntent, ExchangeOrder, ExecutionReport, Fill, Intent
from symbol_trader.core.replies import (
    Account,
    Archived,
    AssetPrice,
    NotFound,
    NotSent,
    Outcome,
    Price,
    ReferencePrice,
    Refused,
    TradeGap,
    Unknown,
    UserEvent,
)
from symbol_trader.core.symbols import Commission, SymbolInfo
from symbol_trader.errors import BadCredentials, ExchangeUnavailable

if TYPE_CHECKING:
    import asyncio

    from simulation.process import Process

T = TypeVar("T")

QUICK_MS = (1, 40)
SOCKET_DIES_MS = (1, 300)
LATE_MS = (500, 6_000)
"""Later than the window of 3 s in about every second case."""
LATE_REPLY_MS = (500, 11_000)
"""Later than the patience of 10 s at times."""
SLOW_ENGINE_MS = (100, 9_500)
"""At most the timeout that the leader's patience is made for."""
SLOW_REPORT_MS = (100, 5_000)
SWAPPED_MS = (50, 200)
LAG_MS = 500
"""How long a new order may be denied by queries."""
REPLY_TIMEOUT_MS = 10_000
AHEAD_MS = 1_000
"""How far ahead of its clock the exchange accepts a timestamp."""
NOT_SENT = "was not sent"
"""What is told of a request that a ban held back."""
SKEW_MS = (-300, 300)
"""How far the leader's measure of the exchange's clock may be off."""
OFF_MS = (-6_000, -1_500)
"""How far it is off when the machine was suspended: a monotonic clock stands still then."""
BUSY_MS = (200, 15_000)
"""The adapter asks again for less than 20 s."""
INVALID_SYMBOL = -1121
OVERLOADED = Refused(-1015, "Too many new orders.")


class Network:
    """All sessions with the exchange, and the way there."""

    def __init__(self, timeline: Timeline, exchange: Exchange) -> None:
        self.away_until_ms = 0
        self.banned_until_ms = 0
        """Until when the exchange takes no request, in its own time, and the leaders know it."""
        self.key_until_ms = 0
        """Until when the leaders have a key that is taken no longer."""
        self.no_bids_until_ms = 0
        """Until when nobody wants to buy."""
        self.last_trade: Price | None = None
        """The newest public trade."""
        self.asset_prices: dict[str, Decimal] = {}
        """What other assets cost in quote."""
        self.page = 1_000
        """How many trades the exchange lists at once."""
        self.timeline = timeline
        self.exchange = exchange
        self.sessions: list[Session] = []

    def go_away(self, until_ms: int) -> None:
        """End all sessions, and let none be opened until then."""
        self.away_until_ms = until_ms
        for session in list(self.sessions):
            session.end("the exchange went away")

    def revoke(self, until_ms: int) -> None:
        """Take the key of all sessions no longer; another one comes then."""
        self.key_until_ms = until_ms
        for session in list(self.sessions):
            session.revoked = True
            session.end("-2015 for no request by name")

    def best_bid(self) -> Decimal:
        """Return what buyers pay, zero if there are none."""
        return ZERO if self.timeline.now_ms < self.no_bids_until_ms else self.exchange.best_bid()

    def tell(self, event: UserEvent) -> None:
        """Bring an event to all sessions."""
        for session in self.sessions:
            session.deliver(event)


class Session:
    """The port `Exchange`: one session of one process."""

    def __init__(self, process: "Process", network: Network) -> None:
        self._process = process
        self._network = network
        self._timeline = network.timeline
        self._exchange = network.exchange
        self._chance = process.chance
        self._events: Stream[UserEvent] = Stream(process.loop)
        self._waiting: dict[int, Callable[[Outcome], None]] = {}
        self._requests = 0
        self._ended: str | None = "not open"
        self.revoked = False
        """Its key is taken no longer: what still arrives is not carried out."""
        self._stream_free_ms = 0
        self._skew_ms = self._chance.between(SKEW_MS)

    async def open(self) -> None:
        """Connect, and listen to user data."""
        await self._process.point("open the exchange")
        await self._travel()
        if self._timeline.now_ms < self._network.away_until_ms:
            raise ExchangeUnavailable("the exchange cannot be reached")
        if self._timeline.now_ms < self._network.key_until_ms:
            raise BadCredentials("session.logon: -2015 the API key is refused")
        self._ended = None
        self._network.sessions.append(self)
        await self._process.point("open the exchange, done")

    async def close(self) -> None:
        """End the session."""
        self.end("the session was closed")

    def end(self, why: str) -> None:
        """Lose the socket: whoever waits hears that there is no reply."""
        if self._ended is not None:
            return
        self._ended = why
        self._network.sessions.remove(self)
        for hear in list(self._waiting.values()):
            hear(Unknown(why))
        self.end_stream(why)

    def end_stream(self, why: str) -> None:
        """Lose the user data alone."""
        self._events.push(ExchangeUnavailable(why))

    def misjudge_clock(self) -> None:
        """Let the leader's measure of the exchange's clock be off until it measures again."""
        self._skew_ms = self._chance.between(OFF_MS)

    def now_ms(self) -> int:
        """Return exchange time as the leader sees it."""
        return self._timeline.now_ms + self._skew_ms

    def user_events(self) -> AsyncIterator[UserEvent]:
        """Yield user data."""
        return self._events

    # Requests that only read: asked and answered at moments in between.

    async def has_room(self) -> bool:
        """Return that nobody else asks anything."""
        return True

    def held_until_ms(self) -> int | None:
        """Return until when the exchange has banned the leader's address, as it knows."""
        until_ms = self._network.banned_until_ms
        return until_ms if until_ms > self.now_ms() else None

    async def account(self) -> Account:
        """Read the account."""
        return await self._read("account", lambda: Account(UID, self._exchange.free), listed=False)

    async def symbol(self, age_max_s: float = 0.0) -> SymbolInfo:
        """Read the symbol."""
        return await self._read("symbol", self._exchange.symbol, listed=False)

    async def commission(self, age_max_s: float = 0.0) -> Commission:
        """Read the commission."""
        return await self._read("commission", lambda: COMMISSION)

    async def best_bid(self) -> Decimal:
        """Read the best bid."""
        return await self._read("best bid", self._network.best_bid)

    async def best_bids(self, symbols: Collection[str]) -> dict[str, Decimal]:
        """Read bids of other symbols: there are none here."""
        raise AssertionError(symbols)

    async def last_trade(self) -> Price | None:
        """Read the newest public trade."""
        return await self._read("last trade", lambda: self._network.last_trade)

    async def lowest_price(self, gap: TradeGap) -> Decimal | None:
        """Know nothing of missed trades: the streams here name none."""
        return await self._read("lowest price", lambda: None)

    async def asset_limits(self) -> dict[str, Decimal]:
        """Read the account's limits: there are none."""
        return {}

    async def reference_price(self, minutes: int) -> ReferencePrice | None:
        """Read what percent filters measure from: no symbol here has one."""
        raise AssertionError(minutes)

    async def price_of(self, asset: str, time_ms: int) -> AssetPrice | None:
        """Read what an asset costs in quote: its price stands still."""
        price = self._network.asset_prices.get(asset)
        source = f"klines {asset}{QUOTE} 1m"
        found = None if price is None else AssetPrice(price, source, time_ms)
        return await self._read("price of an asset", lambda: found, listed=False)

    async def order(self, client_order_id: str) -> ExchangeOrder | NotFound | Archived:
        """Ask for an order; a new one may not be known yet."""
        return await self._read("order", lambda: self._find(client_order_id))

    async def order_by_id(self, order_id: int) -> ExchangeOrder | NotFound:
        """Ask for an order by the exchange's id."""

        def look() -> ExchangeOrder | NotFound:
            return self._exchange.by_id(order_id) or NotFound(self._timeline.now_ms)

        return await self._read("order by id", look)

    async def open_orders(self) -> tuple[ExchangeOrder, ...]:
        """Read all open orders."""
        return await self._read("open orders", self._exchange.open_orders)

    async def trades(self, from_id: int | None, order_id: int | None = None) -> tuple[Fill, ...]:
        """Read a page of fills."""
        page = self._network.page

        def look() -> tuple[Fill, ...]:
            hidden = self._timeline.now_ms < self._exchange.trades_hidden_until_ms
            return () if hidden else self._exchange.trades(from_id, order_id, page)

        return await self._read("trades", look)

    async def _read(self, what: str, look: Callable[[], T], *, listed: bool = True) -> T:
        """Ask, where the symbol has to be `listed` for an answer."""
        await self._process.point(what)
        if self._chance.happens("busy_read"):
            await self._process.loop.sleep_ms(self._chance.between(BUSY_MS))
        early = self._chance.random.random() < 0.5  # the answer or the question travels
        if not early:
            await self._travel()
        self._check_open(what)
        self._check_allowed(what)
        if listed and self._exchange.delisted:
            raise RequestRefused(f"{what}: Invalid symbol.", INVALID_SYMBOL)
        answer = look()
        if early:
            await self._travel()
        if self._chance.happens("unreachable"):
            raise ExchangeUnavailable(f"no answer to {what}")
        self._check_open(what)
        await self._process.point(f"{what}, done")
        return answer

    async def _travel(self) -> None:
        await self._process.loop.sleep_ms(self._chance.between(QUICK_MS))

    def _check_open(self, what: str) -> None:
        if self._ended is not None:
            raise ExchangeUnavailable(f"{what}: {self._ended}")

    def _check_allowed(self, what: str) -> None:
        """Refuse to read during a ban that outlasts the adapter's patience."""
        left_ms = self._network.banned_until_ms - self.now_ms()
        if left_ms > 0:
            raise RateLimited(f"{what} {NOT_SENT}: the exchange limits requests", left_ms / 1000)

    def _find(self, name: str) -> ExchangeOrder | NotFound | Archived:
        now_ms = self._timeline.now_ms
        if archived := self._exchange.archived(now_ms, name):
            return archived
        order = self._exchange.order(name)
        if order is None or order.time_ms is None:
            return NotFound(now_ms)
        young = order.time_ms > now_ms - LAG_MS
        if young and self._chance.happens("lag", order.side.lower()):
            return NotFound(now_ms)
        return order

    # Requests that act: once there, and one outcome back, whatever happens.

    async def place(self, intent: Intent) -> Outcome:
        """Send an order."""

        def act(now_ms: int) -> Outcome:
            if self._chance.happens("reject", leg):
                return self._exchange.reject(now_ms, intent)
            return self._exchange.place(now_ms, intent)

        leg = intent.side.lower()
        return await self._act("place", intent, act, leg)

    async def cancel(self, intent: CancelIntent) -> Outcome:
        """Send a cancel."""
        leg = f"cancel of a {self._process.side_of(intent.client_order_id).lower()}"
        return await self._act(
            "cancel", intent, lambda now_ms: self._exchange.cancel(now_ms, intent), leg
        )

    async def _act(
        self,
        what: str,
        intent: Intent | CancelIntent,
        act: Callable[[int], Outcome],
        leg: str,
    ) -> Outcome:
        await self._process.point(what, leg)
        if self._ended is not None:
            return Unknown(f"not sent: {self._ended}")
        until_ms = self.held_until_ms()
        if until_ms is not None:
            return NotSent(until_ms, f"{what} {NOT_SENT}: the exchange limits requests for now")
        reply = self._process.loop.create_future()
        self._send(intent, act, leg, self._waiter(reply))
        await self._process.point(f"{what}, sent", leg)
        outcome: Outcome = await reply
        await self._process.point(f"{what}, done", leg)
        return outcome

    def _waiter(self, reply: "asyncio.Future[Outcome]") -> Callable[[Outcome], None]:
        """Let only the first outcome through: the session gives up a request once."""
        self._requests = number = self._requests + 1

        def hear(outcome: Outcome) -> None:
            if self._waiting.pop(number, None) is None or reply.done():
                return
            if outcome is LATE:
                self._skew_ms = self._chance.between(SKEW_MS)
            reply.set_result(outcome)
            self._process.loop.run_ready()

        self._waiting[number] = hear
        return hear

    def _send(
        self,
        intent: Intent | CancelIntent,
        act: Callable[[int], Outcome],
        leg: str,
        hear: Callable[[Outcome], None],
    ) -> None:
        chance, after = self._chance, self._timeline.after
        if chance.happens("dead_socket", leg):
            after(chance.between(SOCKET_DIES_MS), lambda: self.end("the socket died"))
        else:
            after(REPLY_TIMEOUT_MS, lambda: hear(Unknown("no reply in time")))
        if chance.happens("lose_request", leg):
            return
        travel = chance.between(LATE_MS if chance.happens("late_request", leg) else QUICK_MS)
        after(travel, lambda: self._arrive(intent, act, leg, hear))

    def _arrive(
        self,
        intent: Intent | CancelIntent,
        act: Callable[[int], Outcome],
        leg: str,
        hear: Callable[[Outcome], None],
    ) -> None:
        if self.revoked:
            return
        chance, now_ms = self._chance, self._timeline.now_ms
        until_ms = intent.timestamp_ms + intent.recv_window_ms
        if not intent.timestamp_ms - AHEAD_MS <= now_ms <= until_ms:
            chance.count("outside of its window", leg)
            self._reply(LATE, leg, hear)
        elif chance.happens("overload", leg):
            self._reply(OVERLOADED, leg, hear)
        elif chance.happens("timeout_not_executed", leg):
            self._reply(Unknown("-1007, not executed"), leg, hear)
        else:
            slow = chance.happens("slow_engine", leg)
            delay = chance.between(SLOW_ENGINE_MS) if slow else 0
            self._timeline.after(delay, lambda: self._carry_out(act, leg, hear))

    def _carry_out(
        self, act: Callable[[int], Outcome], leg: str, hear: Callable[[Outcome], None]
    ) -> None:
        outcome = act(self._timeline.now_ms)
        if self._chance.happens("timeout_executed", leg):
            outcome = Unknown("-1007, executed")
        self._reply(outcome, leg, hear)

    def _reply(self, outcome: Outcome, leg: str, hear: Callable[[Outcome], None]) -> None:
        chance = self._chance
        if chance.happens("lose_reply", leg):
            return
        late = chance.happens("late_reply", leg)
        delay = chance.between(LATE_REPLY_MS if late else QUICK_MS)
        self._timeline.after(delay, lambda: hear(outcome))

    # The stream.

    def deliver(self, event: UserEvent) -> None:
        """Bring an event: in order, unless it is slow or swapped; perhaps twice, or never."""
        if not isinstance(event, ExecutionReport):
            self._bring(self._in_order(), event)
            return
        chance, leg = self._chance, event.order.side.lower()
        if chance.happens("lose_report", leg):
            return
        if chance.happens("slow_report", leg):
            delay = chance.between(SLOW_REPORT_MS)
        elif chance.happens("swap_report", leg):
            delay = chance.between(SWAPPED_MS)
        else:
            delay = self._in_order()
        self._bring(delay, event)
        if chance.happens("repeat_report", leg):
            self._bring(delay + chance.between(SLOW_REPORT_MS), event)

    def _bring(self, delay_ms: int, event: UserEvent) -> None:
        self._timeline.after(delay_ms, lambda: self._hear(event))

    def _hear(self, event: UserEvent) -> None:
        if self._ended is None:
            self._events.push(event)

    def _in_order(self) -> int:
        now_ms = self._timeline.now_ms
        self._stream_free_ms = max(self._stream_free_ms, now_ms + self._chance.between(QUICK_MS))
        return self._stream_free_ms - now_ms


class SimulatedMarket:
    """The port `Market` of one process."""

    def __init__(self, process: "Process") -> None:
        self._prices: Stream[Price | None] = Stream(process.loop)
        self._timeline = process.timeline
        self._gone = self.silent = False
        self._late_ms = self._free_ms = 0
        self._held: list[Price] | None = None
        """What waits while the stream is stalled."""

    def prices(self) -> AsyncIterator[Price | None]:
        """Yield each trade, None when the connection is lost."""
        return self._prices

    def see(self, price: Price) -> None:
        """Bring a trade, if the connection stands and is not silent."""
        if self._gone or self.silent:
            return
        if self._held is not None:
            self._held.append(price)
            return
        now_ms = self._timeline.now_ms
        self._free_ms = max(self._free_ms, now_ms + self._late_ms)
        self._timeline.after(self._free_ms - now_ms, lambda: self._prices.push(price))

    def reconnect(self) -> bool:
        """Give up a connection that is silent: another one takes its place."""
        self.silent = False
        if not self._gone:
            self._prices.push(None)
        return not self._gone

    def be_late(self, late_ms: int) -> None:
        """Bring each trade so much later; trades keep their order."""
        self._late_ms = late_ms

    def fall_silent(self) -> None:
        """Stay open, and bring nothing until someone reconnects."""
        self.silent = True

    def stall(self) -> None:
        """Keep prices back."""
        self._held = self._held or []

    def flow(self) -> None:
        """Bring at once what was kept back."""
        held, self._held = self._held or (), None
        for price in held:
            self.see(price)

    def go(self) -> None:
        """Lose the connection."""
        self._gone, self.silent = True, False
        self._prices.push(None)

    def come_back(self) -> None:
        """Connect again."""
        self._gone = False

    async def close(self) -> None:
        """Nothing is held open."""

"""Three days of connections in virtual time: renewals, announcements, a ban, a maintenance.

The service, the client and the paper exchange are production code; only the bytes' way between the
two is not (`wires`). The exchange allows so few connections that a leader which does not wait for
its slot goes over the limit. One announcement comes a second before the end: the new session is
ready by then, the market stream has to wait for its slot.
"""

import asyncio
from bisect import bisect_left
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from paper_exchange.core.market import MarketTrade
from paper_exchange.core.symbols import symbol_at
from paper_exchange.faults import Faults
from paper_exchange.market.source import Manual
from paper_exchange.protocol.limits import REQUESTS, STREAMS, LimitSettings
from paper_exchange.shell.assembly import make_api, open_venue
from paper_exchange.shell.config import DEFAULT_KEY, Config
from paper_exchange.shell.connections import Connections
from simulation.database import Database, SimulatedRecord
from simulation.loop import VirtualLoop
from simulation.timeline import Timeline
from simulation.wires import LIFE_S, Wires
from symbol_trader.binance import link, trade_stream
from symbol_trader.binance.client import BinanceExchange
from symbol_trader.binance.keys import HmacKey
from symbol_trader.binance.market import BinanceMarket
from symbol_trader.binance.pacing import ConnectionLimit, ConnectionPacer, pacers
from symbol_trader.binance.reconnects import Cause, Reconnects, Service
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.core.error_codes import TOO_MANY_CONNECTIONS
from symbol_trader.core.leader import new_trader_bits
from symbol_trader.core.money import ZERO
from symbol_trader.core.replies import Price, TradeGap
from symbol_trader.core.settings import Settings, TradingStatus, UnfilledBuys
from symbol_trader.core.timing import Timing
from symbol_trader.desired import Desired, SwitchOffOutcome
from symbol_trader.identity import Epoch, Identity, Owner
from symbol_trader.report import Report
from symbol_trader.runtime.endings import Ending
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.metrics import Metrics
from symbol_trader.runtime.parts import Adapters, Telemetry
from symbol_trader.runtime.retry_policy import RetryPolicy
from symbol_trader.runtime.service import Service as LeaderService
from symbol_trader.runtime.story import Story
from symbol_trader.runtime.term import Intervals
from tradingsymbol_api.pod import Cause as EndingCause

NAME, BASE, QUOTE = "XRPUSDT", "XRP", "USDT"
BEGIN_MS = 1_700_000_000_000
HOUR_S = 3_600
DAYS_S = 72 * HOUR_S
TICK_S = 20
"""Time between trades."""
LIMIT = ConnectionLimit(attempts=10)
PRICE, TICK = Decimal(2), Decimal("0.0001")
SETTINGS = Settings(
    TradingStatus.ON,
    budget=Decimal(100),
    chunks=3,
    buy_down=Decimal("0.0001"),
    profit=Decimal("0.001"),
    rebuy=Decimal("0.002"),
    unfilled_buys=UnfilledBuys.CANCEL,
)


@dataclass
class Resource:
    """What is asked for: to trade, and in the end to shut down."""

    status: TradingStatus = TradingStatus.ON
    generation: int = 1
    tell: Callable[[], None] = lambda: None

    def ask(self, status: TradingStatus) -> None:
        self.status, self.generation = status, self.generation + 1
        self.tell()

    async def changes(self) -> AsyncIterator[Desired]:
        changed = asyncio.Event()
        self.tell = changed.set
        while True:
            settings = replace(SETTINGS, status=self.status)
            yield Desired(NAME, settings, self.generation, revision=str(self.generation),
                          follows=str(self.generation - 1))  # fmt: skip
            await changed.wait()
            changed.clear()

    async def report(self, _: Report) -> None:
        return

    async def switch_off(self) -> SwitchOffOutcome:
        self.ask(TradingStatus.OFF)
        return SwitchOffOutcome.WRITTEN

    async def close(self) -> None:
        return


@dataclass
class Process:
    """What the record of the simulation asks of the process that it serves: nothing goes wrong."""

    timeline: Timeline
    leader: None = None
    epochs: list[int] = field(default_factory=list)
    auditor: Any = field(
        default_factory=lambda: SimpleNamespace(
            noted=lambda *_: None, canceling=lambda *_: None, committed=lambda *_: None
        )
    )
    chance: Any = field(
        default_factory=lambda: SimpleNamespace(
            happens=lambda *_: False, random=SimpleNamespace(random=lambda: 1.0)
        )
    )

    @property
    def now_ms(self) -> int:
        return self.timeline.now_ms

    async def point(self, *_: str) -> None:
        return

    def claimed(self, epoch: Epoch) -> None:
        self.epochs.append(epoch.number)


class Slots:
    """The slots of the record, by the world's clock."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._until_s = 0.0

    async def reserve(self, spacing_s: float) -> float | None:
        self._until_s = max(self._until_s, self._now_s()) + spacing_s
        return self._until_s - self._now_s()


class Days:
    """A leader, its exchange, and what happens to their connections."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.random = Random(72)
        self.timeline = Timeline(BEGIN_MS)
        self.failures: list[BaseException] = []
        self.loop = VirtualLoop(self.timeline, self.failures.append)  # type: ignore[abstract]  # what no test calls is not there
        limits = LimitSettings(connections=LIMIT.attempts)
        config = Config(source=Manual((symbol_at(NAME, PRICE),)), limits=limits)
        self.venue = open_venue(config, lambda: self.timeline.now_ms)
        api = make_api(config, self.venue)
        self.wires = Wires(api, Connections(self.venue, api, Faults(), self.failures.append))
        for module in (link, trade_stream):
            monkeypatch.setattr(module, "dial", self.wires.dial)
        self.database = Database(BASE, QUOTE)
        self.resource = Resource()
        self.reconnects = Reconnects()
        self.seen: list[int] = []
        self.gaps: list[TradeGap] = []
        self.published: list[int] = []
        self.published_in_time = 0
        """The last trade of the three days."""
        self.venue.listen(lambda step: self.published.extend(t.trade_id for t in step.trades))
        self.process = Process(self.timeline)
        self._price = PRICE
        self.service = self._service()

    def _service(self) -> LeaderService:
        record = SimulatedRecord(cast("Any", self.process), self.database)
        settings = BinanceSettings(
            api_url="ws://exchange/ws-api/v3",
            stream_url="ws://exchange",
            symbol=NAME,
        )
        slots = Slots(self.loop.time)
        session_pacer, market_pacer = pacers(slots, clock=self.loop.time, random=self.random.random)
        adapters = Adapters(
            resource=self.resource,
            ownership=record,
            record=record,
            exchange=lambda _: BinanceExchange(
                settings,
                HmacKey(DEFAULT_KEY.api_key, DEFAULT_KEY.secret),
                monotonic_ns=lambda: self.timeline.now_ms * 1_000_000,
                random=self.random.random,
                pacer=session_pacer,
                reconnects=self.reconnects,
            ),
            market=lambda _: _Market(self, settings, market_pacer),
        )
        logger = SimpleNamespace(info=lambda *_, **__: None, warning=lambda *_, **__: None)
        logger.bind = lambda **_: logger
        health = Health(self.loop.time)
        return LeaderService(
            Identity(Owner("cluster", "trading", "xrpusdt"), "paper", "pod"),
            adapters,
            Telemetry(Story(cast("Any", logger), symbol=NAME), health, self._metrics),
            timing=Timing(),
            intervals=Intervals(timer_s=10.0, reconcile_s=300.0, report_s=60.0),
            retry_policy=RetryPolicy(),
            new_bits=new_trader_bits(self.random.getrandbits),
            jitter=self.random.random,
        )

    def _metrics(self, symbol: str) -> Metrics:
        return Metrics(symbol, "paper", self.loop.time)

    # What happens.

    def at(self, hour: float, action: Callable[[], None]) -> None:
        """Let something happen at an hour, in the exchange's loop."""
        self.timeline.after(round(hour * HOUR_S * 1_000), lambda: self.loop.feed(action))

    def ban(self) -> None:
        """Ban the address for ten minutes, and drop its connections."""
        for service in (REQUESTS, STREAMS):
            self.wires.api.limits.ban(self.timeline.now_ms + 600_000, service=service)
        self.wires.close_all()

    def go_away(self) -> None:
        """Begin the maintenance: no connection stands, and none is taken."""
        self.wires.is_away = True
        self.wires.close_all()

    def come_back(self) -> None:
        """End it."""
        self.wires.is_away = False

    def tick(self) -> None:
        """Let others trade, at a price that wanders home."""
        if not self.wires.is_away:
            step = round(self.random.gauss(0, 20)) + (2 if self._price < PRICE else -2)
            falls = step < 0
            self._price += step * TICK
            quantity = Decimal(self.random.randint(50, 2_000))
            self.venue.trade(MarketTrade(NAME, self._price, quantity, buyer_is_maker=falls))
        self.timeline.after(TICK_S * 1_000, lambda: self.loop.feed(self.tick))

    def run(self) -> Ending:
        """Live through it, then shut down; return how the leader ended."""
        task = self.loop.create_task(self.service.run())
        self.loop.run_ready()
        self.loop.feed(self.tick)
        self.timeline.run_until(BEGIN_MS + DAYS_S * 1_000)
        assert not task.done(), "it leads for as long as it is asked to"
        self.published_in_time = self.published[-1]
        self.resource.ask(TradingStatus.SHUTDOWN)
        self._price = PRICE * 2
        self.timeline.run_until(self.timeline.now_ms + HOUR_S * 1_000)
        done = task.done()
        self.loop.end_tasks()
        assert done, "a shutdown that does not end"
        assert not self.failures
        ending: Ending = task.result()
        return ending


class _Market(BinanceMarket):
    """The market, of which the test sees what the leader sees."""

    def __init__(self, days: Days, settings: BinanceSettings, pacer: ConnectionPacer) -> None:
        super().__init__(
            settings, random=days.random.random, pacer=pacer, reconnects=days.reconnects
        )
        self._days = days

    async def prices(self) -> Any:
        """Yield what comes, and note it."""
        async for news in super().prices():
            match news:
                case Price():
                    self._days.seen.append(news.trade_id)
                case TradeGap():
                    self._days.gaps.append(news)
            yield news


def most_in_window(times_s: list[float], window_s: float) -> int:
    return max(bisect_left(times_s, begin + window_s) - n for n, begin in enumerate(times_s))


@pytest.mark.timeout(900)
def test_three_days_of_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    days = Days(monkeypatch)
    for hour, after_s in ((5, 60.0), (30, 1.0), (65, 600.0)):
        days.at(hour, lambda after_s=after_s: days.wires.announce_and_close(after_s))  # type: ignore[misc]  # it has a default
    days.at(12, days.ban)
    days.at(18, lambda: days.wires.cut(api=False))
    days.at(34, days.go_away)
    days.at(38, days.come_back)
    days.at(20, lambda: days.wires.cut(api=True))

    ending = days.run()

    assert ending.cause is EndingCause.DRAINED
    assert days.database.released
    check_orders(days)
    check_trades(days)
    assert most_in_window(days.wires.attempts_s, LIMIT.window_s) <= LIMIT.attempts
    assert days.wires.refused[TOO_MANY_CONNECTIONS] == 0
    assert days.wires.replies[429] == 0
    assert days.wires.expired == 0, f"each is renewed before {LIFE_S} s"
    check_reconnects(days)


def check_orders(days: Days) -> None:
    """Compare the exchange's orders with the record's: none is lost, doubled, or differs."""
    book = days.venue.engine.book(NAME)
    there = list(book.orders.values())
    rows = days.database.rows
    existed = {name: row for name, row in rows.orders.items() if row.existed}
    assert set(days.wires.placed.values()) == {1}, "each order is asked for once"
    assert len(existed) > 50
    by_id = {row.order_id: row for row in existed.values()}
    assert {order.order_id for order in there} == set(by_id)
    for order in there:
        row = by_id[order.order_id]
        assert row.executed == order.executed
        assert sum((fill.quantity for fill in row.fills.values()), ZERO) == order.executed


def check_trades(days: Days) -> None:
    """Every trade since the first connection came once, or is in a gap that was noticed."""
    missed = [n for gap in days.gaps for n in range(gap.first_id, gap.last_id + 1)]
    assert days.seen == sorted(set(days.seen))
    heard = [n for n in days.published if days.seen[0] <= n <= days.seen[-1]]
    assert sorted([*days.seen, *missed]) == heard
    assert days.seen[-1] >= days.published_in_time
    assert days.gaps, "the stream was cut while others traded"
    assert len(missed) < len(days.seen) / 100


def check_reconnects(days: Days) -> None:
    counts = days.reconnects.counts
    for service, announced in ((Service.API, 3), (Service.MARKET, 2)):
        assert counts[service, Cause.ANNOUNCED] == announced
        assert counts[service, Cause.AGE] >= 1
        assert counts[service, Cause.LOST] >= 3, "a ban, a maintenance, a cut"
        assert counts[service, Cause.STALLED] == 0
    assert len(days.process.epochs) == 1, "the epoch is confirmed, not taken again"

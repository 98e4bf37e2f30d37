"""Days of a leader on a testnet in virtual time, and what can happen to it there.

The service, the client and the paper exchange are production code; only the bytes' way between the
two is not (`wires`), and the record (`database`).
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import inf
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from paper_exchange.accounts import AccountConfig, Key, public_key
from paper_exchange.core.market import MarketTrade
from paper_exchange.core.orders import Side
from paper_exchange.core.symbols import symbol_at
from paper_exchange.faults import Faults
from paper_exchange.journal import MemoryJournal
from paper_exchange.market.source import Manual
from paper_exchange.protocol.limits import REQUESTS, STREAMS, LimitSettings
from paper_exchange.shell.assembly import make_api, open_venue
from paper_exchange.shell.config import Config
from paper_exchange.shell.connections import Connections
from simulation.account_port import SimulatedLimits
from simulation.database import Database, SimulatedRecord
from simulation.loop import VirtualLoop
from simulation.timeline import Timeline
from simulation.wires import Wires
from support.keys import ED25519, MadeKey
from symbol_trader.binance import link, trade_stream
from symbol_trader.binance.budgets import Budget
from symbol_trader.binance.client import BinanceExchange
from symbol_trader.binance.keyfiles import KeyFolder
from symbol_trader.binance.market import BinanceMarket
from symbol_trader.binance.pacing import ConnectionLimit, ConnectionPacer, pacers
from symbol_trader.binance.rate_limit import RateLimit
from symbol_trader.binance.reconnects import Reconnects
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.core.leader import new_trader_bits
from symbol_trader.core.limits import AccountLimit, LimitInForce, LimitReport
from symbol_trader.core.orders import ClientOrderId
from symbol_trader.core.replies import Price, TradeGap
from symbol_trader.core.settings import AtDeadline, Settings, TradingStatus, UnfilledBuys
from symbol_trader.core.timing import Timing
from symbol_trader.desired import Desired, SwitchOffOutcome
from symbol_trader.identity import Epoch, Identity, Owner
from symbol_trader.report import Problem, Report
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.metrics import Metrics
from symbol_trader.runtime.parts import Adapters, Telemetry
from symbol_trader.runtime.retry_policy import RetryPolicy
from symbol_trader.runtime.service import Service
from symbol_trader.runtime.story import Story
from symbol_trader.runtime.term import Intervals
from tradingsymbol_api.conditions import LeaderReason

if TYPE_CHECKING:
    from symbol_trader.runtime.endings import Ending

NAME, BASE, QUOTE = "XRPUSDT", "XRP", "USDT"
ENVIRONMENT, OWN = "testnet", "own"
BEGIN_MS = 1_700_000_000_000
HOUR_S = 3_600
TICK_S = 20
"""Time between trades."""
LIMITS = LimitSettings(weight=200, orders=20, orders_a_day=2_000, connections=10)
"""So little that a leader which does not mind a limit goes over it."""
CONNECTIONS = ConnectionLimit(attempts=LIMITS.connections)
PRICE, TICK = Decimal(2), Decimal("0.0001")
RISE = Decimal("0.01") / (HOUR_S * 1_000)
"""How much the price rises in a millisecond."""
FUNDS = Decimal(1_000)
BAN_MS = 600_000
NOTICED_MS = 1_800_000
"""Until a person puts another key in the place of one that is revoked."""
SETTINGS = Settings(
    TradingStatus.ON,
    budget=Decimal(100),
    chunks=3,
    buy_down=Decimal("0.0001"),
    profit=Decimal("0.001"),
    rebuy=Decimal("0.002"),
    max_buy_age_ms=600_000,
    unfilled_buys=UnfilledBuys.CANCEL,
)
ENDS_AT_ONCE = replace(SETTINGS, deadline_ms=1_000, at_deadline=AtDeadline.HOLD)


@dataclass
class Resource:
    """What is asked for, and what the leader says of itself."""

    settings: Settings = SETTINGS
    generation: int = 1
    problems: list[Problem] = field(default_factory=list)
    """All that were ever reported, in the order in which they came up."""
    now: tuple[Problem, ...] = ()
    """Those of the last report."""
    tell: Callable[[], None] = lambda: None

    def ask(self, status: TradingStatus, settings: Settings = SETTINGS) -> None:
        """Write the spec."""
        self.settings, self.generation = replace(settings, status=status), self.generation + 1
        self.tell()

    def reported(self, reason: LeaderReason) -> list[str]:
        """Return all messages that were ever reported for a reason."""
        return [problem.message for problem in self.problems if problem.reason is reason]

    async def changes(self) -> AsyncIterator[Desired]:
        """Yield what is asked for, now and at each change."""
        changed = asyncio.Event()
        self.tell = changed.set
        while True:
            yield Desired(NAME, self.settings, self.generation, revision=str(self.generation),
                          follows=str(self.generation - 1))  # fmt: skip
            await changed.wait()
            changed.clear()

    async def limits(self) -> AsyncIterator[tuple[AccountLimit, ...]]:
        """Yield once that there is none."""
        yield ()
        await asyncio.Event().wait()

    async def limit_exists(self, name: str, uid: str) -> bool:
        """Return that nothing is there."""
        return False

    async def report_limit(self, report: LimitReport) -> None:
        """Take in what a leader says of a limit."""

    async def tell_deleted(self, limit: LimitInForce) -> None:
        """Take in that a limit was deleted: none is."""

    async def report(self, report: Report) -> None:
        """Take in a report."""
        self.problems += [problem for problem in report.problems if problem not in self.now]
        self.now = report.problems

    async def switch_off(self) -> SwitchOffOutcome:
        """Switch off what is being shut down."""
        self.ask(TradingStatus.OFF)
        return SwitchOffOutcome.WRITTEN

    async def close(self) -> None:
        """Nothing is held open."""


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
        """Return the time of the world."""
        return self.timeline.now_ms

    async def point(self, *_: str) -> None:
        """Pass an await."""

    def claimed(self, epoch: Epoch) -> None:
        """Note an epoch."""
        self.epochs.append(epoch.number)


class Slots:
    """The slots of a limit in the record, by the world's clock."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._until_s = 0.0

    async def reserve(self, length_s: float, within_s: float = inf) -> float | None:
        """Reserve the next one, unless so many seconds are reserved already."""
        if self._until_s > self._now_s() + within_s:
            return None
        self._until_s = max(self._until_s, self._now_s()) + length_s
        return self._until_s - self._now_s()


class Keys:
    """The keys of the account: all are registered, and the Secret holds one after the other."""

    def __init__(self, folder: Path, count: int) -> None:
        self.made = [MadeKey(ED25519, f"key-{number}") for number in range(count)]
        self.folder = KeyFolder(folder, "exchange it")
        self._path = folder
        self.put(0)

    @property
    def registered(self) -> tuple[Key, ...]:
        """Return all of them as the exchange has them."""
        keys = (key.registered for key in self.made)
        return tuple(Key(k["apiKey"], public=public_key(k["publicKey"])) for k in keys)

    def put(self, number: int) -> None:
        """Let the Secret hold one of them."""
        self.made[number].write(self._path)


class Days:
    """A leader, its exchange, and what happens to them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.random = Random(72)
        self.timeline = Timeline(BEGIN_MS)
        self.failures: list[BaseException] = []
        self.loop = VirtualLoop(self.timeline, self.failures.append)  # type: ignore[abstract]  # what no test calls is not there
        self.keys = Keys(folder, 3)
        account = AccountConfig(OWN, self.keys.registered, ((QUOTE, FUNDS),))
        source = Manual((symbol_at(NAME, PRICE),))
        config = Config(source=source, accounts=(account,), limits=LIMITS)
        self.venue = open_venue(config, lambda: self.timeline.now_ms)
        self.api = make_api(config, self.venue)
        self.connections = Connections(self.venue, self.api, Faults(), self.failures.append)
        self.wires = Wires(self.api, self.connections)
        for module in (link, trade_stream):
            monkeypatch.setattr(module, "dial", self.wires.dial)
        self.database = Database(BASE, QUOTE, lambda: self.timeline.now_ms)
        self.resource = Resource()
        self.reconnects = Reconnects()
        self.said: Counter[str] = Counter()
        """What the leaders told, and how often."""
        self.heard: list[list[int]] = []
        """The ids of the trades that each leader saw, or knew to have missed, in their order."""
        self.gaps: list[TradeGap] = []
        self.published: list[list[int]] = [[]]
        """The ids of all trades, those after a reset apart."""
        self.venue.listen(lambda step: self.published[-1].extend(t.trade_id for t in step.trades))
        self.published_in_time = 0
        """The last trade before the shutdown."""
        self.process = Process(self.timeline)
        self.under_way: ClientOrderId | None = None
        """The order that was on its way when its key was revoked."""
        self.endings: list[Ending] = []
        self._price = self._home = PRICE
        self._leading: asyncio.Task[Ending] | None = None
        self._pods = 0
        self._shared = self._share()

    @property
    def journal(self) -> MemoryJournal:
        """Return the exchange's own record."""
        return cast("MemoryJournal", self.venue.journal)

    # The leader, and who starts it.

    def _share(self) -> dict[str, Any]:
        """Return what the sessions of a process share."""
        now_s, random = self.loop.time, self.random.random
        sessions, market = pacers(Slots(now_s), clock=now_s, random=random)
        orders = defaultdict[str, Slots](lambda: Slots(now_s))
        budget = Budget(Slots(now_s), orders.__getitem__, clock=now_s, random=random)
        limit = RateLimit(self._monotonic_ns)
        return {"sessions": sessions, "market": market, "limit": limit, "budget": budget}

    def _monotonic_ns(self) -> int:
        return self.timeline.now_ms * 1_000_000

    def _operate(self) -> None:
        """Start a leader where one is wanted and none is, as the operator does."""
        if self._leading is not None and self._leading.done():
            self.endings.append(self._leading.result())
            self._leading = None
        if self._leading is None and self.resource.settings.status is not TradingStatus.OFF:
            self._pods += 1
            self._leading = self.loop.create_task(self._service(f"pod-{self._pods}").run())

    def _service(self, pod: str) -> Service:
        record = SimulatedRecord(cast("Any", self.process), self.database)
        settings = BinanceSettings(
            api_url="ws://exchange/ws-api/v3", stream_url="ws://exchange", symbol=NAME,
            key_interval_s=60.0,
        )  # fmt: skip
        adapters = Adapters(
            resource=self.resource,
            ownership=record,
            record=record,
            limits=SimulatedLimits(record, self.database),
            exchange=lambda _: self._exchange(settings),
            market=lambda _: _Market(self, settings, self._shared["market"]),
        )
        logger = SimpleNamespace(info=self._say, warning=self._say)
        logger.bind = lambda **_: logger
        health = Health(self.loop.time)
        return Service(
            Identity(Owner("cluster", "trading", "xrpusdt"), ENVIRONMENT, pod),
            adapters,
            Telemetry(Story(cast("Any", logger), symbol=NAME), health, self._metrics),
            timing=Timing(),
            intervals=Intervals(timer_s=10.0, reconcile_s=300.0, report_s=60.0),
            retry_policy=RetryPolicy(),
            new_bits=new_trader_bits(self.random.getrandbits),
            jitter=self.random.random,
        )

    def _exchange(self, settings: BinanceSettings) -> BinanceExchange:
        return BinanceExchange(
            settings,
            self.keys.folder.read(),
            monotonic_ns=self._monotonic_ns,
            random=self.random.random,
            rate_limit=self._shared["limit"],
            is_replaced=self.keys.folder.replaces,
            pacer=self._shared["sessions"],
            reconnects=self.reconnects,
            budget=self._shared["budget"],
        )

    def _say(self, event: str, **_: Any) -> None:
        self.said[event] += 1

    def _metrics(self, symbol: str) -> Metrics:
        return Metrics(symbol, ENVIRONMENT, self.loop.time)

    # What happens.

    def at(self, hour: float, action: Callable[[], object]) -> None:
        """Let something happen at an hour, in the exchange's loop."""
        self.timeline.after(round(hour * HOUR_S * 1_000), lambda: self.loop.feed(action))

    def ban(self, *, closes: bool) -> None:
        """Ban the address for ten minutes; perhaps its connections are dropped as well."""
        for service in (REQUESTS, STREAMS):
            self.api.limits.ban(self.timeline.now_ms + BAN_MS, service=service)
        if closes:
            self.connections.close_all()

    def maintain(self, hours: float) -> None:
        """Be away for hours: no connection stands, none is taken, and nothing is traded."""
        self.wires.maintenance.until = self.timeline.now_ms + round(hours * HOUR_S * 1_000)
        self.connections.close_all()

    def revoke(self, number: int) -> None:
        """Take a key no longer."""
        assert self.api.keys.revoke(self.keys.made[number].name)

    def revoke_under_way(self, number: int) -> None:
        """Take a key no longer while the next order is on its way; a person sees it in a while."""

        def before(request: dict[str, Any]) -> None:
            if request["method"] == "order.place":
                self.wires.before = lambda _: None
                self.under_way = ClientOrderId(request["params"]["newClientOrderId"])
                self.revoke(number)
                self.timeline.after(NOTICED_MS, lambda: self.keys.put(number + 1))

        self.wires.before = before

    def reset_when_a_sell_rests(self) -> None:
        """Forget all orders, trades and balances, as the testnet does; a sell is among them."""
        if not self.venue.engine.book(NAME).resting[Side.SELL]:
            self.timeline.after(
                TICK_S * 1_000, lambda: self.loop.feed(self.reset_when_a_sell_rests)
            )
            return
        self.published.append([])
        self.venue.reset()
        self.connections.close_all()

    @property
    def _goal(self) -> Decimal:
        """Return where the price wants to be: it rises, so that everything is sold in the end."""
        return self._home + (self.timeline.now_ms - BEGIN_MS) * RISE

    def tick(self) -> None:
        """Let others trade, and place orders."""
        if self.timeline.now_ms >= self.wires.maintenance.until:
            step = round(self.random.gauss(0, 20) + float((self._goal - self._price) / TICK) / 10)
            falls = step < 0
            self._price += step * TICK
            quantity = Decimal(self.random.randint(50, 2_000))
            self.venue.trade(MarketTrade(NAME, self._price, quantity, buyer_is_maker=falls))
        self._operate()
        self.timeline.after(TICK_S * 1_000, lambda: self.loop.feed(self.tick))

    def run(self, hours: int) -> None:
        """Live through it, then shut down and wait for the end."""
        self.loop.feed(self.tick)
        self.timeline.run_until(BEGIN_MS + hours * HOUR_S * 1_000)
        assert self._leading is not None, "it leads for as long as it is asked to"
        self.published_in_time = self.published[-1][-1]
        self.resource.ask(TradingStatus.SHUTDOWN)
        self._home += PRICE
        self.timeline.run_until(self.timeline.now_ms + HOUR_S * 1_000)
        ended = self._leading is None
        self.loop.end_tasks()
        assert ended, "a shutdown that does not end"
        assert not self.failures


class _Market(BinanceMarket):
    """The market, of which the test sees what the leader sees."""

    def __init__(self, days: Days, settings: BinanceSettings, pacer: ConnectionPacer) -> None:
        super().__init__(
            settings, random=days.random.random, pacer=pacer, reconnects=days.reconnects
        )
        self._days = days
        self._heard: list[int] = []
        days.heard.append(self._heard)

    async def prices(self) -> Any:
        """Yield what comes, and note it."""
        async for news in super().prices():
            match news:
                case Price():
                    self._heard.append(news.trade_id)
                case TradeGap():
                    self._heard.extend(range(news.first_id, news.last_id + 1))
                    self._days.gaps.append(news)
            yield news

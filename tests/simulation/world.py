"""One seed's world: an exchange with its market, a leader's process, people, and the weather.

First everything goes wrong that may; then the faults stop, a shutdown is asked for, and the world
has to come to rest.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

from simulation.exchange import BASE, FOREIGN_ID, TICK, Exchange
from simulation.memory import MemoryRecord
from simulation.process import Process, Tell
from simulation.tally import Tally
from simulation.timeline import Timeline
from simulation.weather import CALM, Weather, drawn
from simulation.wire import Wire
from symbol_trader.core.orders import ExecutionReport
from symbol_trader.core.replies import UserEvent
from symbol_trader.core.settings import AtDeadline, Settings, TradingStatus, UnfilledBuys

BEGIN_MS = 1_700_000_000_000
STORM_TICKS = 150
"""Public trades while faults happen."""
TICK_MS = (50, 1_500)
LULL_MS = 60_000
"""After the storm, before the shutdown: what is in doubt is cleared up."""
OVERDUE_MS = 10_000
"""After a deadline, on a calm day, everything is off the book and sold or held by then."""
DRAIN_MS = 600_000
"""A shutdown in a market that goes everywhere must be done by then."""
PRICE = Decimal(2)
SWINGS = (Decimal("1.2"), Decimal("3.6"))
"""Prices that fill every buy and every sell."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one seed is about."""

    settings: Settings
    weather: Weather
    funds: Decimal
    volatility: int
    """Standard deviation of a step of the price, in ticks."""


def planned(random: Random) -> Plan:
    """Draw what a seed is about."""
    chunks = random.randint(1, 5)
    settings = Settings(
        TradingStatus.ON,
        budget=Decimal(chunks * random.choice((6, 20, 33))),
        chunks=chunks,
        buy_down=Decimal(random.choice(("0.0001", "0.001"))),
        profit=Decimal(random.choice(("-0.002", "0.0005", "0.002"))),
        rebuy=Decimal(random.choice(("0.0005", "0.002"))),
        max_buy_age_ms=random.choice((None, 20_000)),
        unfilled_buys=random.choice(tuple(UnfilledBuys)),
        deadline_ms=random.choice((None, None, 20_000, 60_000)),
        at_deadline=random.choice(tuple(AtDeadline)),
    )
    funds = settings.budget * random.choice((Decimal("0.5"), Decimal(2))) + 10
    return Plan(settings, drawn(random), funds, random.choice((5, 20, 60)))


class World:
    """Everything there is, in virtual time."""

    def __init__(
        self, seed: int, tally: Tally, tell: Tell = lambda _now_ms, _what, _facts: None
    ) -> None:
        self.random = Random(seed)
        self.plan = planned(self.random)
        self.tally = tally
        self.timeline = Timeline(BEGIN_MS)
        self.exchange = Exchange(BEGIN_MS, self.plan.funds)
        self.record = MemoryRecord(BASE)
        self.wire = Wire(self.timeline, self.random, self.exchange, tally)
        self.process = Process(
            self.timeline,
            self.wire,
            self.record,
            settings=self.plan.settings,
            random=self.random,
            tally=tally,
            tell=tell,
        )
        self._price = PRICE
        self._deposited = Decimal(0)
        self.exchange.place_by_hand(BEGIN_MS, Decimal(1), Decimal(6))
        self.exchange.listener = self._happened

    def run(self) -> None:
        """Live through the storm, and come to rest."""
        self.wire.weather = self.plan.weather
        self.process.begin()
        for _ in range(STORM_TICKS):
            self._until(self.timeline.now_ms + self.random.randint(*TICK_MS))
            self._tick()
            self._people()
        self._calm()
        self._drain()
        self.process.auditor.close(self.exchange, self.plan.funds + self._deposited)
        foreign = self.exchange.order(FOREIGN_ID)
        assert foreign is not None
        assert foreign.status == "NEW", "it was not ours"
        self._count()

    def _until(self, until_ms: int) -> None:
        """Let happen what happens until then."""
        reached = False

        def stop() -> None:
            nonlocal reached
            reached = True

        self.timeline.after(until_ms - self.timeline.now_ms, stop)
        while not reached:
            self.timeline.step()

    # The market.

    def _tick(self) -> None:
        step = round(self.random.gauss(0, self.plan.volatility))
        homeward = 1 if self._price < PRICE else -1
        quantity = Decimal(self.random.randint(5, 200)) / 10
        self._trade(self._price + (step + homeward) * TICK, quantity)

    def _trade(self, price: Decimal, quantity: Decimal) -> None:
        falling = price < self._price
        self._price = price
        self.exchange.trade(self.timeline.now_ms, price, quantity, falling=falling)
        self.process.auditor.look(self.exchange)
        self.wire.later(lambda: self.process.see_price(lambda one, now: one.see_price(price, now)))

    # People, and the exchange's own ways.

    def _people(self) -> None:
        weather, random = self.wire.weather, self.random
        if random.random() < weather.expire:
            self._end_one("expired", self.exchange.expire)
        if random.random() < weather.foreign_cancel:
            self._end_one("canceled by hand", self.exchange.cancel_by_hand)
            self.timeline.after(random.randint(1_000, 30_000), self._say_to_go_on)
        if random.random() < 0.01:
            self._flip()
        if random.random() < 0.01:
            self._change()

    def _end_one(self, how: str, end: Callable[[int, str], None]) -> None:
        ours = [o for o in self.exchange.open_orders() if o.client_order_id != FOREIGN_ID]
        if ours:
            self.tally.count(f"orders {how}")
            end(self.timeline.now_ms, self.random.choice(ours).client_order_id)

    def _say_to_go_on(self) -> None:
        self.process.ask(self.process.settings)

    def _flip(self) -> None:
        on = self.process.settings.status is TradingStatus.ON
        status = TradingStatus.SHUTDOWN if on else TradingStatus.ON
        self.tally.count(f"switched to {status}")
        self.process.ask(replace(self.process.settings, status=status))

    def _change(self) -> None:
        settings, random = self.process.settings, self.random
        chunks = random.randint(1, 5)
        budget = self.plan.settings.chunk_budget * chunks
        profit = Decimal(random.choice(("0.0005", "0.002")))
        self.process.ask(replace(settings, chunks=chunks, budget=budget, profit=profit))

    def _happened(self, event: UserEvent) -> None:
        if isinstance(event, ExecutionReport):
            if event.order.client_order_id != FOREIGN_ID:
                self.process.auditor.arrived(event.order.client_order_id)
            if event.order.status == "PARTIALLY_FILLED":
                self.tally.count("partial fills")
        self.process.hear(event)

    # Coming to rest.

    def _calm(self) -> None:
        """Stop all faults, give what is lacking, and let what is in doubt be cleared up."""
        self.wire.weather = CALM
        self._deposited = self.plan.settings.budget * 5
        self.exchange.deposit(self.timeline.now_ms, self._deposited)
        self.process.ask(replace(self.process.settings, status=TradingStatus.ON))
        end_ms = self.timeline.now_ms + LULL_MS
        while self.timeline.now_ms < end_ms:
            self._until(self.timeline.now_ms + 2_000)
            self._tick()
        leader = self.process.leader
        assert leader is not None
        assert not leader.orders_in_doubt, "a doubt that a calm does not end"

    def _drain(self) -> None:
        """Ask for a shutdown: it ends where the price goes everywhere, or at its deadline."""
        self.process.ask(replace(self.process.settings, status=TradingStatus.SHUTDOWN))
        limit_ms = self.plan.settings.deadline_ms
        end_ms = self.timeline.now_ms + (DRAIN_MS if limit_ms is None else limit_ms + OVERDUE_MS)
        swing = 0
        while not (self.process.leader and self.process.leader.drained):
            assert self.timeline.now_ms < end_ms, "a shutdown that does not end"
            self._until(self.timeline.now_ms + 1_000)
            swing += 1
            if limit_ms is None:
                self._trade(SWINGS[swing % 2], Decimal(10_000))
            else:
                self._trade(self._price, Decimal(1))

    def _count(self) -> None:
        self.tally.count("seeds")
        self.tally.count("cycles", len(self.record.results))
        for row in self.record.orders.values():
            self.tally.count(f"orders {row.state}")
        for result in self.record.results:
            self.tally.count(f"traders {result.state}")

"""One seed's world: an exchange with its market, leaders' processes, people, and the weather.

First everything goes wrong that may; then the faults stop, a shutdown is asked for, and the world
has to come to rest.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any

from simulation import fees
from simulation.auditor import OPEN, Auditor
from simulation.chance import Chance
from simulation.cluster import Cluster
from simulation.database import Database
from simulation.exchange import BASE, FOREIGN_ID, NAME, QUOTE, TICK, Exchange
from simulation.faults import Faults
from simulation.halted_calm import HaltedCalm
from simulation.limit_auditor import LimitAuditor
from simulation.limiting import Limiting
from simulation.network import Network
from simulation.process import Doom, Process
from simulation.report import CANCELS, ORDERS
from simulation.tally import Tally
from simulation.timeline import Timeline
from simulation.weather import CALM, Weather, drawn
from symbol_trader.core.orders import ExchangeOrder, ExecutionReport, Side
from symbol_trader.core.reasons import Reason
from symbol_trader.core.records import TraderState
from symbol_trader.core.replies import Price, UserEvent
from symbol_trader.core.settings import AtDeadline, Settings, TradingStatus, UnfilledBuys
from symbol_trader.runtime.metrics import Metrics
from tradingsymbol_api.pod import Cause

MIDNIGHT_MS = 1_700_006_400_000
BEFORE_MIDNIGHT_MS = (5_000, 90_000)
"""How long before the turn of a day (UTC) a seed begins."""
EVENTS = 200
"""Public trades while faults happen, at least."""
CRASHES, TAKEOVERS, CYCLES = 3, 1, 5
"""What a seed has to live through, at least."""
EVENTS_MAX = 800
"""Public trades by which it must have done so."""
TICK_MS = ((5, 200), (300, 1_500))
"""Time between trades: the market is in a hurry, or it is not."""
DOWN_MS = (10, 5_000)
"""Until a process that died is started again."""
FROZEN_MS = (100, 8_000)
NOTICED_MS = (50, 2_000)
"""Until another pod is started in a frozen one's place."""
FROZEN_AFTER_MS = (10, 9_000)
"""How long the old one stays frozen after that."""
AWAY_MS = (500, 8_000)
MAINTAINED_MS = (60_000, 4 * 3_600_000)
LATE_PRICES_MS = (500, 6_000)
"""How late the market stream may be: within the bound for buys in every fourth case."""
BANNED_MS = (500, 30_000)
"""The adapter waits out what takes less than 20 s."""
ON_AGAIN = {TradingStatus.OFF: 0.2, TradingStatus.SHUTDOWN: 0.05}
"""Per trade: that a person switches on again what does not trade."""
DOOM_CHANCE = 0.05
"""Per trade: that something is to happen to the process."""
DOOM_TICKS = 40
"""Trades after which what was to happen at a certain await has waited long enough."""
LULL_TICKS = 25
LULL_TICK_MS = 2_000
"""After the storm, before the shutdown: what is in doubt is cleared up."""
SILENT_MOST_MS = 65_000
"""A stream that is silent while others trade is opened again by then."""
OVERDUE_MS = 20_000
"""After a deadline, on a calm day, everything is off the book and sold or held by then."""
DRAIN_MS = 600_000
"""A shutdown in a market that goes everywhere must be done by then."""
PRICE = Decimal(2)
LOW, HIGH, FURTHER = Decimal("1.2"), Decimal("3.6"), Decimal("0.01")
"""Prices that fill every buy and every sell: each swing goes further than the last."""
FOREIGN = Decimal("0.001"), Decimal(6_000)
"""A buy that is not ours, at a price that the market never sees."""
ORDERING = ("commit an intent", "place")
CANCELING = ("commit a cancel", "cancel")
AWAITS = ("", "", "", "note", *ORDERING, *CANCELING)
"""What a doomed await is for."""
DELISTED, GIVES_BACK, HALTED, REPORTS_OFTEN = 0.05, 0.5, 0.2, 0.15
"""Shares of the seeds."""
TYPICAL_TRADES = (Decimal("0.3"), Decimal(5), Decimal(5), Decimal(5))
"""What buyers want at once. Where that is little, the book shows a fraction of a chunk."""
AT_ONCE_MS, IMPATIENT = 2, 4
"""How soon a person cancels an order that has just come, and how much likelier that is per order
than a cancel is per trade."""
DENIED_MS = 300_000
"""How much longer it takes until a symbol that is not listed any more counts as gone."""
HURRY_MS = 1_500
"""The deadline of a person who wants everything to end."""
DOOMS = ("crash", "crash", "crash", "freeze", "takeover")

Tell = Callable[[int, str, str, dict[str, Any]], None]
"""Is told the time, who, what happened, and the facts."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one seed is about."""

    settings: Settings
    weather: Weather
    funds: Decimal
    volatility: int
    """Standard deviation of a step of the price, in ticks."""
    page: int
    """How many trades the exchange lists at once."""
    typical_trade: Decimal
    """How much buyers want at once."""
    delisted: bool
    """In the end the exchange does not list the symbol any more."""
    gives_back: bool
    """A person who took base asset out of the account puts it back in the end."""
    halted: bool
    """Once all is calm, the account is halted for a while."""
    reports_often: bool
    """Processes report as often as in production."""


def planned(random: Random, limits: Random) -> Plan:
    """Draw what a seed is about. Limits are drawn apart."""
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
        deadline_ms=random.choice((None, 2_000, 5_000, 20_000)),
        at_deadline=random.choice(tuple(AtDeadline)),
    )
    funds = settings.budget * random.choice((Decimal("0.5"), Decimal(2))) + 10
    page = random.choice((3, 20, 1_000))
    volatility, typical = random.choice((5, 20, 60)), random.choice(TYPICAL_TRADES)
    return Plan(
        settings,
        drawn(random),
        funds,
        volatility,
        page,
        typical,
        delisted=random.random() < DELISTED,
        gives_back=random.random() < GIVES_BACK,
        halted=limits.random() < HALTED,
        reports_often=random.random() < REPORTS_OFTEN,
    )


class World:
    """Everything there is, in virtual time."""

    def __init__(
        self, seed: int, tally: Tally, tell: Tell = lambda _now_ms, _who, _what, _facts: None
    ) -> None:
        self.random = Random(seed)
        self._impatience = Random(f"impatience of {seed}")
        limits = Random(f"limits of {seed}")
        self.plan = planned(self.random, limits)
        self.tally = tally
        self.chance = Chance(self.random, tally)
        days = Random(f"days of {seed}")
        begin_ms = MIDNIGHT_MS - days.randint(*BEFORE_MIDNIGHT_MS)
        self.timeline = Timeline(begin_ms)
        paid = fees.drawn(Random(f"fees of {seed}"), BASE)
        self.exchange = Exchange(begin_ms, self.plan.funds, paid, self.plan.typical_trade)
        self.database = Database(BASE, QUOTE, lambda: self.timeline.now_ms)
        judge = LimitAuditor(self.exchange, self.database.rows, self.timeline, tally)
        self.database.witnesses.append(judge)
        self.network = Network(self.timeline, self.exchange)
        self.network.page = self.plan.page
        if paid.has_market:
            self.network.asset_prices["BNB"] = fees.PRICE
        self.cluster = Cluster(self.timeline, self.plan.settings)
        self.auditor = Auditor(self.database, self.exchange, self.timeline)
        self._faults = Faults(self)
        self._limiting = Limiting(self, limits)
        self.metrics = Metrics(NAME, "paper", lambda: self.timeline.now_ms / 1000)
        """Of all processes: making them costs more than counting, and nobody reads them here."""
        self.doom: Doom | None = None
        self._doomed_since = 0
        self._tell = tell
        self._failure: BaseException | None = None
        self._current: Process | None = None
        """Whom the operator thinks to lead: its process runs, or will be started again."""
        self._processes: list[Process] = []
        self._pods = self._events = self._crashes = self._takeovers = 0
        self._price = PRICE
        self._low, self._high = LOW, HIGH
        self._trade_id = 0
        self._deposited = Decimal(0)
        self.exchange.place_by_hand(begin_ms, *FOREIGN)
        self.exchange.listener = self._happened

    def run(self) -> None:
        """Live through the storm, and come to rest."""
        try:
            self._storm()
            self._calm()
            if self.plan.halted:
                self._halt()
            if self.plan.delisted:
                self._delist()
            elif self._can_complete():
                self._complete()
            self._drain()
        finally:
            for process in self._processes:
                process.die()
                process.bury()
        self.auditor.close(self.plan.funds + self._deposited)
        foreign = self.exchange.order(FOREIGN_ID)
        assert foreign is not None
        assert foreign.status == "NEW", "it was not ours"
        self._count()

    def failed(self, error: BaseException) -> None:
        """Take in what went wrong in a process."""
        self._failure = self._failure or error

    def _until(self, until_ms: int) -> None:
        """Let happen what happens until then."""
        self.timeline.run_until(until_ms)
        if self._failure is not None:
            raise self._failure

    # The storm.

    def _storm(self) -> None:
        self.chance.weather = self.plan.weather
        self._operate()
        while not self._stormed_enough():
            self._until(self.timeline.now_ms + self.chance.between(self.random.choice(TICK_MS)))
            self._tick()
            self._problem()
            self._doom()
            self._switch_on_again()
            self._operate()
        assert self._events <= EVENTS_MAX, "the storm lacks crashes or takeovers"

    def _stormed_enough(self) -> bool:
        enough = self._crashes >= CRASHES and self._takeovers >= TAKEOVERS
        return self._events >= EVENTS and (enough or self._events > EVENTS_MAX)

    # The market.

    def _tick(self) -> None:
        step = round(self.random.gauss(0, self.plan.volatility))
        homeward = 1 if self._price < PRICE else -1
        quantity = Decimal(self.random.randint(5, 200)) / 10
        self._trade(self._price + (step + homeward) * TICK, quantity)

    def _trade(self, price: Decimal, quantity: Decimal) -> None:
        if self.exchange.halted:
            return
        falling = price < self._price
        self._price = price
        self._events += 1
        self.exchange.trade(self.timeline.now_ms, price, quantity, falling=falling)
        self._trade_id += 1
        seen = Price(self._trade_id, price, self.timeline.now_ms)
        self.network.last_trade = seen
        self.auditor.traded(price)
        for process in self._processes:
            self.timeline.after(self.chance.between((1, 40)), _seen_by(process, seen))

    def _happened(self, event: UserEvent) -> None:
        if isinstance(event, ExecutionReport) and event.order.client_order_id != FOREIGN_ID:
            if event.execution_type == "NEW":
                self.auditor.entered(event.order.client_order_id)
                self._perhaps_cancel_at_once(event.order)
                self._faults.entered(event.order)
            if event.fill is not None and event.order.side is Side.BUY:
                self._faults.bought()
            if event.order.status == "PARTIALLY_FILLED":
                self.tally.count("partial fills")
            self.auditor.look()
        self.network.tell(event)

    def _perhaps_cancel_at_once(self, order: ExchangeOrder) -> None:
        """Let a person be quicker than the reply."""
        if self._impatience.random() >= self.chance.weather.foreign_cancel * IMPATIENT:
            return

        def cancel() -> None:
            now = self.exchange.order(order.client_order_id)
            if now is not None and now.status in OPEN:
                self.chance.count("foreign_cancel", order.side.lower())
                self._cancel(self.timeline.now_ms, order.client_order_id)

        self.timeline.after(AT_ONCE_MS, cancel)

    # What goes wrong.

    def _problem(self) -> None:
        chance = self.chance
        for fault, end in (("expire", self.exchange.expire), ("foreign_cancel", self._cancel)):
            self._end_one(fault, end)
        self._outage()
        if not self.exchange.halted and chance.happens("halt"):
            self.exchange.halt()
            self.timeline.after(chance.between(AWAY_MS), self.exchange.resume)
        if chance.happens("flip"):
            self._flip()
        if chance.happens("change"):
            self._change()
        if self._current is not None and self._current.alive:
            self._trouble_with(self._current)
        self._faults.tick(self._current)
        self._limiting.tick()

    def _outage(self) -> None:
        """Let what a leader needs be away for a time."""
        chance, now_ms = self.chance, self.timeline.now_ms
        if chance.happens("ban"):
            self.network.banned_until_ms = now_ms + chance.between(BANNED_MS)
        if chance.happens("exchange_away"):
            self.network.go_away(now_ms + chance.between(AWAY_MS))
        if chance.happens("maintenance"):
            away_ms = chance.between(MAINTAINED_MS)
            self.network.go_away(now_ms + away_ms)
            self._until(now_ms + away_ms)
        if chance.happens("key_revoked"):
            self.network.revoke(now_ms + chance.between(AWAY_MS))
        if chance.happens("database_down"):
            self.database.go_down(now_ms + chance.between(AWAY_MS))
        if chance.happens("api_server_away"):
            self.cluster.away_until_ms = now_ms + chance.between(AWAY_MS)

    def _trouble_with(self, process: Process) -> None:
        chance = self.chance
        if chance.happens("market_gone"):
            process.market.go()
            self.timeline.after(chance.between(AWAY_MS), process.market.come_back)
        if chance.happens("market_lags"):
            process.market.be_late(chance.between(LATE_PRICES_MS))
            self.timeline.after(chance.between(AWAY_MS), lambda: process.market.be_late(0))
        if chance.happens("market_silent"):
            process.market.fall_silent()
        if process.session is not None and chance.happens("stream_gone"):
            process.session.end_stream("the user data stream ended")
        if process.session is not None and chance.happens("clock_off"):
            process.session.misjudge_clock()
        if chance.happens("terminate"):
            process.stop()

    def _end_one(self, fault: str, end: Callable[[int, str], None]) -> None:
        chance: float = getattr(self.chance.weather, fault)
        if chance <= 0 or self.random.random() >= chance:
            return
        ours = [o for o in self.exchange.open_orders() if o.client_order_id != FOREIGN_ID]
        if ours:
            order = self.random.choice(ours)
            self.chance.count(fault, order.side.lower())
            end(self.timeline.now_ms, order.client_order_id)

    def _cancel(self, now_ms: int, name: str) -> None:
        self.exchange.cancel_by_hand(now_ms, name)
        self.timeline.after(self.chance.between((1_000, 30_000)), self._say_to_go_on)

    # People.

    def _say_to_go_on(self) -> None:
        self.cluster.write(self.cluster.settings)

    def _flip(self) -> None:
        others = [s for s in TradingStatus if s is not self.cluster.settings.status]
        status = self.random.choice(others)
        self.tally.count(f"switched to {status}")
        self.cluster.write(replace(self.cluster.settings, status=status))

    def _switch_on_again(self) -> None:
        """Leave it neither off nor in a shutdown for long: little happens then."""
        chance = ON_AGAIN.get(self.cluster.settings.status, 0)
        if self.random.random() < chance:
            self._ask(TradingStatus.ON)

    def _change(self) -> None:
        random = self.random
        chunks = random.randint(1, 5)
        budget = self.plan.settings.chunk_budget * chunks
        profit = Decimal(random.choice(("0.0005", "0.002")))
        settings = replace(self.cluster.settings, chunks=chunks, budget=budget, profit=profit)
        self.cluster.write(settings)

    # Processes: crashes, freezes, and the operator's part.

    def _operate(self) -> None:
        """Start a pod where one is wanted and none is, as the operator does."""
        if self._current is None and self.cluster.settings.status is not TradingStatus.OFF:
            self._pods += 1
            self._start(f"pod-{self._pods}")

    def _start(self, pod: str) -> None:
        process = Process(self, pod)
        self._processes.append(process)
        self._current = process
        process.start()

    def _doom(self) -> None:
        if self.doom is not None:
            if self._events - self._doomed_since > DOOM_TICKS:
                self.doom = None
        elif self._events >= EVENTS:
            lacking = "crash" if self._crashes < CRASHES else "takeover"
            self._let_happen(Doom(lacking, "", "", self.random.randint(0, 3)))
        elif self.random.random() < DOOM_CHANCE:
            wanted = self.random.choice(AWAITS)
            leg = ""
            if wanted in ORDERING:
                leg = self.random.choice(ORDERS)
            elif wanted in CANCELING:
                leg = self.random.choice(CANCELS)
                self._hurry()
            countdown = self.random.randint(0, 1 if wanted else 12)
            self._let_happen(Doom(self.random.choice(DOOMS), wanted, leg, countdown))

    def _hurry(self) -> None:
        """Shut down in a hurry, so that there is something to cancel."""
        self.cluster.write(
            replace(
                self.cluster.settings,
                status=TradingStatus.SHUTDOWN,
                unfilled_buys=self.random.choice(tuple(UnfilledBuys)),
                deadline_ms=HURRY_MS,
            )
        )

    def _let_happen(self, doom: Doom) -> None:
        self.doom = doom
        self._doomed_since = self._events

    def can_take_over(self, process: Process) -> bool:
        """Return whether another pod may be started in a process's place: it leads."""
        return process is self._current and process.leads

    def strike(self, process: Process, doom: Doom, where: str, leg: str) -> None:
        """Let happen to a process what was to happen at this await."""
        self.doom = None
        self.tally.count(f"{doom.kind} at: {where}")
        self.chance.count(doom.kind, leg)
        self._tell(self.timeline.now_ms, process.pod, doom.kind, {"where": where, "leg": leg})
        if doom.kind == "crash":
            self._crashes += 1
            process.die()
            self.timeline.after(0, process.bury)
            self.timeline.after(self.chance.between(DOWN_MS), lambda: self._restart(process))
            return
        process.freeze()
        if doom.kind == "freeze":
            self.timeline.after(self.chance.between(FROZEN_MS), process.thaw)
            return
        noticed = self.chance.between(NOTICED_MS)
        self.timeline.after(noticed, lambda: self._give_up(process))
        self.timeline.after(noticed + self.chance.between(FROZEN_AFTER_MS), process.thaw)

    def _restart(self, process: Process) -> None:
        """Start a process that died in its pod again, as the kubelet does."""
        self._processes.remove(process)
        successor = Process(self, process.pod)
        self._processes.append(successor)
        if self._current is process:
            self._current = successor
        successor.start()

    def _give_up(self, process: Process) -> None:
        """Take a pod for lost, as the operator does, and start another."""
        if self._current is process:
            self._current = None
            self._operate()

    def claimed(self, process: Process) -> None:
        """Count a takeover: an epoch taken while the last one's process lives."""
        others = [p for p in self._processes if p.alive and p.epoch and p is not process]
        if others:
            self._takeovers += 1

    def ended(self, process: Process) -> None:
        """Take in that a process ended by itself."""
        assert process.ending is not None
        process.bury()
        self._processes.remove(process)
        self._tell(self.timeline.now_ms, process.pod, "ended", {"cause": process.ending.cause})
        self.tally.count(f"process ended: {process.ending.cause}")
        if self._current is process:
            self._current = None

    def said(self, process: Process, event: str, facts: dict[str, Any]) -> None:
        """Take in a line of a leader's story."""
        self.tally.count(f"said: {event}")
        self._tell(self.timeline.now_ms, process.pod, event, facts)

    # Coming to rest.

    def _calm(self) -> None:
        """Stop all faults, give what is lacking, and let what is in doubt be cleared up."""
        self.chance.weather = CALM
        self.doom = None
        self.network.banned_until_ms = self.network.key_until_ms = 0
        self.network.away_until_ms = self.database.down_until_ms = self.cluster.away_until_ms = 0
        self.exchange.resume()
        self._faults.end()
        self._limiting.end()
        self._deposited = self.plan.settings.budget * 5
        self.exchange.deposit(self.timeline.now_ms, self._deposited)
        if self.plan.gives_back:
            self.exchange.give_back(self.timeline.now_ms)
        self._ask(TradingStatus.ON)
        silent_until_ms = self.timeline.now_ms + SILENT_MOST_MS
        for tick in range(LULL_TICKS):
            self._operate()
            self._lull()
            if tick == LULL_TICKS // 2:
                # A superseded process that has nothing to record learns of it by the next wish.
                self._say_to_go_on()
                # Now that what was deleted is gone from the record, too.
                self.database.resume()
        assert not self.database.account.limits, "a limit that is deleted holds"
        process = self._current
        assert process is not None
        assert self._processes == [process], "a superseded process that does not end"
        leader = process.leader
        assert leader is not None, "no term in a calm"
        assert not leader.orders_in_doubt, "a doubt that a calm does not end"
        while process.market.silent:
            assert self.timeline.now_ms < silent_until_ms, "a silent stream that nobody notices"
            self._lull()

    def _halt(self) -> None:
        """Halt everything in the calm, see what becomes of what is open, and let it go on."""
        assert self._current is not None
        calm = HaltedCalm(self, self._current)
        on_limit = self._limiting.halt_all()
        for _ in range(LULL_TICKS):
            self._lull()
        self.tally.count("halts of a calm that were looked at", calm.check(on_limit))
        self._limiting.end()
        for _ in range(LULL_TICKS // 5):
            self._lull()
        self.database.resume()
        assert not self.database.account.limits, "a limit that is deleted holds"
        for _ in range(LULL_TICKS // 5):
            self._lull()

    def _lull(self) -> None:
        self._until(self.timeline.now_ms + LULL_TICK_MS)
        self._tick()

    def _delist(self) -> None:
        """Let the exchange not list the symbol any more, and the leader notice, or not yet."""
        self.exchange.delist(self.timeline.now_ms)
        self.tally.count("symbols delisted")
        for _ in range(self.random.randint(0, LULL_TICKS)):
            self._lull()

    def _can_complete(self) -> bool:
        """Return whether a trader can go on: one whose order is lost waits for a person.

        Where base is gone from the account, any of them may be the one that lacks it.
        """
        leader = self._current.leader if self._current else None
        assert leader is not None
        lost = sum(
            1
            for trader in leader.traders
            if trader.contradiction or any(o.missing_on_exchange for o in trader.orders)
        )
        others_go_on = lost < min(len(leader.traders), leader.settings.chunks)
        return not self.exchange.taken and (not lost or others_go_on)

    def _complete(self) -> None:
        """Let the market go everywhere until enough cycles are complete."""
        end_ms = self.timeline.now_ms + DRAIN_MS
        while self._cycles < CYCLES:
            assert self.timeline.now_ms < end_ms, "cycles that do not complete"
            self._swing()
            self._raise_budget()

    def _swing(self) -> None:
        """Let the price go down and up, further than before, and stay there for a moment.

        Where an order counts as canceled by others, a person says to go on once it is over.
        """
        if self._faults.interrupted:
            self._say_to_go_on()
        self._low *= 1 - FURTHER
        self._high *= 1 + FURTHER
        for price in (self._low // TICK * TICK, self._high // TICK * TICK):
            for _ in range(2):
                self._until(self.timeline.now_ms + 500)
                self._trade(price, Decimal(10_000))

    def _raise_budget(self) -> None:
        """Do as a leader says that cannot buy because of what is carried."""
        leader = self._current.leader if self._current else None
        blockers = [trader.blocker for trader in leader.traders] if leader else []
        if leader and any(b and b.reason is Reason.BUDGET_TOO_SMALL for b in blockers):
            budget = leader.settings.budget + leader.carried_cost
            self.cluster.write(replace(self.cluster.settings, budget=budget))
            self.tally.count("budgets raised because of what is carried")

    @property
    def _cycles(self) -> int:
        results = self.database.rows.results
        return sum(r.state is TraderState.FINISHED and r.reason == "sold" for r in results)

    def _drain(self) -> None:
        """Ask for a shutdown: it ends where the price goes everywhere, or at its deadline.

        What the exchange has lost is not waited for any more at a deadline alone.
        """
        if self.exchange.lost and self.plan.settings.deadline_ms is None:
            settings = replace(self.plan.settings, deadline_ms=HURRY_MS)
            self.plan = replace(self.plan, settings=settings)
        self._ask(TradingStatus.SHUTDOWN)
        limit_ms = self.plan.settings.deadline_ms
        end_ms = self.timeline.now_ms + (DRAIN_MS if limit_ms is None else limit_ms + OVERDUE_MS)
        if self.exchange.delisted:
            end_ms += DENIED_MS
        while self._current is not None:
            assert self.timeline.now_ms < end_ms, "a shutdown that does not end"
            if limit_ms is None:
                self._swing()
            else:
                self._until(self.timeline.now_ms + 1_000)
                self._trade(self._price, Decimal(1))
        assert self.cluster.settings.status is TradingStatus.OFF, "drained, and not off"
        assert self.tally[f"process ended: {Cause.DRAINED}"]
        assert self.database.released, "drained, and not released"

    def _ask(self, status: TradingStatus) -> None:
        self.cluster.write(replace(self.plan.settings, status=status))

    def _count(self) -> None:
        self.tally.count("seeds")
        self.tally.count("market events", self._events)
        self.tally.count("crashes", self._crashes)
        self.tally.count("takeovers", self._takeovers)
        self.tally.count("cycles completed", self._cycles)
        for reason, count in self.auditor.refusals.items():
            self.tally.count(f"buys refused: {reason}", count)
        for row in self.database.rows.orders.values():
            self.tally.count(f"orders {row.state}")
        for result in self.database.rows.results:
            self.tally.count(f"traders {result.state}")
        self._count_money()

    def _count_money(self) -> None:
        rows = self.database.rows
        for row in rows.orders.values():
            for fill in row.fills.values():
                what = fees.described(fill.commission_asset, BASE, QUOTE)
                self.tally.count(f"fee of a {row.intent.side.lower()} in {what}")
        self.tally.count("fees valued late", rows.valued_late)
        self.tally.count("fees without a value", len(rows.unvalued))
        self.tally.count("books that owe base", rows.inventory.carried < 0)
        self.tally.count("dust carried", sum("carried" in result.reason for result in rows.results))


def _seen_by(process: Process, price: Price) -> Callable[[], None]:
    def see() -> None:
        if process.alive:
            process.market.see(price)

    return see

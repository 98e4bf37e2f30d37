"""The exchange behind its protocols: engine and journal, in the order that makes it honest.

What a step changed is in the journal before anyone hears of it: `commit`, then `publish`.
"""

from collections import deque
from collections.abc import Callable, Iterable

from paper_exchange.core.engine import Engine, SymbolStatus
from paper_exchange.core.events import PublicTrade, Step
from paper_exchange.core.market import MarketTrade
from paper_exchange.journal import Journal
from paper_exchange.market.source import MarketEvent

RECENT_TRADES = 1000
"""Public trades per symbol that `trades.recent` can show."""

Clock = Callable[[], int]
"""Wall-clock time in milliseconds."""


class SkewedClock:
    """A clock, and how far the server's own is off it, in milliseconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.skew_ms = 0

    def __call__(self) -> int:
        """Return the server's time."""
        return self._clock() + self.skew_ms


Listener = Callable[[Step], None]


class Venue:
    """One running exchange."""

    def __init__(self, engine: Engine, journal: Journal, clock: Clock) -> None:
        self.engine = engine
        self.journal = journal
        self.clock = clock
        self.ended = False
        self.recent: dict[str, deque[PublicTrade]] = {
            name: deque(maxlen=RECENT_TRADES) for name in engine.symbols
        }
        self._followers: list[Listener] = []
        self._listeners: list[Listener] = []

    @property
    def instance(self) -> str:
        """The random id that this exchange got when its journal was made."""
        return self.journal.header.instance

    def follow(self, follower: Listener) -> None:
        """Have every step from now on as soon as it is on record, before anyone hears of it."""
        self._followers.append(follower)

    def listen(self, listener: Listener) -> None:
        """Have every published step from now on."""
        self._listeners.append(listener)

    def commit(self, step: Step) -> None:
        """Write a step to the journal; raise `JournalError` if that fails."""
        entries = step.essential_entries()
        if entries:
            self.journal.append(step.at, entries)
        for follower in self._followers:
            follower(step)

    def publish(self, step: Step) -> None:
        """Publish a committed step to everyone."""
        for trade in step.trades:
            self.recent[trade.symbol].append(trade)
        for listener in self._listeners:
            listener(step)

    def carry_out(self, step: Step) -> None:
        """Commit a step and publish it."""
        self.commit(step)
        self.publish(step)

    def play(self, events: Iterable[MarketEvent]) -> None:
        """Let a batch of source events happen: one journal line, then what it made public."""
        step = Step(self.clock())
        position = self.engine.state.position
        for event in events:
            step.extend(self._happen(step.at, event))
            position = event.position
        step.extend(self.engine.played(step.at, position))
        self.carry_out(step)

    def trade(self, trade: MarketTrade) -> None:
        """Let one trade happen that no source has (an administrator's)."""
        self.carry_out(self.engine.trade(self.clock(), trade))

    def reset(self) -> None:
        """Remove all orders and trades, and grant the initial balances again."""
        self.carry_out(self.engine.reset(self.clock()))
        for trades in self.recent.values():
            trades.clear()

    def end(self) -> None:
        """Close the market: the source has nothing more to play."""
        self.ended = True
        for name in self.engine.symbols:
            self.engine.status[name] = SymbolStatus.BREAK

    def _happen(self, now: int, event: MarketEvent) -> Step:
        if isinstance(event.event, MarketTrade):
            return self.engine.trade(now, event.event)
        return self.engine.quote(now, event.event)

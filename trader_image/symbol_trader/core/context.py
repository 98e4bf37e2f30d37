"""One event on its way through the leader: what it brought, whom it touched, what it led to."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from symbol_trader.core.decisions import Decision, Request, Said
from symbol_trader.core.orders import TraderId
from symbol_trader.core.quiet import Listeners
from symbol_trader.core.records import RecordChange
from symbol_trader.core.trader import Trader


@dataclass(slots=True)
class EventContext:
    """The moment, the prices that came with it, and the decision that grows.

    `seen` is a price that came just now, None when nothing came, and `listeners` are those to whom
    it matters; `bid` is the best bid where it was asked for just now. `touched` are the traders of
    which something was learned, in that order: they take their next step once everything is
    learned.
    """

    now_ms: int
    seen: Decimal | None = None
    bid: Decimal | None = None
    listeners: Listeners | None = None
    decision: Decision = field(default_factory=Decision)
    touched: dict[TraderId, None] = field(default_factory=dict)

    def say(self, event: str, *, warning: bool = False, **facts: Any) -> None:
        """Add a line to the story."""
        self.decision.said.append(Said(event, facts, warning))

    def change(self, *changes: RecordChange) -> None:
        """Ask the record to note this."""
        self.decision.changes.extend(changes)

    def touch(self, trader: Trader) -> None:
        """Let a trader take its next step once everything is learned."""
        self.touched[trader.trader_id] = None

    def request(self, request: Request) -> None:
        """Ask the exchange, or the record, for this."""
        self.decision.requests.append(request)

    def request_once(self, request: Request) -> None:
        """Ask for this unless the same event has led to it already."""
        if request not in self.decision.requests:
            self.request(request)

"""What one term leaves to the next: the only things that are in no record and must be known."""

from dataclasses import dataclass, field

from symbol_trader.core.leader import Leader
from symbol_trader.core.orders import ClientOrderId, TraderId

DENIALS_NEEDED = 3
"""How often the exchange must deny the symbol, over a time, before it counts as gone."""


@dataclass(slots=True)
class Denials:
    """The answers in a row that the exchange knows no such symbol: one may be its mistake."""

    count: int = 0
    _first_s: float = 0.0

    def add(self, now_s: float) -> None:
        """Count one, at a time in seconds of any steady clock."""
        if not self.count:
            self._first_s = now_s
        self.count += 1

    def clear(self) -> None:
        """Forget them: the exchange knows the symbol."""
        self.count = 0

    def suffice(self, now_s: float, gone_after_ms: int) -> bool:
        """Return whether the symbol was denied often and for long enough."""
        return self.count >= DENIALS_NEEDED and (now_s - self._first_s) * 1000 >= gone_after_ms


@dataclass(slots=True)
class Handover:
    """Facts of this process, from one term to the next."""

    refused: dict[TraderId, str] = field(default_factory=dict)
    """Traders of which the record could not have how they ended, until a person has acted."""
    acknowledged: frozenset[ClientOrderId] = frozenset()
    """Canceled orders for which the word to go on came while no term was in session."""
    denials: Denials = field(default_factory=Denials)
    _interrupted: frozenset[ClientOrderId] = frozenset()
    """Orders that others had canceled as the last term ended."""

    def term_ended(self, leader: Leader) -> None:
        """Keep which orders others canceled: the word to go on may come while nobody trades."""
        orders = leader.interrupted_orders
        self._interrupted = frozenset(order.intent.client_order_id for order in orders)

    def resource_written(self, *, in_session: bool) -> None:
        """Take a person's word: a term in session hears it itself."""
        self.refused.clear()
        if not in_session:
            self.acknowledged |= self._interrupted

    def take_acknowledged(self) -> frozenset[ClientOrderId]:
        """Return what the next term has to note, once."""
        taken, self.acknowledged = self.acknowledged, frozenset()
        return taken

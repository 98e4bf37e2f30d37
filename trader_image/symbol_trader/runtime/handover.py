"""What one term leaves to the next: the only things that are in no record and must be known."""

from dataclasses import dataclass, field

from symbol_trader.core.leader import Leader
from symbol_trader.core.orders import ClientOrderId, TraderId


@dataclass(slots=True)
class Handover:
    """Facts of this process, from one term to the next."""

    refused: dict[TraderId, str] = field(default_factory=dict)
    """Traders of which the record could not have how they ended, until a person has acted."""
    acknowledged: frozenset[ClientOrderId] = frozenset()
    """Canceled orders for which the word to go on came while no term was in session."""
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

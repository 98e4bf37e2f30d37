"""What one term leaves to the next: the only things that are in no record and must be known."""

from dataclasses import dataclass, field

from symbol_trader.core import ids
from symbol_trader.core.leader import Leader
from symbol_trader.core.orders import ClientOrderId, TraderId
from symbol_trader.core.records import Snapshot


@dataclass(slots=True)
class Handover:
    """Facts of this process, from one term to the next."""

    refused: dict[TraderId, str] = field(default_factory=dict)
    """Traders of which the record could not have how they ended, until a person has acted."""
    _settled: frozenset[ClientOrderId] = frozenset()
    """Orders of running traders that a person had settled when the record was loaded last."""

    acknowledged: frozenset[ClientOrderId] = frozenset()
    """Canceled orders for which the word to go on came while no term was in session."""
    _interrupted: frozenset[ClientOrderId] = frozenset()
    """Orders that others had canceled as the last term ended."""

    def loaded(self, snapshot: Snapshot) -> None:
        """Let a trader be tried again of which a person has settled another order since."""
        orders = [order for trader in snapshot.traders for order in trader.orders]
        settled = frozenset(o.intent.client_order_id for o in orders if o.settled_by_person)
        for name in settled - self._settled:
            self.refused.pop(ids.trader_of(name), None)
        self._settled = settled

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

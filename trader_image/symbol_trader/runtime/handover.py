"""What one term leaves to the next because no record holds it."""

from dataclasses import dataclass, field

from symbol_trader.core import ids
from symbol_trader.core.leader import Leader
from symbol_trader.core.orders import ClientOrderId, TraderId
from symbol_trader.core.records import Snapshot

DENIALS_NEEDED = 3
"""How often the exchange must deny the symbol, over a time, before it counts as gone."""

TRADES_AGE_MAX_S = 300.0
"""A reconnect does not read the account's trades again if that was done so lately: it does read all
that its own orders executed, and the next regular look reads the rest."""


@dataclass(slots=True)
class Denials:
    """How often in a row the exchange said that it has no such symbol: once may be its mistake."""

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
    """Traders whose end the record refused, and why, until a person has acted."""
    _settled: frozenset[ClientOrderId] = frozenset()
    """Orders of running traders that a person had settled when the record was loaded last."""
    acknowledged: frozenset[ClientOrderId] = frozenset()
    """Orders that others canceled and a person acknowledged, until the record shows that."""
    denials: Denials = field(default_factory=Denials)
    trades_read_s: float | None = None
    """When the account's trades were read last, by a steady clock."""
    _interrupted: frozenset[ClientOrderId] = frozenset()
    """Orders that others had canceled as the last term ended."""

    def trades_are_known(self, now_s: float) -> bool:
        """Return whether the trades were read so lately that they can wait for a regular look."""
        return self.trades_read_s is not None and now_s - self.trades_read_s <= TRADES_AGE_MAX_S

    def loaded(self, snapshot: Snapshot) -> None:
        """Let a trader be tried again if a person has settled an order of it since.

        An acknowledgement is kept until it is on record: the term that heard it may have ended
        before it was noted.
        """
        orders = [order for trader in snapshot.traders for order in trader.orders]
        settled = frozenset(o.intent.client_order_id for o in orders if o.settled_by_person)
        for name in settled - self._settled:
            self.refused.pop(ids.trader_of(name), None)
        self._settled = settled
        self.acknowledged &= {o.intent.client_order_id for o in orders if not o.acknowledged}

    def term_ended(self, leader: Leader) -> None:
        """Keep which orders others canceled: a person may acknowledge them while nobody trades."""
        self._interrupted = _interrupted(leader)

    def resource_written(self, in_session: Leader | None) -> None:
        """Take a change of the resource as the acknowledgement of all cancels known by now.

        A leader in session hears of the change itself, but its term may end before that is on
        record.
        """
        self.refused.clear()
        self.acknowledged |= _interrupted(in_session) if in_session else self._interrupted


def _interrupted(leader: Leader) -> frozenset[ClientOrderId]:
    return frozenset(order.intent.client_order_id for order in leader.interrupted_orders)

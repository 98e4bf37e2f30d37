"""What is in session: the term, if one is, its mailbox, and what it leaves to the next one."""

from dataclasses import dataclass, field
from decimal import Decimal

from symbol_trader.core.events import PriceSeen
from symbol_trader.core.leader import Leader
from symbol_trader.core.money import ZERO
from symbol_trader.runtime.handover import Handover
from symbol_trader.runtime.mailbox import Mailbox
from symbol_trader.runtime.term import Term


@dataclass(slots=True)
class Session:
    """For those that outlive a term: who trades, and where to bring events."""

    term: Term | None = None
    mailbox: Mailbox = field(default_factory=Mailbox)
    """That of the next term, while none is in session."""
    handover: Handover = field(default_factory=Handover)

    @property
    def leader(self) -> Leader | None:
        """Return the leader that trades."""
        return self.term.leader if self.term else None

    def rebuy_trigger(self) -> Decimal:
        """Return the price below which a rebuy trigger is pulled now, zero where none is armed."""
        return self.leader.quiet_range.low if self.leader else ZERO

    def take_quietly(self, price: Decimal) -> bool:
        """Take in a price from which nothing follows; False says that it has to be brought."""
        return self.term is not None and self.term.take_quietly(price)

    def bring(self, seen: PriceSeen) -> None:
        """Bring a price; between terms nobody waits for one."""
        if self.term is not None:
            self.mailbox.put_nowait(seen)

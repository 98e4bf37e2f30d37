"""The market prices that percent filters measure from, for as long as they are fresh.

They are asked for only where an order may be refused by them: the answer costs request weight, as
much as the refusal would.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from symbol_trader.core.replies import ReferencePrice

FRESH_MS = 60_000
"""For so long a price that was told counts, and one that was not told is not asked for again."""
ANSWER_MS = 10_000
"""After this, a question without an answer is asked again."""


@dataclass(slots=True)
class MarketPrices:
    """What was told of each average, by its minutes (0: the last price)."""

    _told: dict[int, tuple[int, ReferencePrice | None]] = field(default_factory=dict)
    """When an answer came, and what it was."""
    _asked_ms: dict[int, int] = field(default_factory=dict)

    def told(self, minutes: int, price: ReferencePrice | None, now_ms: int) -> None:
        """Take in an answer; None where the exchange does not tell a price."""
        self._told[minutes] = now_ms, price
        self._asked_ms.pop(minutes, None)

    def fresh(self, now_ms: int) -> Mapping[int, ReferencePrice]:
        """Return the prices that may be judged by."""
        told = ((m, price) for m, (at_ms, price) in self._told.items() if now_ms - at_ms < FRESH_MS)
        return {minutes: price for minutes, price in told if price is not None}

    def forget(self) -> None:
        """Have all prices asked for anew: what one of them refused may be judged wrongly by now."""
        self._told.clear()

    def is_untold(self, minutes: int, now_ms: int) -> bool:
        """Return whether the exchange was asked just now and told no price."""
        at_ms, price = self._told.get(minutes, (now_ms - FRESH_MS, None))
        return price is None and now_ms - at_ms < FRESH_MS

    def ask(self, minutes: int, now_ms: int) -> bool:
        """Return whether to ask now; False while an answer may be under way."""
        asked_ms = self._asked_ms.get(minutes)
        if asked_ms is not None and now_ms - asked_ms < ANSWER_MS:
            return False
        self._asked_ms[minutes] = now_ms
        return True

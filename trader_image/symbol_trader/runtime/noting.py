"""Recording changes so that what one trader contradicts does not keep the others from it."""

from collections.abc import Sequence

from symbol_trader.core import ids
from symbol_trader.core.containment import by_trader
from symbol_trader.core.orders import TraderId
from symbol_trader.core.records import RecordChange, RefusedBuy, TraderResult
from symbol_trader.errors import Contradiction
from symbol_trader.ports import Record
from symbol_trader.runtime.metrics import Metrics


class RecordRefuses(Contradiction):
    """The record cannot have how a trader ended; the text says why."""

    def __init__(self, trader_id: TraderId, why: str) -> None:
        super().__init__(why)
        self.trader_id = trader_id


class Notes:
    """Notes changes in the record, and counts them once they are there."""

    def __init__(self, record: Record, metrics: Metrics) -> None:
        """Note in an open record."""
        self._record = record
        self._metrics = metrics

    async def note(self, changes: Sequence[RecordChange]) -> dict[TraderId, str]:
        """Record changes; return the traders whose changes the record refuses, and why.

        Raises `RecordRefuses` where that is how a trader ended.
        """
        parts = by_trader(changes)
        if len(parts) == 1:
            return await self._note_one(*parts.popitem())
        try:
            refused = await self._record.note(changes)
        except Contradiction:
            found = [await self._note_one(*part) for part in parts.items()]
            return {trader_id: why for one in found for trader_id, why in one.items()}
        return self._noted(changes, refused)

    async def _note_one(
        self, trader_id: TraderId, changes: Sequence[RecordChange]
    ) -> dict[TraderId, str]:
        try:
            refused = await self._record.note(changes)
        except Contradiction as exc:
            if any(isinstance(change, TraderResult) for change in changes):
                # It is over in memory, not on record: only a new start knows it again.
                raise RecordRefuses(trader_id, str(exc)) from exc
            return {trader_id: str(exc)}
        return self._noted(changes, refused)

    def _noted(
        self, changes: Sequence[RecordChange], refused: Sequence[RefusedBuy]
    ) -> dict[TraderId, str]:
        """Count what was noted; return the traders whose buys were not, and why."""
        self._metrics.noted(changes)
        return {ids.trader_of(buy.client_order_id): buy.message for buy in refused}

"""Recording changes so that what one trader contradicts does not keep the others from it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class Noted:
    """What the record did not take of some changes."""

    refused: dict[TraderId, str] = field(default_factory=dict)
    """Traders whose changes contradict the record, and why."""
    buys: tuple[RefusedBuy, ...] = ()
    """Buys that a limit or a halt of the account did not allow."""


class Notes:
    """Notes changes in the record, and counts them once they are there."""

    def __init__(self, record: Record, metrics: Metrics) -> None:
        """Note in an open record."""
        self._record = record
        self._metrics = metrics

    async def note(self, changes: Sequence[RecordChange]) -> Noted:
        """Record changes; return what of them the record refuses.

        Raises `RecordRefuses` where that is how a trader ended.
        """
        parts = by_trader(changes)
        if len(parts) == 1:
            return await self._note_one(*parts.popitem())
        try:
            return await self._note(changes)
        except Contradiction:
            found = [await self._note_one(*part) for part in parts.items()]
            return Noted(
                {trader_id: why for one in found for trader_id, why in one.refused.items()},
                tuple(buy for one in found for buy in one.buys),
            )

    async def _note_one(self, trader_id: TraderId, changes: Sequence[RecordChange]) -> Noted:
        try:
            return await self._note(changes)
        except Contradiction as exc:
            if any(isinstance(change, TraderResult) for change in changes):
                # It is over in memory, not on record: only a new start knows it again.
                raise RecordRefuses(trader_id, str(exc)) from exc
            return Noted({trader_id: str(exc)})

    async def _note(self, changes: Sequence[RecordChange]) -> Noted:
        buys = await self._record.note(changes)
        self._metrics.noted(changes)
        self._metrics.over_limit(buys)
        return Noted(buys=buys)

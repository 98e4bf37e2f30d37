"""Which trader a change of the record belongs to: a change that is refused stops only that one."""

from collections.abc import Sequence

from symbol_trader.core import ids
from symbol_trader.core.orders import CancelIntent, Intent, TraderId
from symbol_trader.core.records import (
    CancelChange,
    FeeValued,
    NewTrader,
    RecordChange,
    TraderResult,
)

_OF_A_TRADER = (NewTrader, TraderResult, FeeValued, Intent, CancelIntent)


def trader_of(change: RecordChange) -> TraderId:
    """Return the trader that a change belongs to."""
    if isinstance(change, _OF_A_TRADER):
        return change.trader_id
    name = change.cancel_id if isinstance(change, CancelChange) else change.client_order_id
    return ids.trader_of(name)


def by_trader(changes: Sequence[RecordChange]) -> dict[TraderId, list[RecordChange]]:
    """Part changes by trader; both the traders and the changes of each keep their order."""
    parts: dict[TraderId, list[RecordChange]] = {}
    for change in changes:
        parts.setdefault(trader_of(change), []).append(change)
    return parts

"""What the exchange's fills say of the money of a desk's ended traders."""

from typing import Any

from symbol_trader.core.orders import Side
from unit.core.builders import D
from unit.core.desk import Desk


def fills_of_ended(desk: Desk) -> list[tuple[Side, Any]]:
    """Return all fills of traders that are over, as the exchange has them."""
    ended = {result.trader_id for result in desk.record.results}
    resting = [one for one in desk.book.values() if one.intent.trader_id in ended]
    return [(one.intent.side, fill) for one in resting for fill in one.fills]


def cash_flow(desk: Desk) -> D:
    """Return what the ended traders earned less what they spent, commission in quote included."""
    flow = D(0)
    for side, fill in fills_of_ended(desk):
        flow += fill.quote_quantity if side is Side.SELL else -fill.quote_quantity
        flow -= fill.commission if fill.commission_asset == desk.symbol.quote_asset else D(0)
    return flow


def inventory(desk: Desk) -> D:
    """Return the base asset that the ended traders left, by the exchange's fills."""
    held = D(0)
    for side, fill in fills_of_ended(desk):
        held += fill.quantity if side is Side.BUY else -fill.quantity
        held -= fill.commission if fill.commission_asset == desk.symbol.base_asset else D(0)
    return held


def fee_values(desk: Desk) -> D:
    """Return what the ended traders' commission in third assets is on record to have been worth."""
    ended = {result.trader_id for result in desk.record.results}
    rows = (row for row in desk.record.orders.values() if row.intent.trader_id in ended)
    values = (fill.fee_value for row in rows for fill in row.fills.values())
    return sum((value.value for value in values if value), D(0))

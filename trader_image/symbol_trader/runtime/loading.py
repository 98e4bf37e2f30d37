"""Reading what a leader is made of, besides its record."""

from collections.abc import Callable

from symbol_trader.core.records import Snapshot, Watermark
from symbol_trader.core.symbols import DEFAULT_COMMISSION, GONE, Commission, SymbolInfo, gone
from symbol_trader.errors import UnknownSymbol
from symbol_trader.ports import Exchange, Record
from symbol_trader.runtime.reading import Page, first_watermark


async def describe(
    exchange: Exchange,
    snapshot: Snapshot,
    name: str,
    *,
    age_max_s: float,
    give_up: Callable[[], bool],
) -> tuple[SymbolInfo, Commission]:
    """Read the symbol and the account's commission on it, or take what is no older.

    Where the exchange does not list the symbol any more and `give_up` agrees, a description is made
    from the record, so that its traders can end as held. Raises `UnknownSymbol` otherwise.
    """
    try:
        return await exchange.symbol(age_max_s), await exchange.commission(age_max_s)
    except UnknownSymbol:
        if not give_up():
            raise
    orders = (order for trader in snapshot.traders for order in trader.orders)
    assets = {fill.commission_asset: None for order in orders for fill in order.fills}
    return gone(name, assets), DEFAULT_COMMISSION


async def watermark(
    exchange: Exchange, record: Record, snapshot: Snapshot, symbol: SymbolInfo
) -> tuple[Watermark, Page | None]:
    """Return the trade from which to look on; a record without one begins to look now.

    Returns the newest page of trades, too, where it had to be read for that.
    """
    if snapshot.watermark is not None:
        return snapshot.watermark, None
    page = None
    if symbol.status != GONE and not snapshot.traders:
        page = await exchange.trades(None)
    first = first_watermark(page or ())
    if symbol.status != GONE:
        await record.advance_watermark(first)
    return first, page

"""The best bids of several symbols at once."""

from collections.abc import Collection
from decimal import Decimal
from functools import partial

from symbol_trader.binance import replies, requests
from symbol_trader.binance.errors import RequestRefused
from symbol_trader.binance.requesting import RequestClient


async def best_bids(client: RequestClient, symbols: Collection[str]) -> dict[str, Decimal]:
    """Read the best bids of symbols by one request, without those where none is known.

    A symbol that the exchange does not know spoils the request: then each is asked for alone.
    Raises `Unavailable`.
    """
    try:
        return await _ask(client, symbols)
    except RequestRefused:
        if len(symbols) == 1:
            return {}
    bids: dict[str, Decimal] = {}
    for symbol in symbols:
        bids |= await best_bids(client, [symbol])
    return bids


async def _ask(client: RequestClient, symbols: Collection[str]) -> dict[str, Decimal]:
    parse = partial(replies.best_bids, symbols=symbols)
    return await client.query("ticker.book", requests.books(symbols), parse, private=False)

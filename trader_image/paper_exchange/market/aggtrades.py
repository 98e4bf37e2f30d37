"""The aggTrades CSV: id, price, quantity, first id, last id, time, buyer is maker (or seller).

Lines of Binance's public dumps have an eighth column, which is ignored, and times in microseconds
since 2025; a header line is optional.
"""

from collections.abc import Iterator
from pathlib import Path

from paper_exchange.core.market import MarketTrade
from paper_exchange.market.files import lines
from paper_exchange.market.source import SourceError, number

_FIELDS = (7, 8)
_MICROSECONDS_FROM = 10**14
"""Larger times are microseconds: as milliseconds they would lie in the year 5138."""
_BOOLEANS = {"true": True, "false": False}


def read(path: Path, symbol: str) -> Iterator[tuple[int, MarketTrade]]:
    """Yield (time in milliseconds, trade); raise `SourceError` for a line that is not one."""
    for count, line in lines(path):
        if count == 1 and line.startswith("agg_trade_id"):
            continue
        try:
            yield _parse(line, symbol)
        except (ValueError, KeyError) as exc:
            raise SourceError(f"{path}:{count}: not an aggregate trade: {line!r:.120}") from exc


def _parse(line: str, symbol: str) -> tuple[int, MarketTrade]:
    row = line.split(",")
    if len(row) not in _FIELDS:
        raise ValueError(line)
    price, quantity, time = number(row[1]), number(row[2]), int(row[5])
    if not (price and quantity and time > 0):
        raise ValueError(line)
    milliseconds = time // 1000 if time >= _MICROSECONDS_FROM else time
    return milliseconds, MarketTrade(symbol, price, quantity, _BOOLEANS[row[6].lower()])

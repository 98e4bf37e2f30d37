"""Binance's CSVs of trades, single or aggregated, as the API has them and as they are published.

    aggTrades  id, price, quantity, first id, last id, time, buyer is maker[, best match]
    trades     id, price, quantity, quote quantity, time, buyer is maker[, best match]

Times are milliseconds, in what has been published since 2025 microseconds; a header line is
optional.
"""

from collections.abc import Iterator
from pathlib import Path

from paper_exchange.core.market import MarketTrade
from paper_exchange.market.files import lines
from paper_exchange.market.source import SourceError, number

_HEADERS = ("agg_trade_id", "id,")
_FIELDS = (6, 7, 8)
_TIME, _AGGREGATE_TIME = 4, 5
"""Where a trade's time is, and where an aggregate's."""
_MICROSECONDS_FROM = 10**14
"""Larger times are microseconds: as milliseconds they would lie in the year 5138."""
_BOOLEANS = {"true": True, "false": False}


def read(path: Path, symbol: str) -> Iterator[tuple[int, MarketTrade]]:
    """Yield (time in milliseconds, trade); raise `SourceError` for a line that is not one."""
    for count, line in lines(path):
        if count == 1 and line.startswith(_HEADERS):
            continue
        try:
            yield _parse(line, symbol)
        except (ValueError, KeyError, IndexError) as exc:
            raise SourceError(f"{path}:{count}: not a trade: {line!r:.120}") from exc


def _parse(line: str, symbol: str) -> tuple[int, MarketTrade]:
    row = line.split(",")
    if len(row) not in _FIELDS:
        raise ValueError(line)
    at = _TIME if row[_AGGREGATE_TIME].lower() in _BOOLEANS else _AGGREGATE_TIME
    price, quantity, time = number(row[1]), number(row[2]), int(row[at])
    if not (price and quantity and time > 0):
        raise ValueError(line)
    milliseconds = time // 1000 if time >= _MICROSECONDS_FROM else time
    return milliseconds, MarketTrade(symbol, price, quantity, _BOOLEANS[row[at + 1].lower()])

"""A recording as a source: files in order, checked whole before the market opens."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path

from paper_exchange.core.market import MarketQuote, MarketTrade
from paper_exchange.core.money import decimals
from paper_exchange.core.symbols import Symbol, symbol_of
from paper_exchange.market import aggtrades, mirror, rawstream
from paper_exchange.market.files import lines
from paper_exchange.market.source import MarketEvent, Prices, SourceError

Timed = tuple[int, MarketTrade | MarketQuote]


@dataclass(slots=True)
class Summary:
    """What one pass over a recording finds out about a symbol."""

    price_decimals: int = 0
    quantity_decimals: int = 0
    quantities: Counter[Decimal] = field(default_factory=Counter)
    first: Decimal | None = None
    last: Decimal | None = None

    def add(self, trade: MarketTrade) -> None:
        """Take one trade into account."""
        self.price_decimals = max(self.price_decimals, decimals(trade.price))
        self.quantity_decimals = max(self.quantity_decimals, decimals(trade.quantity))
        self.quantities[trade.quantity] += 1
        self.first = self.first or trade.price
        self.last = trade.price

    def median(self) -> Decimal:
        """Return the median trade quantity."""
        middle = (self.quantities.total() + 1) // 2
        seen = 0
        for quantity in sorted(self.quantities):
            seen += self.quantities[quantity]
            if seen >= middle:
                return quantity
        raise AssertionError("a summary is asked for its median after a trade")


class Recording:
    """Recorded trades (and quotes) of one or more files, played once or in a loop."""

    has_market = True

    def __init__(
        self, paths: tuple[Path, ...], symbol: str | None = None, *, loop: bool = False
    ) -> None:
        """Read everything once; raise `SourceError` for what cannot be played."""
        self._paths = paths
        self._symbol = symbol
        self._loop = loop
        self._summaries, self._count, self._start, self._end, self.trades_only = self._survey()
        self.symbols: tuple[Symbol, ...] = tuple(
            symbol_of(name, found.price_decimals, found.quantity_decimals)
            for name, found in self._summaries.items()
        )
        self.typical_trade: Mapping[str, Decimal] = {
            name: found.median() for name, found in self._summaries.items()
        }
        names = ",".join(path.name for path in paths)
        self.name = f"recording {names} events={self._count} start={self._start} loop={loop}"

    def play(self, position: int, prices: Prices) -> Iterator[MarketEvent]:  # noqa: ARG002 - the protocol has it
        """Yield the events after `position`; in a loop, every second pass is mirrored."""
        while self._loop or position < self._count:
            turn, within = divmod(position, self._count)
            shift = turn * (self._end - self._start + 1)
            for time, event in islice(self._events(), within, None):
                position += 1
                played = mirror.turned(event, self._centres()) if turn % 2 else event
                yield MarketEvent(position, time + shift, played)

    def _centres(self) -> mirror.Centres:
        return {
            symbol.name: mirror.Centre(
                self._summaries[symbol.name].first or Decimal(1),
                self._summaries[symbol.name].last or Decimal(1),
                symbol.filters.tick_size,
            )
            for symbol in self.symbols
        }

    def _events(self) -> Iterator[Timed]:
        return chain.from_iterable(map(self._read, self._paths))

    def _read(self, path: Path) -> Iterator[Timed]:
        first = next(lines(path), None)
        if first is None:
            raise SourceError(f"{path}:1: the recording is empty")
        if rawstream.looks_like(first[1]):
            return rawstream.read(path)
        if self._symbol is None:
            raise SourceError(f"{path}: a CSV does not say its symbol: name it")
        return aggtrades.read(path, self._symbol)

    def _survey(self) -> tuple[dict[str, Summary], int, int, int, bool]:
        summaries: dict[str, Summary] = {}
        start, end, count, quotes = 0, 0, 0, 0
        for time, event in self._events():
            count += 1
            start, end = start or time, max(end, time)
            if isinstance(event, MarketTrade):
                summaries.setdefault(event.symbol, Summary()).add(event)
            else:
                quotes += 1
        if not summaries:
            raise SourceError(f"{', '.join(map(str, self._paths))}: no trade in the recording")
        return summaries, count, start, end, quotes == 0

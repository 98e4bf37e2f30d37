"""Candlesticks of public trades, by the clock that fills are told in, in bounded memory.

Seconds are kept for an hour and minutes for a day; longer intervals are made of the minutes.  An
interval in which nothing traded repeats the price before it, as Binance shows it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

from paper_exchange.core.money import ZERO, divide_down, times

SECOND = 1_000
MINUTE = 60 * SECOND
INTERVALS = {
    "1s": SECOND,
    "1m": MINUTE,
    "3m": 3 * MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "1h": 60 * MINUTE,
    "1d": 1440 * MINUTE,
}
"""The length of each interval in milliseconds."""

KEPT = {SECOND: 3600, MINUTE: 1440}
"""How many candles are kept, by their length in milliseconds."""


@dataclass(slots=True)
class Candle:
    """What was traded from `start` (wall-clock milliseconds) on, for the length of an interval."""

    start: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    quote_volume: Decimal = ZERO
    trades: int = 0
    bought: Decimal = ZERO
    quote_bought: Decimal = ZERO
    """Of the volumes, what buyers took from resting sellers."""

    def add(self, later: "Candle") -> None:
        """Take in a later part of the interval."""
        self.high, self.low = max(self.high, later.high), min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.quote_volume += later.quote_volume
        self.trades += later.trades
        self.bought += later.bought
        self.quote_bought += later.quote_bought


class Candles:
    """One symbol's candlesticks."""

    def __init__(self) -> None:
        self._kept: dict[int, dict[int, Candle]] = {length: {} for length in KEPT}

    def trade(self, time: int, price: Decimal, quantity: Decimal, *, buyer_is_maker: bool) -> None:
        """Take in a public trade; times never go back by more than their second."""
        value = times(price, quantity)
        taken = (ZERO, ZERO) if buyer_is_maker else (quantity, value)
        for length, kept in self._kept.items():
            start = time - time % length
            one = Candle(start, price, price, price, price, quantity, value, 1, *taken)
            if start in kept:
                kept[start].add(one)
            else:
                kept[start] = one
                if len(kept) > KEPT[length]:
                    del kept[next(iter(kept))]

    @property
    def empty(self) -> bool:
        """Return whether nothing has traded."""
        return not self._kept[MINUTE]

    def average(self, now: int, minutes: int) -> Decimal | None:
        """Return the price of the last minutes, weighted by volume; None if nothing traded then."""
        length = SECOND if minutes * MINUTE <= KEPT[SECOND] * SECOND else MINUTE
        since = now - minutes * MINUTE
        volume = value = ZERO
        for candle in reversed(self._kept[length].values()):
            if candle.start < since:
                break
            volume, value = volume + candle.volume, value + candle.quote_volume
        return divide_down(value, volume) if volume else None

    def of(self, length: int) -> Iterator[Candle]:
        """Yield the candles of an interval's length in order, without those that had no trade."""
        part = SECOND if length < MINUTE else MINUTE
        merged: Candle | None = None
        for candle in self._kept[part].values():
            start = candle.start - candle.start % length
            if merged and merged.start == start:
                merged.add(candle)
                continue
            if merged:
                yield merged
            merged = _copy(candle, start)
        if merged:
            yield merged


def flat(start: int, price: Decimal) -> Candle:
    """Return the candle of an interval without trades."""
    return Candle(start, price, price, price, price)


def page(
    candles: Iterable[Candle],
    length: int,
    *,
    start: int | None,
    end: int,
    limit: int,
    before: Decimal | None = None,
) -> list[Candle]:
    """Return the candles that open from `start` to `end`, without gaps.

    The oldest `limit` of them if `start` is given, else the newest.  `before` is the price before
    the first candle; None: nothing is shown before it.
    """
    known = {candle.start: candle for candle in candles}
    last = end - end % length
    first = last - (limit - 1) * length if start is None else -(-start // length) * length
    price = before
    for candle in known.values():
        if candle.start < first:
            price = candle.close
    if price is None:
        first = max(first, min(known, default=last + length))
    opens = range(first, last + 1, length)
    return list(islice(_filled(opens, known, price), limit))


def _filled(
    opens: Iterable[int], known: dict[int, Candle], price: Decimal | None
) -> Iterator[Candle]:
    for start in opens:
        found = known.get(start)
        if found:
            price = found.close
            yield found
        elif price is not None:
            yield flat(start, price)


def _copy(candle: Candle, start: int) -> Candle:
    merged = flat(start, candle.open)
    merged.add(candle)
    return merged

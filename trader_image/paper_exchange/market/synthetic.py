"""A seeded synthetic market: mean-reverting random walks, a function of seed and step.

Each step trades one symbol.  Its price is shaken by a random step and pulled towards a target
that changes every few seconds and lies at random above or below the symbol's mean price.  The
mean itself rises for hours and then falls back: in a market that never rises above its old highs,
whatever was bought there could never be sold.  The next price depends on the last one and on the
step's number alone, so the market goes on where it stopped.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from paper_exchange.core.market import MarketTrade
from paper_exchange.core.money import floor_to, round_tick
from paper_exchange.core.seeded import draw, draws
from paper_exchange.core.symbols import Symbol, symbol_at
from paper_exchange.market.source import MarketEvent, Prices

USD = {
    "BTC": Decimal(60000), "ETH": Decimal(3000), "BNB": Decimal(500), "SOL": Decimal(150),
    "XRP": Decimal("0.5"), "ADA": Decimal("0.4"), "DOGE": Decimal("0.12"), "DOT": Decimal(6),
    "LTC": Decimal(80), "LINK": Decimal(14), "AVAX": Decimal(28), "TRX": Decimal("0.12"),
    "EUR": Decimal("1.1"), "GBP": Decimal("1.3"),
    "TRY": Decimal("0.03"), "BRL": Decimal("0.2"), "JPY": Decimal("0.007"),
}  # fmt: skip
"""Reference prices in US dollars; other base assets get a seeded one, other quotes are dollars."""

TRADE_IN_MINIMA = Decimal(6)
"""Mean value of a trade, as a multiple of the symbol's least order value."""


@dataclass(frozen=True, slots=True)
class Walk:
    """How lively the market is.  Fractions are of the mean price.

    The defaults swing by 1 % and more within seconds: enough for buy-low-sell-high cycles at
    0.1 % intervals and 0.1 % fees, with dips that call for several traders.
    """

    rate: Decimal = Decimal(4)
    """Trades per second and symbol."""
    shake: Decimal = Decimal("0.0010")
    """Largest random step of one trade."""
    pull: Decimal = Decimal("0.15")
    """Share of the distance to the target that a trade makes up."""
    swing: Decimal = Decimal("0.015")
    """Largest distance of a target from the mean."""
    period: int = 16
    """Trades until the target changes."""
    trend: Decimal = Decimal("0.006")
    """Rise of the mean in a minute, as a fraction of the reference price."""
    rise: int = 240
    """Minutes for which the mean rises."""
    fall: int = 20
    """Minutes in which it falls back to the reference price."""

    def mean(self, turn: int) -> Decimal:
        """Return the mean price of a turn, as a multiple of the reference price."""
        minute = Decimal(turn) / (self.rate * 60) % (self.rise + self.fall)
        risen = min(minute, (self.rise + self.fall - minute) * self.rise / self.fall)
        return 1 + self.trend * risen


class Synthetic:
    """A synthetic market of any symbols."""

    trades_only = True
    has_market = True

    def __init__(self, names: tuple[str, ...], seed: int, walk: Walk | None = None) -> None:
        self._seed = seed
        self._walk = walk or Walk()
        self._references = {name: reference_price(name, seed) for name in names}
        self.symbols = tuple(symbol_at(name, self._references[name]) for name in names)
        self.name = f"synthetic seed={seed} symbols={','.join(names)} {self._walk}"
        self.typical_trade: Mapping[str, Decimal] = {
            symbol.name: self._quantity(symbol, Decimal("0.5")) for symbol in self.symbols
        }

    def play(self, position: int, prices: Prices) -> Iterator[MarketEvent]:
        """Yield trades without end, symbol after symbol."""
        while True:
            position += 1
            symbol = self.symbols[position % len(self.symbols)]
            dice = draws(self._seed, symbol.name, position)
            last = prices(symbol.name) or self._references[symbol.name]
            price = self._next(symbol, last, position // len(self.symbols), dice[0])
            falls = price < last or (price == last and dice[1] < Decimal("0.5"))
            trade = MarketTrade(symbol.name, price, self._quantity(symbol, dice[2]), falls)
            yield MarketEvent(position, self._time(position, dice[3]), trade)

    def _next(self, symbol: Symbol, last: Decimal, turn: int, dice: Decimal) -> Decimal:
        mean = self._references[symbol.name] * self._walk.mean(turn)
        target = mean * (1 + self._deviation(symbol.name, turn))
        shake = mean * self._walk.shake * (2 * dice - 1)
        moved = last + (target - last) * self._walk.pull + shake
        return round_tick(max(moved, mean / 2), symbol.filters.tick_size, up=False)

    def _deviation(self, name: str, turn: int) -> Decimal:
        """How far from the mean, as a fraction, the symbol is drawn at this turn."""
        return self._walk.swing * (2 * draw(self._seed, name, turn // self._walk.period) - 1)

    def _quantity(self, symbol: Symbol, dice: Decimal) -> Decimal:
        """Quantity of a trade: many small ones, few large ones (a square keeps it exact)."""
        value = symbol.filters.min_notional * TRADE_IN_MINIMA * 3 * dice * dice
        step = symbol.filters.step_size
        return max(step, floor_to(value / self._references[symbol.name], step))

    def _time(self, position: int, dice: Decimal) -> int:
        """Market time of a step in milliseconds: even spacing with jitter, never going back."""
        spacing = Decimal(1000) / (self._walk.rate * len(self.symbols))
        return int(spacing * (position + dice))


def reference_price(name: str, seed: int) -> Decimal:
    """Return the price that a symbol's walk returns to."""
    base, quote = symbol_at(name, Decimal(1)).base, symbol_at(name, Decimal(1)).quote
    dollars = USD.get(base)
    if dollars is None:
        dice = draws(seed, base, "reference")
        dollars = (1 + 9 * dice[0]).scaleb(int(dice[1] * 4) - 1)
    price = dollars / USD.get(quote, Decimal(1))
    return round(price, 4 - price.adjusted())

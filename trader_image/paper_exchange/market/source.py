"""What a market source is: a numbered sequence of outside market events, playable from anywhere."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Protocol

from paper_exchange.core.market import MarketQuote, MarketTrade
from paper_exchange.core.money import ASSET_DECIMALS, ZERO, decimals
from paper_exchange.core.symbols import Symbol

Prices = Callable[[str], Decimal | None]
"""The last outside price of a symbol, as the exchange knows it."""


class SourceError(Exception):
    """A recording that cannot be played; the message names the file and line."""


def number(text: str) -> Decimal:
    """Read a recorded price or quantity; raise `ValueError` unless it is exact and not negative."""
    try:
        value = Decimal(text)
    except InvalidOperation as exc:
        raise ValueError(text) from exc
    written = len(text.rpartition(".")[2])  # an upper bound; counting exactly is slower
    if not value.is_finite() or value < ZERO:
        raise ValueError(text)
    if written > ASSET_DECIMALS and decimals(value) > ASSET_DECIMALS:
        raise ValueError(text)
    return value


@dataclass(frozen=True, slots=True)
class MarketEvent:
    """One event of a source: its number from 1, its market time in milliseconds."""

    position: int
    time: int
    event: MarketTrade | MarketQuote


class Source(Protocol):
    """An outside market."""

    @property
    def name(self) -> str:
        """What identifies the source: a position is valid for the same name only."""

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """The symbols that it trades."""

    @property
    def trades_only(self) -> bool:
        """Return whether it shows trades but no quotes."""

    @property
    def has_market(self) -> bool:
        """Return whether it trades at all by itself."""

    @property
    def typical_trade(self) -> Mapping[str, Decimal]:
        """The median quantity of a trade, by symbol."""

    def play(self, position: int, prices: Prices) -> Iterator[MarketEvent]:
        """Yield the events after `position`, in order; ends where the source ends."""


@dataclass(frozen=True, slots=True)
class Manual:
    """No outside market: prices move by the administrator's trades alone."""

    symbols: tuple[Symbol, ...]
    name: str = "manual"
    trades_only: bool = True
    has_market: bool = False
    typical_trade: Mapping[str, Decimal] = field(default_factory=dict)

    def play(self, position: int, prices: Prices) -> Iterator[MarketEvent]:  # noqa: ARG002 - the protocol has it
        """Yield nothing."""
        return iter(())

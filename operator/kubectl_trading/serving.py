"""What no operator serves, as far as the cluster shows it. Pure.

An operator takes up within seconds what is asked of a symbol, and ends a leader pod whose symbol
is gone. Where neither happens, the namespace is on no operator's list, or its operator does not
run or lacks the rights. And while it serves a namespace it renews its claim to it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kubectl_trading.symbols import Symbol

TAKEN_UP_WITHIN: Final = timedelta(seconds=60)
"""Longest time that an operator may take, with a thousand symbols and a restart in between."""


@dataclass(frozen=True, slots=True)
class Leader:
    """A leader pod that is not terminating."""

    namespace: str
    pod: str
    symbol: str
    """Name of its TradingSymbol."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An installation's claim to a namespace."""

    namespace: str
    holder: str
    renewed_at: datetime
    lasts: timedelta

    @property
    def lapses_at(self) -> datetime:
        """When it counts no more, unless it is renewed."""
        return self.renewed_at + self.lasts


def lapsed(claims: Iterable[Claim], symbols: Iterable[Symbol], now: datetime) -> list[str]:
    """Return a line for each namespace with symbols that was served, and is not any more.

    The clocks of the operator and of the API server may differ, so a lapse has to last.
    """
    inhabited = {symbol.namespace for symbol in symbols}
    return [
        f"{claim.namespace}: nobody serves this namespace: {claim.holder} did until "
        f"{(now - claim.renewed_at).total_seconds() // 60:.0f} min ago"
        for claim in claims
        if claim.namespace in inhabited and now - claim.lapses_at > TAKEN_UP_WITHIN
    ]


def unserved(symbols: Iterable[Symbol], now: datetime) -> list[str]:
    """Return a line for each symbol of which something was asked that nobody takes up."""
    return [
        f"{symbol.namespace}/{symbol.name}: no operator has taken up what was asked of it "
        f"{waits.total_seconds() // 60:.0f} min ago: nobody serves namespace {symbol.namespace}"
        for symbol in symbols
        if (waits := _waits(symbol, now)) > TAKEN_UP_WITHIN
    ]


def abandoned(leaders: Iterable[Leader], symbols: Iterable[Symbol]) -> set[Leader]:
    """Return the leader pods whose symbol is gone: an operator would have ended them."""
    there = {(symbol.namespace, symbol.name) for symbol in symbols}
    return {leader for leader in leaders if (leader.namespace, leader.symbol) not in there}


def about(leader: Leader) -> str:
    """Return the line for a leader pod that nobody ends."""
    return (
        f"{leader.namespace}/{leader.pod}: a leader runs though TradingSymbol {leader.symbol} is "
        f"gone, and no operator ends it: nobody serves namespace {leader.namespace}"
    )


def _waits(symbol: Symbol, now: datetime) -> timedelta:
    if symbol.seen or symbol.changed_at is None:
        return timedelta()
    return now - symbol.changed_at

"""Which market the paper exchange plays, and how much is put into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from demo.recording import Recording

DEFAULT_SYMBOL = "XRPUSDT"
FOLDER = "/data/recordings"
"""On the exchange's volume: recordings, and a journal for each."""
PLAYED_IN = 360
"""Seconds that a recording takes if no speed is asked for."""
CHUNKS = 5
MAX_BUY_AGE = "1m"
"""Where the price rises and never comes back, the demonstration buys again."""
BUDGETS = {"BTC": "0.1", "ETH": "1", "BNB": "1"}
"""By quote asset; every other one is money."""
BUDGET = "100"


@dataclass(frozen=True, slots=True)
class Market:
    """A market, as the exchange is told to play it."""

    symbol: str
    title: str
    """For a person."""
    arguments: tuple[str, ...]
    """Added to `paper-exchange serve`, where a later argument counts."""


def synthetic(symbol: str | None, speed: Decimal | None) -> Market:
    """Play the overlay's seeded market."""
    arguments = () if speed is None else (f"--speed={speed}",)
    return Market(symbol or DEFAULT_SYMBOL, "synthetic", arguments)


def recorded(recording: Recording, speed: Decimal | None, *, loop: bool) -> Market:
    """Play a recording; the exchange has a journal, and so an account, for each.

    So neither markets nor books mix, and a recording goes on where it was left.
    """
    rate = speed or max(1, round(recording.seconds / PLAYED_IN))
    return Market(
        recording.symbol,
        f"{recording.name} at {rate} times its speed" + (", again and again" if loop else ""),
        (
            f"--recording={place(recording)}",
            f"--symbol={recording.symbol}",
            f"--speed={rate}",
            f"--journal={FOLDER}/{recording.digest}-{recording.symbol}.jsonl",
            # It begins when there is a leader, however long that takes on this machine.
            "--paused",
            *(["--loop"] if loop else []),
        ),
    )


def place(recording: Recording) -> str:
    """Where the exchange finds a recording."""
    return f"{FOLDER}/{recording.digest}"


def resource(symbol: str, namespace: str) -> Mapping[str, object]:
    """Make the TradingSymbol, switched on."""
    budget = next((BUDGETS[quote] for quote in BUDGETS if symbol.endswith(quote)), BUDGET)
    return {
        "apiVersion": "tradingsymbol.dev/v1alpha1",
        "kind": "TradingSymbol",
        "metadata": {"name": symbol.lower(), "namespace": namespace},
        "spec": {"status": "on", "budget": budget, "chunks": CHUNKS, "maxBuyAge": MAX_BUY_AGE},
    }

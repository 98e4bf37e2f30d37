"""The raw combined-stream recording: `<receive time, ns> <JSON as received>` per line.

Trades and best quotes are used, other streams and snapshots are passed over.  Market time is the
payloads' own (`T`): the recorder's clock may have been off.  A quote has no time of its own and
happens at the time of the latest payload before it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from paper_exchange.core.market import MarketQuote, MarketTrade
from paper_exchange.market.files import lines
from paper_exchange.market.source import SourceError, number


def read(path: Path) -> Iterator[tuple[int, MarketTrade | MarketQuote]]:
    """Yield (time in milliseconds, event); quotes before the file's first trade are left out."""
    time = 0
    for count, line in lines(path):
        try:
            payload = _payload(line)
            if payload is None:
                continue
            time = max(time, payload.get("T", 0))
            event = _event(payload)
            if time:
                yield time, event
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise SourceError(
                f"{path}:{count}: not a recorded stream message: {line!r:.120}"
            ) from exc


def looks_like(line: str) -> bool:
    """Return whether a file's first line is of this format."""
    stamp, _, rest = line.partition(" ")
    return stamp.isdigit() and rest.startswith("{")


def _payload(line: str) -> dict[str, Any] | None:
    stamp, _, text = line.partition(" ")
    if not stamp.isdigit() or not text.endswith("}"):
        raise ValueError(line)
    if not ('@trade"' in text[:64] or '@bookTicker"' in text[:64]):
        return None
    payload: dict[str, Any] = json.loads(text)["data"]
    return payload


def _event(payload: dict[str, Any]) -> MarketTrade | MarketQuote:
    symbol = payload["s"]
    if payload.get("e") == "trade":
        price, quantity = number(payload["p"]), number(payload["q"])
        if not (price and quantity):
            raise ValueError(payload)
        return MarketTrade(symbol, price, quantity, bool(payload["m"]))
    return MarketQuote(symbol, *(number(payload[key]) for key in ("b", "B", "a", "A")))

"""How often a leader may order, whatever happens."""

from collections import deque
from collections.abc import Callable
from itertools import islice

ORDERS_MOST = {1_000: 20, 10_000: 60}
"""Orders intended within so many milliseconds. When the price leaps, each of five traders sells,
buys and sells again in a second, and some lose an order to self-trade prevention. At a deadline,
five traders that offer what they have each second need fifty in ten seconds."""


class OrderRate:
    """Counts intents. A complaint is an `AssertionError`."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._intents: deque[int] = deque(maxlen=max(ORDERS_MOST.values()) + 1)

    def intended(self) -> None:
        """Take in an intent."""
        self._intents.append(self._now_ms())
        for within_ms, most in ORDERS_MOST.items():
            recent = list(islice(reversed(self._intents), most + 1))
            storm = len(recent) > most and recent[0] - recent[-1] < within_ms
            assert not storm, f"more than {most} orders within {within_ms} ms"

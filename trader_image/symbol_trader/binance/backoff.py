"""How long to wait before the next attempt."""

from collections.abc import Callable, Iterator

_DOUBLINGS_MAX = 32
"""Keeps the power of two small; no sensible limit is that many doublings away."""


def delays(first_s: float, limit_s: float, random: Callable[[], float]) -> Iterator[float]:
    """Yield seconds without end: each anything up to a bound that doubles up to the limit.

    `random` returns numbers in [0, 1). The full jitter spreads clients that were cut off together
    over the whole time in which they come back.
    """
    doublings = 0
    while True:
        full = min(first_s * 2**doublings, limit_s)
        yield full * random()
        doublings = min(doublings + 1, _DOUBLINGS_MAX)

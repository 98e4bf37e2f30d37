"""How long to wait before the next attempt."""

from collections.abc import Callable, Iterator

_DOUBLINGS_MAX = 32
"""Keeps the power of two small; no sensible limit is that many doublings away."""


def delays(first_s: float, limit_s: float, random: Callable[[], float]) -> Iterator[float]:
    """Yield seconds without end: doubling up to the limit, each cut to between half and all of it.

    `random` returns numbers in [0, 1). The jitter keeps clients that were cut off together from
    coming back together.
    """
    doublings = 0
    while True:
        full = min(first_s * 2**doublings, limit_s)
        yield full * (1 + random()) / 2
        doublings = min(doublings + 1, _DOUBLINGS_MAX)

"""Randomness as a function of a seed and a name: the same question always has the same answer."""

from decimal import Decimal
from hashlib import blake2b

_SCALE = 2**32


def draw(seed: int, *name: str | int) -> Decimal:
    """Return the number in [0, 1) that belongs to this seed and name."""
    return draws(seed, *name)[0]


def draws(seed: int, *name: str | int) -> tuple[Decimal, ...]:
    """Return eight independent numbers in [0, 1) that belong to this seed and name."""
    text = "\x1f".join([str(seed), *map(str, name)])
    digest = blake2b(text.encode(), digest_size=32).digest()
    words = (int.from_bytes(digest[at : at + 4], "big") for at in range(0, 32, 4))
    return tuple(Decimal(word) / _SCALE for word in words)

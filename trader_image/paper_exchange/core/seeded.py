"""Randomness as a function of a seed and a name: the same question always has the same answer."""

from decimal import Decimal
from hashlib import blake2b

_SCALE = 2**32


def draw(seed: int, *name: str | int) -> Decimal:
    """Return the number in [0, 1) that belongs to this seed and name."""
    return _number(_digest(seed, name), 0)


def draws(seed: int, *name: str | int) -> tuple[Decimal, ...]:
    """Return eight independent numbers in [0, 1) that belong to this seed and name."""
    digest = _digest(seed, name)
    return tuple(_number(digest, at) for at in range(0, 32, 4))


def _digest(seed: int, name: tuple[str | int, ...]) -> bytes:
    text = "\x1f".join([str(seed), *map(str, name)])
    return blake2b(text.encode(), digest_size=32).digest()


def _number(digest: bytes, at: int) -> Decimal:
    return Decimal(int.from_bytes(digest[at : at + 4], "big")) / _SCALE

"""Client order ids: recognisable as ours, never used twice, never taken from a database sequence.

`tsym-<installation>-<trader>-<leg><attempt>` and, for a cancel of that order, a further `c<n>`.
The installation is random and written by the first migration; the trader carries 64 random bits.
Binance allows `^[a-zA-Z0-9-_]{1,36}$` and checks uniqueness among *open* orders only, so the
uniqueness over all time is ours to keep.
"""

import re

from symbol_trader.core.orders import ClientOrderId, Side, TraderId

PREFIX = "tsym"
MAX_LENGTH = 36
INSTALLATION_LENGTH = 6
TRADER_BITS = 64
ALPHABET = "0123456789abcdefghijklmnopqrstuv"
"""Base 32: 13 digits hold 64 bits."""

_TRADER_DIGITS = 13
_LEGS = {Side.BUY: "b", Side.SELL: "s"}
_OURS = re.compile(
    rf"{PREFIX}-[0-9a-v]{{{INSTALLATION_LENGTH}}}-[0-9a-v]{{{_TRADER_DIGITS}}}-[bs][0-9]+(c[0-9]+)?"
)


def trader_id(bits: int) -> TraderId:
    """Name a trader after 64 random bits."""
    digits = []
    for _ in range(_TRADER_DIGITS):
        bits, digit = divmod(bits, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return TraderId("".join(reversed(digits)))


def client_order_id(installation: str, trader: TraderId, side: Side, attempt: int) -> ClientOrderId:
    """Name the `attempt`-th order of a trader's leg."""
    return ClientOrderId(f"{PREFIX}-{installation}-{trader}-{_LEGS[side]}{attempt}")


def cancel_id(order: ClientOrderId, attempt: int) -> ClientOrderId:
    """Name the `attempt`-th cancel of an order."""
    return ClientOrderId(f"{order}c{attempt}")


def trader_of(order_or_cancel: str) -> TraderId:
    """Return the trader of an order, or of a cancel, by its name."""
    return TraderId(order_or_cancel.split("-")[2])


def order_of(client_id: str) -> ClientOrderId | None:
    """Return the order of ours that a name stands for: itself, or what a cancel is of."""
    ours = _OURS.fullmatch(client_id)
    return ClientOrderId(client_id.removesuffix(ours[1] or "")) if ours else None


def is_marked(client_id: str) -> bool:
    """Return whether a leader, of whatever installation, placed an order seen on the exchange.

    A record that was wiped has another installation than its orders, and so has a second record.
    """
    return _OURS.fullmatch(client_id) is not None

"""Exact decimal arithmetic in the exchange's own units.

Prices, quantities and commissions are `Decimal` from the first byte to the last column; a float
never touches them. The default context of 28 digits can round the product of a long price and a
long quantity, so the precision is raised for the whole program as soon as money is imported.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, DefaultContext, setcontext

PRECISION_DIGITS = 60
"""More digits than any product of a price (20) and a quantity (20) needs."""

DefaultContext.prec = PRECISION_DIGITS
setcontext(Context(prec=PRECISION_DIGITS))

ZERO = Decimal(0)
ONE = Decimal(1)


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of `step` that is not above `value`; a zero step leaves it."""
    return value if not step else (value / step).to_integral_value(ROUND_FLOOR) * step


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """Return the smallest multiple of `step` that is not below `value`; a zero step leaves it."""
    return value if not step else (value / step).to_integral_value(ROUND_CEILING) * step


def plain(value: Decimal) -> str:
    """Write a value as people and exchanges do: no exponent, no zeros at the end."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

"""Exact decimal arithmetic: an operation that would lose a digit raises instead of rounding."""

from decimal import ROUND_DOWN, ROUND_UP, Context, Decimal, DivisionByZero, Inexact
from decimal import InvalidOperation as InvalidDecimal

ASSET_DECIMALS = 8
"""Digits after the point of every asset, price and quantity (Binance Spot's precision)."""

UNIT = Decimal(1).scaleb(-ASSET_DECIMALS)
"""The smallest amount of any asset: 0.00000001."""

ZERO = Decimal(0)

_EXACT = Context(prec=60, traps=[Inexact, InvalidDecimal, DivisionByZero])
_FLOOR = Context(prec=60, rounding=ROUND_DOWN, traps=[InvalidDecimal, DivisionByZero])


def times(left: Decimal, right: Decimal) -> Decimal:
    """Return the exact product; raise `decimal.Inexact` beyond 60 digits."""
    return _EXACT.multiply(left, right)


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Return whether `value` is a whole number of `step`s counted from zero."""
    return not _EXACT.remainder(value, step)


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """Round a non-negative `value` down to a multiple of `step`, with the step's decimals."""
    return _EXACT.multiply(_EXACT.divide_int(value, step), step)


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """Round a non-negative `value` up to a multiple of `step`, with the step's decimals."""
    floor = floor_to(value, step)
    return floor if floor == value else floor + step


def truncate(value: Decimal) -> Decimal:
    """Cut a value to the asset precision, towards zero (how commissions are charged)."""
    return value.quantize(UNIT, rounding=ROUND_DOWN, context=_FLOOR)


def divide_down(left: Decimal, right: Decimal) -> Decimal:
    """Return the quotient rounded towards zero at the asset precision."""
    return truncate(_FLOOR.divide(left, right))


def round_tick(value: Decimal, tick: Decimal, *, up: bool) -> Decimal:
    """Round a price to a tick away from (`up`) or towards zero; never below one tick."""
    rounded = value.quantize(UNIT, rounding=ROUND_UP if up else ROUND_DOWN, context=_FLOOR)
    return max(tick, ceil_to(rounded, tick) if up else floor_to(rounded, tick))


def fixed(value: Decimal) -> str:
    """Write with exactly eight decimals, as Binance does; raise `Inexact` if that loses digits."""
    return format(value.quantize(UNIT, context=_EXACT), "f")


def decimals(value: Decimal) -> int:
    """Count the significant digits after the point: 1.500 has one, 100 has none."""
    exponent = value.normalize(_EXACT).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0

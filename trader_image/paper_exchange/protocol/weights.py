"""What requests weigh, where it depends on what they ask."""

from collections.abc import Callable

from paper_exchange.core.errors import ExchangeError
from paper_exchange.protocol.params import Params

Weight = Callable[[Params], int]


def fixed(weight: int) -> Weight:
    """Return a weight that depends on nothing."""
    return lambda _: weight


def by_symbol(one: int, every: int) -> Weight:
    """Return the weight of a request that is about one symbol, or about many."""
    return lambda params: one if params.has("symbol") else every


def by_list(each: int, most: int) -> Weight:
    """Return the weight of a request that weighs `each` per symbol; without any, `most`."""

    def weight(params: Params) -> int:
        if params.has("symbol"):
            return each
        try:
            names = params.names("symbols")
        except ExchangeError:  # it will be refused; then it weighs as one symbol does
            return each
        return min(most, each * len(names)) if names else most

    return weight


def with_parameter(name: str, without: int, given: int) -> Weight:
    """Return a weight that depends on whether a parameter is given."""
    return lambda params: given if params.has(name) else without


def with_flag(name: str, off: int, on: int) -> Weight:
    """Return a weight that depends on a flag."""
    return lambda params: on if str(params.values.get(name)).lower() == "true" else off

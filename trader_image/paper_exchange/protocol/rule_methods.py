"""The methods that ask by which rules orders are judged: filters, price range, reference price."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paper_exchange.core.errors import ExchangeError
from paper_exchange.core.money import fixed
from paper_exchange.protocol import render_symbols
from paper_exchange.protocol.calls import asked_symbols
from paper_exchange.protocol.text import Millis

if TYPE_CHECKING:
    from paper_exchange.protocol.calls import Call
    from paper_exchange.protocol.render_orders import Json

SET_BY_HAND = 0
"""How the protocol numbers a reference price that a person has set."""
NO_REFERENCE_PRICE = {"code": -2043, "msg": "This symbol doesn't have a reference price."}


def execution_rules(call: Call) -> Json:
    """Answer `executionRules`."""
    engine = call.api.venue.engine
    names = asked_symbols(call) or list(engine.symbols)
    rules = {engine.symbol(name).name: engine.references.ranges.get(name) for name in names}
    return {
        "symbolRules": [
            {"symbol": name, "rules": [render_symbols.price_range(rule)] if rule else []}
            for name, rule in rules.items()
        ]
    }


def reference_price(call: Call) -> Json:
    """Answer `referencePrice`; a symbol that never had one is told as documented: in a result."""
    name = call.params.symbol()
    call.book()
    reference = call.api.venue.engine.references.known.get(name)
    if reference is None:
        return NO_REFERENCE_PRICE
    return {
        "symbol": name,
        "referencePrice": None if reference.price is None else fixed(reference.price),
        "timestamp": Millis(reference.time),
    }


def reference_price_calculation(call: Call) -> Json:
    """Answer `referencePrice.calculation`: ours are set by hand."""
    name = call.params.symbol()
    call.book()
    if name not in call.api.venue.engine.references.known:
        raise ExchangeError(-2043, "This symbol doesn't have a reference price.")
    return {
        "symbol": name,
        "calculationType": "EXTERNAL",
        "externalCalculationId": SET_BY_HAND,
    }


def my_filters(call: Call) -> Json:
    """Answer `myFilters`."""
    engine = call.api.venue.engine
    symbol = engine.symbol(call.params.symbol())
    limits = [limit for limit in engine.limits.assets if limit.asset in symbol.assets]
    info = render_symbols.filter_info
    return {
        "exchangeFilters": [info(one) for one in engine.limits.exchange.values()],
        "symbolFilters": [info(one) for one in symbol.filters.every()],
        "assetFilters": [info(limit) for limit in limits],
    }

"""The administrator's commands for rules: prices, self-trades, commission, limits of requests."""

from collections.abc import Mapping
from dataclasses import fields, replace

from paper_exchange.commissions import commission_of
from paper_exchange.core.filter_types import json_name, number
from paper_exchange.core.orders import SelfTrade
from paper_exchange.core.price_range import PriceRange, Reference
from paper_exchange.core.symbols import SelfTrades
from paper_exchange.protocol.api import Api
from paper_exchange.protocol.limits import LimitSettings
from paper_exchange.protocol.render_symbols import price_range
from paper_exchange.shell.admin import AdminError, Command, Params, positive
from paper_exchange.shell.connections import Connections
from paper_exchange.venue import Venue

MULTIPLIERS = {json_name(field.name): field.name for field in fields(PriceRange)}
LIMITS = {json_name(field.name): field.name for field in fields(LimitSettings)}


class Trading:
    """Changes by which rules orders trade."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    @property
    def commands(self) -> dict[str, Command]:
        """Return the commands by name."""
        return {
            "price-range": self.price_range,
            "reference-price": self.reference_price,
            "self-trade": self.self_trade,
            "commission": self.commission,
        }

    def price_range(self, params: Params) -> Params:
        """Set a symbol's price range rule: what is not given is not bound; nothing: no rule."""
        name = self._symbol(params)
        given = _named(params.get("multipliers", {}), MULTIPLIERS, "multiplier")
        ranges = self._venue.engine.references.ranges
        ranges.pop(name, None)
        if not given:
            return {"symbol": name, "rules": []}
        ranges[name] = PriceRange(**{key: number(value, key) for key, value in given.items()})
        return {"symbol": name, "rules": [price_range(ranges[name])]}

    def reference_price(self, params: Params) -> Params:
        """Set a symbol's reference price; without a price it has none now."""
        name = self._symbol(params)
        price = positive("price", params) if params.get("price") is not None else None
        reference = Reference(price, self._venue.clock())
        self._venue.engine.references.known[name] = reference
        return {"symbol": name, "price": None if price is None else format(price, "f")}

    def self_trade(self, params: Params) -> Params:
        """Set which modes of self-trade prevention a symbol allows, and its default."""
        name = self._symbol(params)
        default = _mode(str(params["default"]))
        allowed = tuple(map(_mode, params.get("allowed") or SelfTrade))
        if default not in allowed:
            raise AdminError(f"default must be one of the allowed modes: {', '.join(allowed)}")
        symbols = self._venue.engine.symbols
        symbols[name] = replace(symbols[name], self_trades=SelfTrades(default, allowed))
        return {"default": default, "allowed": list(allowed)}

    def commission(self, params: Params) -> Params:
        """Set what an account pays, on a symbol, or both; without any part: as everyone again."""
        account, symbol = params.get("account"), params.get("symbol")
        if symbol is not None:
            self._symbol(params)
        accounts = self._venue.engine.state.accounts
        if account is not None and account not in accounts:
            raise AdminError(f"unknown account {account!r}; known: {', '.join(accounts)}")
        cases, parts = self._venue.engine.fees.special_cases, params.get("parts") or {}
        cases.pop((account, symbol), None)
        if parts:
            cases[account, symbol] = commission_of(parts)
        return {"account": account, "symbol": symbol, "parts": sorted(parts)}

    def _symbol(self, params: Params) -> str:
        return self._venue.engine.symbol(params["symbol"]).name


class Traffic:
    """Changes how much clients may ask, and how long a connection lives."""

    def __init__(self, api: Api, connections: Connections) -> None:
        self._api = api
        self._connections = connections

    @property
    def commands(self) -> dict[str, Command]:
        """Return the commands by name."""
        return {"limits": self.limits, "connection-life": self.connection_life}

    def limits(self, params: Params) -> Params:
        """Change limits from now on, 0 for none; return all of them."""
        given = _named(params.get("limits", {}), LIMITS, "limit")
        read = {name: int(number(value, name)) for name, value in given.items()}
        self._api.limits.change(replace(self._api.limits.settings, **read))
        settings = self._api.limits.settings
        return {shown: getattr(settings, name) for shown, name in LIMITS.items()}

    def connection_life(self, params: Params) -> Params:
        """Set after how many seconds connections are closed that are opened from now on."""
        self._connections.life = float(positive("seconds", params))
        return {"seconds": self._connections.life}


def _named(given: object, names: Mapping[str, str], what: str) -> Params:
    """Return what is given by its own name here; raise `AdminError` for unknown names."""
    if not isinstance(given, Mapping):
        raise AdminError(f"{what}s must be an object: {given!r}")
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise AdminError(f"unknown {what} {', '.join(unknown)}; known: {', '.join(names)}")
    return {names[name]: value for name, value in given.items()}


def _mode(name: str) -> SelfTrade:
    try:
        return SelfTrade(name)
    except ValueError as exc:
        raise AdminError(f"unknown mode {name!r}; known: {', '.join(SelfTrade)}") from exc

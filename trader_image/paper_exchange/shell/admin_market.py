"""The administrator's commands for the market and its symbols."""

from paper_exchange.accounts import uid
from paper_exchange.core.engine import SymbolStatus
from paper_exchange.core.filters import ASSETS, EXCHANGE
from paper_exchange.core.market import MarketTrade
from paper_exchange.core.money import is_multiple
from paper_exchange.core.orders import Side
from paper_exchange.core.symbols import override
from paper_exchange.shell.admin import AdminError, Command, Params, positive
from paper_exchange.shell.player import Player
from paper_exchange.venue import Venue


class Market:
    """Moves the market and changes what is traded."""

    def __init__(self, venue: Venue, player: Player) -> None:
        self._venue = venue
        self._player = player

    @property
    def commands(self) -> dict[str, Command]:
        """Return the commands by name."""
        return {
            "status": self.status,
            "pause": self.pause,
            "resume": self.resume,
            "speed": self.speed,
            "step": self.step,
            "trade": self.trade,
            "symbol-status": self.symbol_status,
            "filters": self.filters,
        }

    # -- market ------------------------------------------------------------------------------

    def status(self, _: Params) -> Params:
        """Return who this exchange is, how far its market is, and its last ids."""
        engine = self._venue.engine
        return {
            "instance": self._venue.instance,
            "source": engine.state.source,
            "position": engine.state.position,
            "marketTime": self._player.market_time,
            "speed": str(self._player.speed),
            "paused": self._player.paused,
            "ended": self._venue.ended,
            "symbols": {name: self._symbol(name) for name in engine.symbols},
            "accounts": {name: uid(self._venue.instance, name) for name in engine.state.accounts},
        }

    def _symbol(self, name: str) -> Params:
        book = self._venue.engine.state.books[name]
        return {
            "status": str(self._venue.engine.status[name]),
            "price": None if book.price is None else format(book.price, "f"),
            "lastTradeId": book.last_trade_id,
            "lastOrderId": book.last_order_id,
            "openOrders": sum(map(len, book.resting.values())),
            "orders": len(book.orders),
            "fills": len(book.fills),
        }

    def pause(self, _: Params) -> Params:
        """Pause market time."""
        self._player.pause()
        return {"paused": self._player.paused}

    def resume(self, _: Params) -> Params:
        """Resume market time."""
        self._player.resume()
        return {"paused": self._player.paused}

    def speed(self, params: Params) -> Params:
        """Set market time per wall time."""
        speed = positive("speed", params)
        self._player.set_speed(speed)
        return {"speed": str(speed)}

    def step(self, params: Params) -> Params:
        """Publish the next trades of a paused market."""
        self._need_paused()
        return {"trades": self._player.step(int(params.get("count", 1)))}

    def trade(self, params: Params) -> Params:
        """Let one trade happen in a paused or manual market."""
        self._need_paused()
        symbol = self._venue.engine.symbol(params["symbol"])
        price, quantity = positive("price", params), positive("quantity", params)
        if not is_multiple(price, symbol.filters.tick_size):
            raise AdminError(f"price must be a multiple of {symbol.filters.tick_size}")
        if not is_multiple(quantity, symbol.filters.step_size):
            raise AdminError(f"quantity must be a multiple of {symbol.filters.step_size}")
        if self._venue.engine.status[symbol.name] is not SymbolStatus.TRADING:
            raise AdminError("the symbol does not trade")
        sells = Side(params["side"]) is Side.SELL
        self._venue.trade(MarketTrade(symbol.name, price, quantity, buyer_is_maker=sells))
        return {"lastTradeId": self._venue.engine.book(symbol.name).last_trade_id}

    def symbol_status(self, params: Params) -> Params:
        """Halt a symbol, or let it trade again."""
        name = self._venue.engine.symbol(params["symbol"]).name
        self._venue.engine.status[name] = SymbolStatus(params["status"])
        return {"status": str(self._venue.engine.status[name])}

    def filters(self, params: Params) -> Params:
        """Change a symbol's filters from now on; orders that rest stay as they are.

        `exchange` and `assets` stand for the filters of the exchange, and for MAX_ASSET.
        """
        owner, changes = str(params["symbol"]), dict(params["filters"])
        engine = self._venue.engine
        if owner == EXCHANGE:
            for name, values in changes.items():
                engine.limits = engine.limits.changed(name, values)
        elif owner == ASSETS:
            for asset, most in changes.items():
                engine.limits = engine.limits.limited(asset, most)
        else:
            symbol = engine.symbol(owner)
            engine.symbols[symbol.name] = override(symbol, changes)
        return {"changed": sorted(changes)}

    def _need_paused(self) -> None:
        if not self._player.paused:
            raise AdminError("the market is running: pause it first")

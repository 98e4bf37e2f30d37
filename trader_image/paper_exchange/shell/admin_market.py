"""The administrator's commands for the market, the orders and the balances."""

from decimal import Decimal

from paper_exchange.accounts import uid
from paper_exchange.core.engine import SymbolStatus
from paper_exchange.core.events import Step
from paper_exchange.core.market import MarketTrade
from paper_exchange.core.money import is_multiple
from paper_exchange.core.orders import Side
from paper_exchange.core.symbols import override
from paper_exchange.shell.admin import AdminError, Command, Params, positive
from paper_exchange.shell.player import Player
from paper_exchange.venue import Venue


class Market:
    """Moves the market, and what the exchange itself may do to orders and balances."""

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
            "expire": self.expire,
            "deposit": self.deposit,
            "balance": self.balance,
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
        """Let market time stand still."""
        self._player.pause()
        return {"paused": self._player.paused}

    def resume(self, _: Params) -> Params:
        """Let market time run on."""
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
        """Change a symbol's filters from now on; orders that rest stay as they are."""
        symbol = self._venue.engine.symbol(params["symbol"])
        changes = {str(name): str(value) for name, value in params["filters"].items()}
        self._venue.engine.symbols[symbol.name] = override(symbol, changes)
        return {"changed": sorted(changes)}

    def _need_paused(self) -> None:
        if not self._player.paused:
            raise AdminError("the market is running: pause it first")

    # -- orders and balances -----------------------------------------------------------------

    def expire(self, params: Params) -> Params:
        """End an open order as the exchange itself would."""
        book = self._venue.engine.book(params["symbol"])
        order = book.orders.get(int(params["orderId"]))
        if order is None:
            raise AdminError("no such order")
        self._do(self._venue.engine.expire(self._venue.clock(), order))
        return {"status": str(book.orders[order.order_id].status)}

    def deposit(self, params: Params) -> Params:
        """Add to an account's free balance; a negative amount takes from it."""
        account, asset = self._account(params), str(params["asset"])
        delta = Decimal(str(params["amount"]))
        self._do(self._venue.engine.deposit(self._venue.clock(), account, asset, delta))
        return self._balance(account, asset)

    def balance(self, params: Params) -> Params:
        """Set an account's free balance of an asset."""
        account, asset = self._account(params), str(params["asset"])
        free = self._venue.engine.state.accounts[account].of(asset).free
        return self.deposit(params | {"amount": str(Decimal(str(params["free"])) - free)})

    def _balance(self, account: str, asset: str) -> Params:
        balance = self._venue.engine.state.accounts[account].of(asset)
        return {
            "account": account,
            "asset": asset,
            "free": format(balance.free, "f"),
            "locked": format(balance.locked, "f"),
        }

    def _account(self, params: Params) -> str:
        known = list(self._venue.engine.state.accounts)
        name = params.get("account") or known[0]
        if name not in known:
            raise AdminError(f"unknown account {name!r}; known: {', '.join(known)}")
        return str(name)

    def _do(self, step: Step) -> None:
        self._venue.commit(step)
        self._venue.publish(step)

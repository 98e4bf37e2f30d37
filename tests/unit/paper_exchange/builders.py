"""Small exchanges and orders for tests."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from paper_exchange.core.engine import Engine, Grant, Rules
from paper_exchange.core.entries import Entry
from paper_exchange.core.events import Step
from paper_exchange.core.fees import Commission
from paper_exchange.core.market import MarketQuote, MarketTrade
from paper_exchange.core.orders import NewOrder, Order, OrderType, SelfTrade, Side, TimeInForce
from paper_exchange.core.state import State
from paper_exchange.core.symbols import Filters, Symbol

D = Decimal
Amount = Decimal | int | str
NOW = 1_700_000_000_000
XRP = Symbol("XRPUSDT", "XRP", "USDT", Filters.of(D("0.01"), D("0.1"), D("0.1")))
ETH = Symbol("ETHUSDT", "ETH", "USDT", Filters.of(D("0.01"), D("0.01"), D("0.1")))
BNB = Symbol("BNBUSDT", "BNB", "USDT", Filters.of(D("0.01"), D("0.001"), D("0.1")))
XRPBNB = Symbol("XRPBNB", "XRP", "BNB", Filters.of(D("0.0001"), D("0.1"), D("0.001")))
FUNDS = D(10_000)


class Market:
    """An engine with accounts a and b, and the entries and events of everything so far."""

    def __init__(
        self,
        rules: Rules | None = None,
        fees: Commission | None = None,
        *,
        more: Iterable[Symbol] = (),
        bnb: Amount = 0,
    ) -> None:
        self.state = State()
        self.engine = Engine(
            [XRP, ETH, *more],
            rules or Rules(trades_only=False, fees=fees or Commission()),
            self.state,
        )
        grants = [Grant(name, asset, FUNDS) for name in "ab" for asset in ("XRP", "ETH", "USDT")]
        grants += [Grant(name, "BNB", D(bnb)) for name in "ab" if bnb]
        self.entries: list[Entry] = []
        self.last = self.engine.open(NOW, "test", grants)
        self.entries += self.last.entries
        self._count = 0

    def place(
        self,
        side: str,
        price: Amount,
        quantity: Amount,
        *,
        account: str = "a",
        symbol: Symbol = XRP,
        **more: Any,
    ) -> Order:
        """Place an order; its step is kept in `last`."""
        self._count += 1
        order = new_order(side, price, quantity, symbol=symbol, name=f"o-{self._count}", **more)
        placed, step = self.engine.place(NOW, account, order)
        self.keep(step)
        return placed

    def trade(
        self,
        price: Amount,
        quantity: Amount,
        *,
        seller_aggressed: bool,
        symbol: Symbol = XRP,
    ) -> None:
        """Let an outside trade happen."""
        trade = MarketTrade(symbol.name, D(price), D(quantity), buyer_is_maker=seller_aggressed)
        self.keep(self.engine.trade(NOW, trade))

    def sell(self, price: Amount, quantity: Amount) -> None:
        """Let an outsider sell into the bid."""
        self.trade(price, quantity, seller_aggressed=True)

    def buy(self, price: Amount, quantity: Amount) -> None:
        """Let an outsider buy from the ask."""
        self.trade(price, quantity, seller_aggressed=False)

    def quote(self, bid: Amount, bid_quantity: Amount, ask: Amount, ask_quantity: Amount) -> None:
        """Display a best bid and ask."""
        quote = MarketQuote("XRPUSDT", D(bid), D(bid_quantity), D(ask), D(ask_quantity))
        self.keep(self.engine.quote(NOW, quote))

    def cancel(self, order: Order, name: str = "cancel-1") -> Order:
        """Cancel an order."""
        canceled, step = self.engine.cancel(NOW, self.order(order), name)
        self.keep(step)
        return canceled

    def order(self, order: Order) -> Order:
        """Return the order as it is now."""
        return self.state.books[order.symbol].orders[order.order_id]

    def executed(self, *orders: Order) -> list[Decimal]:
        """Return how much of each order has traded."""
        return [self.order(order).executed for order in orders]

    def balance(self, account: str, asset: str) -> tuple[Any, Any]:
        """Return (free, locked)."""
        balance = self.state.accounts[account].of(asset)
        return balance.free, balance.locked

    def keep(self, step: Step) -> None:
        """Remember a step."""
        self.last = step
        self.entries += step.essential_entries()


def new_order(
    side: str,
    price: Amount,
    quantity: Amount,
    *,
    symbol: Symbol = XRP,
    name: str = "o",
    **more: Any,
) -> NewOrder:
    """Build a limit order, good till cancelled unless told otherwise."""
    return NewOrder(
        symbol=symbol.name,
        side=Side(side),
        type=more.get("type", OrderType.LIMIT),
        time_in_force=more.get("tif", TimeInForce.GTC),
        price=D(price),
        quantity=D(quantity),
        client_order_id=more.get("name_", name),
        quote_quantity=D(more.get("quote", 0)),
        self_trade=more.get("self_trade", SelfTrade.EXPIRE_MAKER),
    )


def replayed(entries: Iterable[Entry]) -> State:
    """Rebuild a state from journal entries alone."""
    state = State()
    for entry in entries:
        state.apply(entry)
    return state


def content(state: State) -> dict[str, Any]:
    """Return everything that a state holds, for comparison."""
    return {
        "source": state.source,
        "position": state.position,
        "accounts": {
            name: (account.balances, account.granted, account.updated)
            for name, account in state.accounts.items()
        },
        "books": {
            name: (
                book.orders,
                book.resting,
                book.fills,
                book.fills_by_order,
                book.by_client_id,
                book.last_trade_id,
                book.last_order_id,
                book.last_execution_id,
                book.prevented_count,
                book.prevented_matches,
                book.amendments,
                book.price,
            )
            for name, book in state.books.items()
        },
        "open": state.open_client_ids,
    }

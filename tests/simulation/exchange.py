"""The paper exchange's engine, spoken to in the core's own words, without a socket."""

from bisect import bisect_left
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from paper_exchange.core import errors, events
from paper_exchange.core import fees as charges
from paper_exchange.core import orders as paper
from paper_exchange.core.engine import Engine, Grant, Rules, SymbolStatus
from paper_exchange.core.market import MarketTrade
from paper_exchange.core.state import Book, State
from paper_exchange.core.symbols import Filters as PaperFilters
from paper_exchange.core.symbols import Symbol
from simulation.fees import Fees, paid
from symbol_trader.core.money import ZERO, floor_to
from symbol_trader.core.orders import (
    CancelIntent,
    ExchangeOrder,
    ExecutionReport,
    Fill,
    Intent,
    Side,
)
from symbol_trader.core.replies import (
    Accepted,
    Archived,
    BalanceChanged,
    Outcome,
    Refused,
    UserEvent,
)
from symbol_trader.core.symbols import Commission, Filters, SymbolInfo
from symbol_trader.errors import UnknownSymbol

if TYPE_CHECKING:
    from collections.abc import Callable

NAME, BASE, QUOTE = "XRPUSDT", "XRP", "USDT"
OWN = UID = "own"
TICK, STEP, MIN_NOTIONAL = Decimal("0.0001"), Decimal("0.1"), Decimal(5)
FEE = Decimal("0.001")

FILTERS = Filters(TICK, STEP, STEP, min_notional=MIN_NOTIONAL)
SYMBOL = SymbolInfo(NAME, BASE, QUOTE, FILTERS)
COMMISSION = Commission(FEE, FEE)
FOREIGN_ID = "web_1"
REJECTED = Refused(-2010, "New order rejected.")
ARCHIVED_AFTER_MS = 12_000
"""Later than any report of it comes, in place of the exchange's 90 days."""
INVALID_SYMBOL = Refused(-1121, "Invalid symbol.")
LATE = Refused(-1021, "Timestamp for this request is outside of the recvWindow.")


class Exchange:
    """One symbol, one account, and everything that the account may ask.

    What happens is told to `listener` in the order in which it happens.
    """

    def __init__(self, now_ms: int, funds: Decimal, fees: Fees, typical_trade: Decimal) -> None:
        filters = PaperFilters.of(TICK, STEP, MIN_NOTIONAL)
        self.fees = fees
        rules = Rules(
            charges.Commission(charges.FeeRates(FEE, FEE)),
            typical_trade={NAME: typical_trade},
            bnb_fees=paid(fees, QUOTE),
        )
        self._engine = Engine([Symbol(NAME, BASE, QUOTE, filters)], rules, State())
        granted = [Grant(OWN, fees.asset, fees.granted)] if fees.asset else []
        self._engine.open(now_ms, "simulation", [Grant(OWN, QUOTE, funds), *granted])
        self.listener: Callable[[UserEvent], None] = lambda _: None
        self.trades_hidden_until_ms = 0
        self.forgotten: dict[int, Archived | None] = {}
        """Orders that queries do not find any more, and what they answer instead of -2013."""
        self.delisted = False
        self.taken = ZERO
        """Base that has left the account past the leader."""
        self._fills: list[Fill] = []
        self._fills_of: defaultdict[int, list[Fill]] = defaultdict(list)
        self._prevented: dict[int, Decimal] = {}
        self._seen: dict[int, tuple[paper.Order, ExchangeOrder]] = {}
        """Orders as they were shown last: they are asked for far more often than they change."""

    # Requests.

    def place(self, now_ms: int, intent: Intent) -> Outcome:
        """Take an order whose window was checked on arrival."""
        if self.delisted:
            return INVALID_SYMBOL
        order = paper.NewOrder(
            NAME,
            paper.Side(intent.side),
            paper.OrderType.LIMIT,
            paper.TimeInForce(intent.time_in_force),
            intent.quantity,
            intent.price,
            intent.client_order_id,
        )
        try:
            taken, step = self._engine.place(now_ms, OWN, order)
        except errors.ExchangeError as exc:
            return Refused(exc.code, exc.message)
        self._tell(step.events)
        return Accepted(self._shown(taken), tuple(self._fills_of[taken.order_id]))

    def reject(self, now_ms: int, intent: Intent) -> Outcome:
        """Take an order and reject it at once, which a report tells besides the reply."""
        order = ExchangeOrder(
            intent.client_order_id,
            -1,
            intent.side,
            intent.price,
            intent.quantity,
            "REJECTED",
            ZERO,
            ZERO,
            now_ms,
        )
        self.listener(ExecutionReport("REJECTED", order))
        return REJECTED

    def cancel(self, now_ms: int, intent: CancelIntent) -> Outcome:
        """Cancel an order in the name of its trader."""
        if self.delisted:
            return INVALID_SYMBOL
        order = self._order(intent.client_order_id)
        if order is None or not order.is_open:
            return Refused(-2011, errors.UNKNOWN_ORDER)
        return Accepted(self._end(now_ms, order, intent.cancel_id))

    def order(self, client_order_id: str) -> ExchangeOrder | None:
        """Return an order by the id it was placed with."""
        order = self._order(client_order_id)
        return self._shown(order) if order else None

    def open_orders(self) -> tuple[ExchangeOrder, ...]:
        """Return all open orders of the account, others' included."""
        resting = (order for side in self._book.resting.values() for order in side.values())
        return tuple(sorted(map(self._shown, resting), key=lambda order: order.order_id))

    def trades(
        self, from_id: int | None, order_id: int | None = None, page: int | None = None
    ) -> tuple[Fill, ...]:
        """Return a page of fills, or of an order's fills, from a trade id on; None: the newest."""
        fills = self._fills if order_id is None else self._fills_of[order_id]
        if from_id is None:
            return tuple(fills[-page:] if page else fills)
        start = bisect_left(fills, from_id, key=lambda fill: fill.trade_id)
        return tuple(fills[start : start + page if page else None])

    def by_id(self, order_id: int) -> ExchangeOrder | None:
        """Return an order by the exchange's id."""
        known = order_id not in self.forgotten
        return self._shown(self._book.orders[order_id]) if known else None

    def archived(self, now_ms: int, client_order_id: str) -> Archived | None:
        """Return what a query of a forgotten order answers, if that is not -2013.

        What is archived is old: no report of it is on its way any more.
        """
        order_id = self._book.by_client_id.get((OWN, client_order_id), 0)
        if order_id not in self.forgotten:
            return None
        age_ms = now_ms - self._book.orders[order_id].created
        return self.forgotten[order_id] if age_ms > ARCHIVED_AFTER_MS else None

    def symbol(self) -> SymbolInfo:
        """Return the symbol as it is now. Raises `UnknownSymbol`."""
        if self.delisted:
            raise UnknownSymbol(f"the exchange does not know the symbol {NAME}")
        return replace(SYMBOL, status=self._engine.status[NAME].value)

    @property
    def free(self) -> dict[str, Decimal]:
        """Return what the account has free of each asset."""
        balances = self._engine.state.accounts[OWN]
        return {asset: balances.of(asset).free for asset in (BASE, QUOTE)}

    def best_bid(self) -> Decimal:
        """Return what buyers pay, zero if there are none."""
        bid = self._engine.top(NAME).bid
        return bid.price if bid else Decimal(0)

    # The world.

    @property
    def lost(self) -> bool:
        """Return whether something is gone that a trader may wait for until a deadline."""
        return bool(self.taken or self.forgotten)

    def delist(self, now_ms: int) -> None:
        """End all orders of ours, and know nothing of the symbol any more."""
        ours = (order for order in self.open_orders() if order.client_order_id != FOREIGN_ID)
        for order in ours:
            self.expire(now_ms, order.client_order_id)
        self.delisted = True

    def give_back(self, now_ms: int) -> None:
        """Let what has left the account come back."""
        amount, self.taken = self.taken, ZERO
        if amount:
            self._tell(self._engine.deposit(now_ms, OWN, BASE, amount).events)

    @property
    def halted(self) -> bool:
        """Return whether the symbol does not trade."""
        return self.delisted or self._engine.status[NAME] is not SymbolStatus.TRADING

    def halt(self) -> None:
        """Let the symbol not trade."""
        self._engine.status[NAME] = SymbolStatus.HALT

    def resume(self) -> None:
        """Let the symbol trade again."""
        self._engine.status[NAME] = SymbolStatus.TRADING

    def trade(self, now_ms: int, price: Decimal, quantity: Decimal, *, falling: bool) -> None:
        """Let others trade."""
        step = self._engine.trade(now_ms, MarketTrade(NAME, price, quantity, falling))
        self._tell(step.events)

    def deposit(self, now_ms: int, amount: Decimal) -> None:
        """Add to the quote balance."""
        self._tell(self._engine.deposit(now_ms, OWN, QUOTE, amount).events)

    def expire(self, now_ms: int, name: str) -> None:
        """End an order as the exchange may."""
        self._tell(self._engine.expire(now_ms, self._existing(name)).events)

    def cancel_by_hand(self, now_ms: int, name: str) -> None:
        """Cancel an order as a person may, at another screen."""
        self._end(now_ms, self._existing(name), f"web_{now_ms}")

    def reduce(self, now_ms: int, name: str, quantity: Decimal, *, prevented: bool) -> None:
        """Leave an open order less than it had: a person amends it, or self-trade prevention."""
        before = self._existing(name)
        after = replace(before, quantity=quantity, updated=now_ms)
        if prevented:
            lost = self._prevented.get(before.order_id, ZERO) + before.quantity - quantity
            self._prevented[before.order_id] = lost
        self._book.put(after)
        self._engine.state._reserve(before, after.reserved - before.reserved, now_ms)
        execution = "TRADE_PREVENTION" if prevented else "REPLACED"
        self.listener(ExecutionReport(execution, self._shown(after)))

    def forget(self, now_ms: int, name: str, answer: Archived | None) -> None:
        """Know nothing of an open order any more, and tell nobody."""
        order = self._existing(name)
        self._engine.expire(now_ms, order)
        self.forgotten[order.order_id] = answer

    def take_base(self, now_ms: int, share: Decimal) -> None:
        """Let a share of the free base asset leave the account."""
        free = self._engine.state.accounts[OWN].of(BASE).free
        amount = floor_to(free * share, STEP)
        if amount:
            self.taken += amount
            self._tell(self._engine.deposit(now_ms, OWN, BASE, -amount).events)

    def place_by_hand(self, now_ms: int, price: Decimal, quantity: Decimal) -> None:
        """Place a buy that is not ours."""
        order = paper.NewOrder(
            NAME,
            paper.Side.BUY,
            paper.OrderType.LIMIT,
            paper.TimeInForce.GTC,
            quantity,
            price,
            FOREIGN_ID,
        )
        self._engine.place(now_ms, OWN, order)

    # What an auditor may look at.

    def all_orders(self) -> list[ExchangeOrder]:
        """Return every order there ever was but the one placed by hand."""
        known = (order for order in self._all() if order.order_id not in self.forgotten)
        return [self._shown(order) for order in known if order.client_order_id != FOREIGN_ID]

    def total(self, asset: str) -> Decimal:
        """Return what the account has of an asset, free and locked, less what it was granted."""
        granted = self.fees.granted if asset == self.fees.asset else ZERO
        return self._engine.state.accounts[OWN].of(asset).total - granted

    def _shown(self, order: paper.Order) -> ExchangeOrder:
        before = self._seen.get(order.order_id)
        if before is None or before[0] is not order:
            prevented = self._prevented.get(order.order_id, ZERO)
            before = self._seen[order.order_id] = order, _as_shown(order, prevented)
        return before[1]

    @property
    def _book(self) -> Book:
        return self._engine.book(NAME)

    def _all(self) -> list[paper.Order]:
        return list(self._book.orders.values())

    def _order(self, client_order_id: str) -> paper.Order | None:
        order_id = self._book.by_client_id.get((OWN, client_order_id))
        if order_id is None or order_id in self.forgotten:
            return None
        return self._book.orders[order_id]

    def _existing(self, client_order_id: str) -> paper.Order:
        order = self._order(client_order_id)
        assert order is not None
        return order

    def _end(self, now_ms: int, order: paper.Order, new_name: str) -> ExchangeOrder:
        canceled, step = self._engine.cancel(now_ms, order, new_name)
        self._tell(step.events)
        return self._shown(canceled)

    def _tell(self, happened: list[events.AccountEvent]) -> None:
        for event in happened:
            match event:
                case events.ExecutionReport() as report:
                    self.listener(self._report(report))
                case events.Position(balances=balances):
                    self.listener(BalanceChanged({asset: b.free for asset, b in balances}))
                case events.BalanceChange():
                    pass

    def _report(self, report: events.ExecutionReport) -> ExecutionReport:
        fill = _fill(report.fill) if report.fill else None
        if fill is not None:
            self._fills.append(fill)
            self._fills_of[fill.order_id].append(fill)
        cancel_id = report.order.client_order_id if report.renamed_from else None
        return ExecutionReport(report.execution.value, self._shown(report.order), fill, cancel_id)


def _as_shown(order: paper.Order, prevented: Decimal) -> ExchangeOrder:
    return ExchangeOrder(
        order.original_client_order_id,
        order.order_id,
        Side(order.side),
        order.price,
        order.quantity + prevented,
        order.status.value,
        order.executed,
        order.quote_executed,
        order.created,
        prevented,
    )


def _fill(fill: paper.Fill) -> Fill:
    return Fill(
        fill.order_id,
        fill.trade_id,
        fill.price,
        fill.quantity,
        fill.quote_quantity,
        fill.commission,
        fill.commission_asset,
        fill.is_maker,
        fill.time,
    )

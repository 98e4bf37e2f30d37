"""A leader at a desk: its record, a clock, and an exchange that does what the test says.

Each call hands the leader one event, carries its decision out on the record, and leaves what it
asked of the exchange in `placed`, `canceled` and `asked`. After each, the books must agree.
"""

from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from simulation.memory import INSTALLATION, MemoryRecord
from symbol_trader.core.decisions import Cancel, Decision, Place, PriceFee, Reconcile, Request, Said
from symbol_trader.core.events import (
    BidFetched,
    BuyRefused,
    CancelReplied,
    ExchangeView,
    FeePriced,
    FillsFetched,
    LeaderEvent,
    PlaceReplied,
    PriceSeen,
    QueryReplied,
    SettingsChanged,
    Started,
    TimePassed,
    ViewRead,
)
from symbol_trader.core.leader import Leader
from symbol_trader.core.orders import (
    CancelIntent,
    ExchangeOrder,
    ExecutionReport,
    Fill,
    Intent,
    Side,
)
from symbol_trader.core.records import RefusedBuy, Watermark
from symbol_trader.core.replies import Accepted, AssetPrice, NotFound, Outcome, Refused, Unknown
from symbol_trader.core.settings import Settings
from symbol_trader.core.symbols import Commission, SymbolInfo
from symbol_trader.core.timing import Timing
from symbol_trader.desired import Desired
from unit.core.builders import COMMISSION, NOW_MS, SETTINGS, SYMBOL, D

TIMING = Timing()


@dataclass(slots=True)
class Resting:
    """An order as the exchange keeps it."""

    intent: Intent
    order_id: int
    status: str = "NEW"
    fills: list[Fill] = field(default_factory=list)
    quantity: D | None = None
    """What others have reduced it to."""

    @property
    def executed(self) -> D:
        return sum((one.quantity for one in self.fills), D(0))

    def shown(self, status: str | None = None) -> ExchangeOrder:
        return ExchangeOrder(
            self.intent.client_order_id,
            self.order_id,
            self.intent.side,
            self.intent.price,
            self.quantity or self.intent.quantity,
            status or self.status,
            self.executed,
            sum((one.quote_quantity for one in self.fills), D(0)),
            self.intent.timestamp_ms,
        )


class Desk:
    """Everything around one leader."""

    def __init__(
        self,
        settings: Settings = SETTINGS,
        *,
        symbol: SymbolInfo = SYMBOL,
        commission: Commission = COMMISSION,
        start: bool = True,
    ) -> None:
        self.settings, self.symbol, self.commission = settings, symbol, commission
        self.record = MemoryRecord(symbol.base_asset, symbol.quote_asset)
        self.now_ms = NOW_MS
        self.book: dict[str, Resting] = {}
        self.placed: list[Intent] = []
        self.canceled: list[CancelIntent] = []
        self.asked: list[Request] = []
        self.told: list[Said] = []
        self.limit = ""
        """The reason for which the record refuses buys, if it does."""
        self.past_limit: list[Intent] = []
        """Those that it has refused."""
        self._order_ids, self._trade_ids, self._bits = count(1), count(1), count(1)
        self._generation = 1
        self.leader = self._lead()
        if start:
            self.tell(Started())

    def _lead(self) -> Leader:
        return Leader(
            self.record.load(self.now_ms),
            settings=self.settings,
            symbol=self.symbol,
            commission=self.commission,
            timing=TIMING,
            new_bits=lambda: next(self._bits),
        )

    # The runtime's part.

    def carry_out(self, decision: Decision) -> None:
        self.told = decision.said
        self.placed, self.canceled, self.asked = [], [], []
        for request in decision.requests:
            match request:
                case Place(intent):
                    self.placed.append(intent)
                case Cancel(cancel):
                    self.canceled.append(cancel)
                case _:
                    self.asked.append(request)
        past = [order for order in self.placed if self.limit and order.side is Side.BUY]
        self.placed = [order for order in self.placed if order not in past]
        self.record.note([*decision.changes, *self.placed, *self.canceled])
        self.past_limit += past
        for order in past:
            refused = RefusedBuy(order.client_order_id, self.limit, f"{self.limit} of a test")
            after = self.leader.handle(BuyRefused(refused), self.now_ms)
            assert after == Decision(said=after.said)
            self.told = [*self.told, *after.said]
        self._check_books()

    def tell(self, event: LeaderEvent) -> None:
        """Hand the leader one event, and carry out what it decides."""
        self.carry_out(self.leader.handle(event, self.now_ms))

    def carry_out_changes_only(self, fill: Fill) -> None:
        """Hear of a fill, and die after recording it, before any request."""
        [resting] = [one for one in self.book.values() if fill in one.fills]
        report = ExecutionReport("TRADE", resting.shown(), fill)
        self.record.note(self.leader.handle(report, self.now_ms).changes)

    def _check_books(self) -> None:
        inventory = self.record.inventory
        assert inventory.unexplained == 0
        assert inventory.carried == self.leader.carried
        assert self.record.carried_cost == self.leader.carried_cost
        self._check_orders()
        restored = self._lead()
        assert restored.committed_quote == self.leader.committed_quote
        assert restored.profit == self.leader.profit
        assert restored.carried == self.leader.carried
        assert restored.carried_cost == self.leader.carried_cost
        assert restored.unvalued_fees == self.leader.unvalued_fees

    def _check_orders(self) -> None:
        """Check that a buy fits into the budget, and that a sell is of what the book holds."""
        for order in self.placed:
            if order.side is Side.BUY:
                in_dust = max(self.record.carried_cost, D(0))
                assert self.leader.committed_quote + in_dust <= self.settings.budget
            else:
                assert order.quantity <= self.record.sellable(order.trader_id)

    def said(self, event: str) -> list[dict[str, Any]]:
        """Return the facts of each line that the last event led to."""
        return [line.facts for line in self.told if line.event == event]

    @property
    def lines(self) -> list[str]:
        """Return the lines that the last event led to."""
        return [line.event for line in self.told]

    @property
    def order(self) -> Intent:
        """Return the one order that the last event led to."""
        assert len(self.placed) == 1, self.placed
        return self.placed[0]

    @property
    def cancel(self) -> CancelIntent:
        """Return the one cancel that the last event led to."""
        assert len(self.canceled) == 1, self.canceled
        return self.canceled[0]

    # Events.

    def price(self, price: str) -> None:
        self.tell(PriceSeen(D(price), D(price), self.now_ms))

    def wait(self, milliseconds: int = 0) -> None:
        self.now_ms += milliseconds
        self.tell(TimePassed())

    def ask(self, *, continued: bool = True, **changes: Any) -> None:
        """Change the resource; unless it is `continued`, what was asked in between was missed."""
        self.settings = replace(self.settings, **changes)
        self._generation += 1 if continued else 2
        revision, follows = str(self._generation), str(self._generation - 1)
        self.record.mirror_settings(
            Desired("XRPUSDT", self.settings, self._generation, revision=revision, follows=follows),
            self.now_ms,
        )
        self.tell(SettingsChanged(self.settings, continued))

    def bid(self, price: str) -> None:
        """Answer what buyers pay."""
        self.tell(BidFetched(D(price)))

    def tell_fee_prices(self, price: str | D | None) -> list[PriceFee]:
        """Answer what was asked for fees' prices; return what that was."""
        asked = [request for request in self.asked if isinstance(request, PriceFee)]
        for fee in asked:
            told = None if price is None else AssetPrice(D(price), "a test", fee.time_ms)
            self.tell(FeePriced(fee.client_order_id, fee.trade_id, told))
        return asked

    def reply(self, intent: Intent, outcome: Outcome) -> None:
        self.tell(PlaceReplied(intent.client_order_id, outcome))

    def accept(self, intent: Intent) -> Intent:
        self.take(intent)
        self.reply(intent, Accepted(self.book[intent.client_order_id].shown()))
        return intent

    def refuse(self, intent: Intent, message: str = "no", code: int = -2010) -> None:
        self.reply(intent, Refused(code, message))

    def lose(self, intent: Intent) -> None:
        """Let the reply be lost."""
        self.reply(intent, Unknown("no reply"))

    def cancel_replied(self, cancel: CancelIntent, outcome: Outcome) -> None:
        self.tell(CancelReplied(cancel, outcome))

    def report(
        self, intent: Intent, kind: str = "NEW", fill: Fill | None = None, status: str | None = None
    ) -> None:
        shown = self.book[intent.client_order_id].shown(status)
        self.tell(ExecutionReport(kind, shown, fill))

    def query(self, intent: Intent, *, as_of_ms: int | None = None) -> None:
        """Answer a query as the book has it."""
        answer = self._answer(intent.client_order_id, as_of_ms)
        self.tell(QueryReplied(intent.client_order_id, answer))

    def prove_absent(self, intent: Intent) -> None:
        """Deny an order as often as it takes, the last time as one who has looked everywhere."""
        for _ in range(TIMING.not_found_needed):
            assert not self.placed
            self.query(intent)
        assert Reconcile() in self.asked
        self.reconcile()

    def fetch(self, intent: Intent, *fills: Fill) -> None:
        """Answer with an order's fills: those given, or all."""
        name = intent.client_order_id
        found = fills or tuple(self.book[name].fills)
        self.tell(FillsFetched(name, found))

    def reconcile(self, **changes: Any) -> None:
        self.tell(ViewRead(replace(self.view(), **changes), Watermark(0)))

    def restart(self, **changes: Any) -> None:
        """Throw the leader away, and go on from the record and what the exchange says."""
        self.leader = self._lead()
        self.reconcile(**changes)
        assert not self.placed
        assert not self.canceled
        self.tell(Started())

    # The exchange's part.

    def take(self, intent: Intent) -> None:
        """Let an order come into being, unheard, if it has not."""
        if intent.client_order_id not in self.book:
            self.book[intent.client_order_id] = Resting(intent, next(self._order_ids))

    def execute(
        self,
        intent: Intent,
        quantity: str | D | None = None,
        *,
        fee_in: str | None = None,
        fee: str | D = "0.001",
    ) -> Fill:
        """Let an order trade, unheard: all that is left, unless said otherwise.

        Its commission is the account's, in what is received, or `fee` in the asset `fee_in`.
        """
        resting = self.book[intent.client_order_id]
        whole = resting.quantity or intent.quantity
        amount = D(quantity) if quantity else whole - resting.executed
        buys = intent.side is Side.BUY
        rate = self.commission.buy if buys else self.commission.sell
        asset = self.symbol.base_asset if buys else self.symbol.quote_asset
        fill = Fill(
            resting.order_id,
            next(self._trade_ids),
            intent.price,
            amount,
            intent.price * amount,
            D(fee) if fee_in else (amount if buys else intent.price * amount) * rate,
            fee_in or asset,
            is_maker=True,
            time_ms=self.now_ms,
        )
        resting.fills.append(fill)
        over = resting.executed == whole
        resting.status = "FILLED" if over else "PARTIALLY_FILLED"
        return fill

    def fill(self, intent: Intent, quantity: str | D | None = None, **how: Any) -> Fill:
        """Let an order trade, and report it."""
        fill = self.execute(intent, quantity, **how)
        self.report(intent, "TRADE", fill)
        return fill

    def amend(self, intent: Intent, quantity: str) -> None:
        """Let a person reduce an order, and report it."""
        self.book[intent.client_order_id].quantity = D(quantity)
        self.report(intent, "REPLACED")

    def forget(self, intent: Intent) -> None:
        """Let the exchange lose an order, as a testnet does when it is reset."""
        del self.book[intent.client_order_id]

    def end(self, intent: Intent, status: str) -> None:
        """Let an order be canceled or expire, and report it."""
        self.book[intent.client_order_id].status = status
        self.report(intent, status)

    def view(self) -> ExchangeView:
        """Return what the exchange says when it is asked for everything."""
        asked = self.leader.orders_to_ask_for
        names = [order.intent.client_order_id for order in asked]
        return ExchangeView(
            {name: self._answer(name) for name in names},
            (),
            tuple(fill for one in self.book.values() for fill in one.fills),
        )

    def _answer(self, name: str, as_of_ms: int | None = None) -> ExchangeOrder | NotFound:
        if name in self.book:
            return self.book[name].shown()
        return NotFound(self.now_ms if as_of_ms is None else as_of_ms)

    # What scenarios are made of.

    def bought(self, price: str = "2") -> Intent:
        """Let the only trader without an order buy at once, and return its sell."""
        self.price(price)
        self.fill(self.accept(self.order))
        return self.order

    def sold(self, sell: Intent) -> None:
        """Let a sell be taken and filled."""
        self.fill(self.accept(sell))


def resting_buy(settings: Settings = SETTINGS) -> tuple[Desk, Intent]:
    """Return a leader whose only order is a buy that rests."""
    desk = Desk(settings)
    desk.price("2")
    return desk, desk.accept(desk.order)


UNRECORDED = f"tsym-{INSTALLATION}-vvvvvvvvvvvvv-b1"
"""An order with our mark that no record holds."""

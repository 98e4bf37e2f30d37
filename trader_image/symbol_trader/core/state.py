"""What a leader knows of its symbol: settings, filters, balances, traders and their orders.

It is loaded from the record and changed by two packages alone: `evidence` writes orders,
`traders` writes traders. Orders are found by their client order id, and by the exchange's id, since
others may have renamed them (an amendment does).
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType

from symbol_trader.core import ids
from symbol_trader.core.buy_limits import BuyLimits
from symbol_trader.core.fees import UnvaluedFees
from symbol_trader.core.ledger import Carried, Ledger, Settlement, TraderMoney
from symbol_trader.core.limits import Halt
from symbol_trader.core.market_prices import MarketPrices
from symbol_trader.core.money import ZERO
from symbol_trader.core.order import Order
from symbol_trader.core.order_filters import Load
from symbol_trader.core.orders import ExchangeOrder, FeeAsset, Fill, OrderState, Side
from symbol_trader.core.reasons import Blocker, Reason
from symbol_trader.core.records import Snapshot, UnvaluedFee
from symbol_trader.core.settings import Settings, TradingStatus
from symbol_trader.core.symbols import Commission, SymbolInfo
from symbol_trader.core.times import utc
from symbol_trader.core.timing import Timing
from symbol_trader.core.trader import Trader

Found = tuple[Trader, Order]


class State:
    """The facts of one symbol."""

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        settings: Settings,
        symbol: SymbolInfo,
        commission: Commission,
        timing: Timing,
        new_bits: Callable[[], int],
        free: Mapping[str, Decimal],
        locked: Mapping[str, Decimal] = MappingProxyType({}),
        halts: tuple[Halt, ...] | None = (),
    ) -> None:
        """Take up the record; see `Leader` for the arguments."""
        self.settings = settings
        self.symbol = symbol
        self.commission = commission
        self.timing = timing
        self.new_bits = new_bits
        self.installation = snapshot.installation
        self.free = dict(free)
        """What the account has free of each asset, as far as it is known."""
        self.locked = dict(locked)
        """What the account's open orders hold of each asset, as far as it is known."""
        self.market_prices = MarketPrices()
        self.symbol_read_ms = symbol.read_ms
        """When the symbol was read last, None before the first beat of the timer."""
        self.others: dict[int, ExchangeOrder] = {}
        """The account's open orders in the symbol that are not ours, by order id."""
        self.started = False
        self.ending = False
        self.unrecorded_orders: tuple[ExchangeOrder, ...] = ()
        """Orders with our mark that the record does not hold."""
        self.given_up: dict[str, Decimal] = {}
        """Orders that were given up, and what of each had executed by then."""
        self.last_price: Decimal | None = None
        self.draining_since_ms: int | None = None
        self.banned_until_ms = 0
        """Until when the exchange has banned the address: nothing is intended before."""
        self.stopped: Blocker | None = None
        """Why the exchange takes nothing from the account: a person has to act first."""
        self.limits = BuyLimits(halts, timing)
        """What the account's limits and halts hold back."""
        self.buys_ended = 0
        """How many buys in a row the exchange has ended without a fill."""
        self.buys_paused_until_ms = 0
        """Until when no buy follows them."""
        self.traders = {row.trader_id: Trader.restore(row) for row in snapshot.traders}
        self._by_name: dict[str, Found] = {}
        self._by_id: dict[int, Found] = {}
        for trader, order in sorted(self.orders(), key=lambda f: f[1].intent.timestamp_ms):
            self.index(trader, order)
        carried = Carried(snapshot.carried - self._carried_by_running(), snapshot.carried_cost)
        self.ledger = Ledger(snapshot.profit, snapshot.finished, carried)
        """The totals of all traders that are over."""
        self.fees = UnvaluedFees(snapshot.unvalued_fees, snapshot.more_unvalued_fees)

    @property
    def draining(self) -> bool:
        """Return whether the symbol is being shut down."""
        return self.settings.status is TradingStatus.SHUTDOWN

    @property
    def idle(self) -> bool:
        """Return whether nothing may be decided: before the start, at the end, and while off."""
        return not self.started or self.ending or self.settings.status is TradingStatus.OFF

    @property
    def halted(self) -> Blocker | None:
        """Return why nothing is placed: the exchange has orders of ours that are not on record."""
        if not self.unrecorded_orders:
            return None
        names = ", ".join(order.client_order_id for order in self.unrecorded_orders)
        text = f"on the exchange, not on record: {names}; see `symbol-trader disown --help`"
        return Blocker(Reason.RECORD_ROLLED_BACK, text, None)

    @property
    def paused(self) -> Blocker | None:
        """Return why no trader is started: others canceled an order, nobody said to go on."""
        if not any(trader.interrupted for trader in self.traders.values()):
            return None
        text = "an order was canceled by others; change the resource to go on"
        return Blocker(Reason.CANCELED_BY_OTHERS, text, None)

    # What keeps the whole symbol from placing orders for a while.

    def banned(self, now_ms: int) -> Blocker | None:
        """Return why nothing is sent: the exchange has banned the address, and said how long."""
        if now_ms >= self.banned_until_ms:
            return None
        text = f"the exchange has banned the address until {utc(self.banned_until_ms)}"
        return Blocker(Reason.RATE_LIMITED, text, self.banned_until_ms)

    def stop_trading(self, reason: Reason, message: str, now_ms: int) -> int:
        """Take in that the key or the account is refused; return the pause before another try."""
        pause_ms = self.timing.retry_most_ms
        self.stopped = Blocker(reason, message, now_ms + pause_ms)
        return pause_ms

    def silenced(self, now_ms: int) -> Blocker | None:
        """Return why nothing is sent, neither orders nor cancels: a ban, or a refused account."""
        refused = self.stopped if self.stopped and self.stopped.holds(now_ms) else None
        return self.banned(now_ms) or refused

    def buys_paused(self, now_ms: int) -> Blocker | None:
        """Return why nothing is bought: the exchange has ended the last buys unfilled."""
        if now_ms >= self.buys_paused_until_ms:
            return None
        text = "the exchange ended the last buys without a fill; the next ones wait ever longer"
        return Blocker(Reason.BUYS_ENDED, text, self.buys_paused_until_ms)

    def buy_ended(self, now_ms: int) -> None:
        """Take in that the exchange ended a buy unfilled: the pause before another doubles."""
        self.buys_ended += 1
        self.buys_paused_until_ms = now_ms + self.timing.retry_pause_ms(self.buys_ended)

    def traded(self) -> None:
        """Take in a fill: buying need not wait."""
        self.buys_ended = self.buys_paused_until_ms = 0

    # Orders.

    def orders(self) -> Iterator[Found]:
        """Yield every order of every trader, oldest trader first."""
        for trader in self.traders.values():
            for order in trader.orders:
                yield trader, order

    def index(self, trader: Trader, order: Order) -> None:
        """Let an order be found; again once its id on the exchange is known.

        After a reset of the exchange an id is a newer order's.
        """
        self._by_name[order.intent.client_order_id] = trader, order
        if order.order_id is not None:
            self._by_id[order.order_id] = trader, order

    def forget(self, order: Order) -> None:
        """Let an order no longer be found: its trader is over, or it never existed."""
        self._by_name.pop(order.intent.client_order_id, None)
        if order.order_id is not None:
            _, numbered = self._by_id.get(order.order_id, (None, None))
            if numbered is order:
                del self._by_id[order.order_id]

    def find(self, client_order_id: str) -> Found | None:
        """Return an order by its client order id, with its trader."""
        return self._by_name.get(client_order_id)

    def find_seen(self, seen: ExchangeOrder) -> Found | None:
        """Return the order that the exchange describes, whatever others have renamed it to."""
        return self.find(seen.client_order_id) or self._find_renamed(seen)

    def _find_renamed(self, seen: ExchangeOrder) -> Found | None:
        """Return an order by the exchange's id, unless that is another's by now."""
        found = self._by_id.get(seen.order_id)
        return found if found and found[1].may_be(seen) else None

    def marks(self, client_order_id: str) -> bool:
        """Return whether a leader placed an order, and no trader that runs here.

        An order that counts as refused or absent here is nobody's either, should it be there.
        """
        if not ids.is_marked(client_order_id):
            return False
        found = self.find(client_order_id)
        return found is None or not found[1].existed

    @property
    def load(self) -> Load:
        """Return what the account has on the symbol, as far as it is known."""
        ours = [order for _, order in self.orders() if not order.state.final]
        buys = [order.quantity for order in ours if order.side is Side.BUY]
        buys += [order.quantity for order in self.others.values() if order.side is Side.BUY]
        base = self.symbol.base_asset
        held = self.free.get(base, ZERO) + self.locked.get(base, ZERO)
        return Load(len(ours) + len(self.others), held + sum(buys, ZERO))

    # The ledger.

    @property
    def committed_quote(self) -> Decimal:
        """Return the quote that all running traders have spent or may still spend."""
        return sum((trader.committed_quote for trader in self.traders.values()), ZERO)

    @property
    def carried(self) -> Decimal:
        """Return the base asset that rounding left over and that a later sell will take along."""
        return self.ledger.carried.quantity + self._carried_by_running()

    def spendable(self, trader: Trader, committed_quote: Decimal) -> Decimal:
        """Return the budget less what the others have committed and what is carried."""
        others = committed_quote - trader.committed_quote
        return self.settings.budget - others - self.carried_cost

    @property
    def carried_cost(self) -> Decimal:
        """Return how much of the budget is in base asset that ended traders left to later sells."""
        return max(self.ledger.carried.cost, ZERO)

    def base_on_its_way(self, trader: Trader) -> Decimal:
        """Return what sells of other traders may take that are not answered yet, in base asset."""
        unanswered = {OrderState.INTENT, OrderState.UNDECIDED}
        orders = (o for t, o in self.orders() if t is not trader and o.state in unanswered)
        return sum((o.intent.quantity for o in orders if o.side is Side.SELL), ZERO)

    def close(self, trader: Trader, unsold: Decimal) -> Settlement:
        """Take out a trader that is over; `unsold` is base asset that it keeps."""
        settlement = self.ledger.settle(TraderMoney.of(trader, self.symbol), unsold)
        del self.traders[trader.trader_id]
        for order in trader.orders:
            self.forget(order)
        return settlement

    def fees_lacked_by(self, trader: Trader) -> tuple[tuple[str, Decimal], ...]:
        """Return the sum of each third asset, by name, that a trader's profit lacks."""
        sums: dict[str, Decimal] = {}
        for fill in (fill for order in trader.orders for fill in order.fills.values()):
            if self._lacks_value(fill):
                asset = fill.commission_asset
                sums[asset] = sums.get(asset, ZERO) + fill.commission
        return tuple(sorted(sums.items()))

    def _lacks_value(self, fill: Fill) -> bool:
        return fill.fee_value is None and self.symbol.fee_asset(fill) is FeeAsset.OTHER

    def note_fee(self, trader: Trader, order: Order, fill: Fill) -> None:
        """Remember a fill's fee if it was taken in a third asset and has no value yet."""
        if self._lacks_value(fill):
            asset, amount = fill.commission_asset, fill.commission
            key = order.intent.client_order_id, fill.trade_id
            self.fees.add(UnvaluedFee(trader.trader_id, *key, asset, amount, fill.time_ms))

    def _carried_by_running(self) -> Decimal:
        return sum((self._carried_by(trader) for trader in self.traders.values()), ZERO)

    def _carried_by(self, trader: Trader) -> Decimal:
        """Return what a running trader leaves to others once it has set out to sell."""
        target, base = trader.sell_target, self.symbol.base_asset
        return ZERO if target is None else trader.received(base) - trader.sell_fees(base) - target

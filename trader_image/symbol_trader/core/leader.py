"""The leader of one symbol: starts traders, lets them step, and ends when a shutdown is done.

A sans-I/O machine with one door: `handle` takes one event with the exchange's time and returns a
`Decision`. An event is learned first (`evidence`), then those whom it touched take their next step
(`traders`). Before `Started`, after `Ending`, and while the symbol is off, it only learns: it
decides nothing.

Nothing is assumed about the decision's fate: if the record or the exchange cannot be reached, the
whole machine is thrown away and built again from the record, and told of a `ViewRead`, which is
also how it starts.
"""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import assert_never

from symbol_trader.core import ids
from symbol_trader.core.buy_limits import BuyLimits
from symbol_trader.core.commands import Commands
from symbol_trader.core.context import EventContext
from symbol_trader.core.decisions import Decision
from symbol_trader.core.events import (
    Banned,
    BidFetched,
    BuyRefused,
    CancelReplied,
    Ending,
    FeePriced,
    FillsFetched,
    LeaderEvent,
    LimitsHeard,
    PlaceReplied,
    PriceSeen,
    QueryReplied,
    RecordRefused,
    ReferencePriceFetched,
    SettingsChanged,
    Started,
    StateEvent,
    SwitchedOff,
    SymbolRead,
    TimePassed,
    UnrecordedOrdersFound,
    ViewRead,
)
from symbol_trader.core.evidence.learning import Evidence
from symbol_trader.core.limits import Halt
from symbol_trader.core.order import Order
from symbol_trader.core.orders import (
    ClientOrderId,
    ExchangeOrder,
    ExecutionReport,
    OrderState,
    TraderId,
)
from symbol_trader.core.quiet import Listeners, QuietRange
from symbol_trader.core.reasons import Blocker
from symbol_trader.core.records import Snapshot
from symbol_trader.core.replies import BalanceChanged
from symbol_trader.core.settings import Settings
from symbol_trader.core.state import State
from symbol_trader.core.symbols import Commission, SymbolInfo
from symbol_trader.core.timing import Timing
from symbol_trader.core.trader import Trader
from symbol_trader.core.traders.acting import Traders


class Leader:
    """The traders of one symbol and the rules between them."""

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        settings: Settings,
        symbol: SymbolInfo,
        commission: Commission,
        timing: Timing,
        new_bits: Callable[[], int],
        free: Mapping[str, Decimal] = MappingProxyType({}),
        locked: Mapping[str, Decimal] = MappingProxyType({}),
        refused: Mapping[TraderId, str] = MappingProxyType({}),
        acknowledged: Collection[ClientOrderId] = (),
        halts: tuple[Halt, ...] | None = (),
    ) -> None:
        """Take up the record. `new_bits` returns 64 random bits at each call.

        `free` is what the account has free of each asset that it holds, `locked` what its open
        orders hold. `refused` holds traders whose changes the record refused, and why;
        `acknowledged` the orders that others canceled and that a person acknowledged while nobody
        traded. `halts` are those of the account, None while its limits have not been read.
        """
        self._state = State(
            snapshot,
            settings=settings,
            symbol=symbol,
            commission=commission,
            timing=timing,
            new_bits=new_bits,
            free=free,
            locked=locked,
            halts=halts,
        )
        self._evidence = Evidence(self._state)
        self._traders = Traders(self._state, self._evidence)
        self._commands = Commands(
            self._state,
            self._evidence,
            self._traders,
            shutdown_age_ms=snapshot.shutdown_age_ms,
            refused=refused,
            acknowledged=acknowledged,
        )
        self._listeners: Listeners | None = None
        self._quiet: QuietRange | None = None
        """Both as found last, None where they have to be found again."""

    # The door.

    def handle(self, event: LeaderEvent, now_ms: int) -> Decision:
        """Return what follows from an event at an exchange time."""
        if isinstance(event, PriceSeen):
            return self._see_price(event, now_ms)
        self._listeners = self._quiet = None
        ctx = EventContext(now_ms)
        self._learn(event, ctx)
        if isinstance(event, _CONCERN_ALL):
            self._traders.advance_all(ctx)
        else:
            self._traders.advance_touched(ctx)
        return ctx.decision

    def take_quietly(self, price: Decimal) -> bool:
        """Take in a price from which nothing follows, whatever the time.

        Return False, and do nothing, where that is for `handle` to judge.
        """
        quiet = self._quiet or self.quiet_range
        if price < quiet.low or quiet.until_ms is not None:
            return False
        self._state.last_price = price
        return True

    def _see_price(self, event: PriceSeen, now_ms: int) -> Decision:
        """Return what follows from a price: of most prices nothing does, and that is cheap."""
        self._state.last_price = event.price
        if self.quiet_range.holds(event.lowest, now_ms):
            return Decision()
        listeners, self._quiet = self._find_listeners(), None
        ctx = EventContext(now_ms)
        self._traders.see_price(event, listeners, ctx)
        if ctx.decision != Decision():
            self._listeners = None
        return ctx.decision

    def _find_listeners(self) -> Listeners:
        if self._listeners is None:
            self._listeners = Listeners(self._state)
        return self._listeners

    def _learn(self, event: StateEvent, ctx: EventContext) -> None:  # noqa: C901, PLR0912 - a table
        evidence = self._evidence
        match event:
            case Started():
                self._commands.start(ctx)
            case ExecutionReport(_, seen, fill):
                evidence.orders.seen(seen, (fill,) if fill else (), ctx)
            case BalanceChanged(free, locked):
                evidence.market.balance_changed(free, locked, ctx)
            case PlaceReplied(name, outcome):
                evidence.orders.place_replied(name, outcome, ctx)
            case CancelReplied(intent, outcome):
                evidence.cancels.replied(intent, outcome, ctx)
            case QueryReplied(name, answer):
                evidence.queries.answered(name, answer, ctx)
            case FillsFetched(name, fills):
                evidence.fills.fetched(name, fills, ctx)
            case BidFetched(bid):
                ctx.bid = bid
            case ReferencePriceFetched(minutes, reference):
                self._state.market_prices.told(minutes, reference, ctx.now_ms)
            case FeePriced(name, trade_id, price):
                evidence.fills.fee_priced((name, trade_id), price, ctx)
            case UnrecordedOrdersFound(orders):
                evidence.unrecorded.found(orders, ctx)
            case RecordRefused(trader_id, why, unsent):
                evidence.record_refused(trader_id, why, ctx, unsent=unsent)
            case BuyRefused(buy):
                evidence.limits.buy_refused(buy, ctx)
            case LimitsHeard(halts):
                evidence.limits.heard(halts, ctx)
            case SymbolRead(symbol, commission):
                evidence.market.symbol_read(symbol, commission, ctx)
            case ViewRead(view):
                evidence.view_read(view, ctx)
            case SettingsChanged():
                self._commands.change_settings(event, ctx)
            case Banned(until_ms):
                evidence.market.banned(until_ms)
            case SwitchedOff():
                self._commands.switch_off(ctx)
            case Ending():
                self._state.ending = True
            case TimePassed():
                evidence.questions.ask_for_all_due(ctx)
                evidence.market.read_symbol_if_due(ctx)
            case _:
                assert_never(event)

    # What others read of it.

    @property
    def settings(self) -> Settings:
        """Return what is asked for, as last heard."""
        return self._state.settings

    @property
    def symbol(self) -> SymbolInfo:
        """Return the symbol as last read."""
        return self._state.symbol

    @property
    def commission(self) -> Commission:
        """Return the account's commission on the symbol as last read."""
        return self._state.commission

    @property
    def profit(self) -> Decimal:
        """Return the realised profit of all finished traders, in quote; see `unvalued_fees`."""
        return self._state.ledger.profit

    @property
    def finished(self) -> int:
        """Return how many traders have finished."""
        return self._state.ledger.finished

    @property
    def unvalued_fees(self) -> tuple[tuple[str, Decimal], ...]:
        """Return the fees in third assets, by asset, that no profit counts as yet."""
        return self._state.fees.amounts

    @property
    def unrecorded_orders(self) -> tuple[ExchangeOrder, ...]:
        """Return the orders with our mark that the record does not hold."""
        return self._state.unrecorded_orders

    @property
    def last_price(self) -> Decimal | None:
        """Return the last price seen."""
        return self._state.last_price

    @property
    def quiet_range(self) -> QuietRange:
        """Return the prices from which nothing follows, as things stand."""
        if self._quiet is None:
            self._quiet = self._find_listeners().range
        return self._quiet

    @property
    def traders(self) -> tuple[Trader, ...]:
        """Return the running traders, oldest first."""
        return tuple(self._state.traders.values())

    @property
    def draining(self) -> bool:
        """Return whether the symbol is being shut down."""
        return self._state.draining

    @property
    def drained(self) -> bool:
        """Return whether a shutdown is done: no trader runs and none will be started.

        The price of a fee that was just charged is waited for, unless it is not told at once.
        """
        state = self._state
        return state.draining and not state.traders and not state.fees.answer_expected

    @property
    def halted(self) -> Blocker | None:
        """Return why nothing is placed: the exchange has orders of ours that are not on record."""
        return self._state.halted

    @property
    def paused(self) -> Blocker | None:
        """Return why no trader is started: others canceled an order, nobody said to go on."""
        return self._state.paused

    @property
    def buy_limits(self) -> BuyLimits:
        """Return what is known of the account's halts and limits."""
        return self._state.limits

    @property
    def holds_base(self) -> bool:
        """Return whether running traders hold something, whose worth follows the market."""
        base = self.symbol.base_asset
        return any(t.received(base) - t.sell_fees(base) != t.sold for t in self.traders)

    @property
    def carried(self) -> Decimal:
        """Return the base asset that rounding left over and that a later sell will take along."""
        return self._state.carried

    @property
    def carried_cost(self) -> Decimal:
        """Return what ended traders' share of that had cost: it counts against the budget."""
        return self._state.ledger.carried.cost

    @property
    def committed_quote(self) -> Decimal:
        """Return the quote that all running traders have spent or may still spend."""
        return self._state.committed_quote

    @property
    def open_orders(self) -> tuple[Order, ...]:
        """Return the orders that rest on the exchange."""
        return tuple(o for _, o in self._state.orders() if o.state is OrderState.OPEN)

    @property
    def orders_in_doubt(self) -> tuple[Order, ...]:
        """Return the orders whose fate the exchange must be asked for."""
        return tuple(o for _, o in self._state.orders() if o.in_doubt)

    @property
    def interrupted_orders(self) -> tuple[Order, ...]:
        """Return the orders that others canceled, as long as nobody has said to go on."""
        return tuple(order for trader in self.traders if (order := trader.interrupted))

    @property
    def orders_to_ask_for(self) -> tuple[Order, ...]:
        """Return the orders that a reconciliation asks the exchange about."""
        return tuple(o for _, o in self._state.orders() if not o.state.final or not o.settled)

    def marks(self, client_order_id: str) -> bool:
        """Return whether a leader placed an order, and no trader that runs here."""
        return self._state.marks(client_order_id)


_CONCERN_ALL = (
    Started,
    BidFetched,
    ReferencePriceFetched,
    ViewRead,
    SettingsChanged,
    LimitsHeard,
    TimePassed,
)
"""Events after which every trader takes its next step, whoever was touched."""


def new_trader_bits(random_bits: Callable[[int], int]) -> Callable[[], int]:
    """Adapt a source of randomness (`random.getrandbits`, say) to what `Leader` asks for."""
    return lambda: random_bits(ids.TRADER_BITS)

"""What a trader may do next, and what that depends on besides its orders."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from symbol_trader.core.limits import Halt
from symbol_trader.core.money import ZERO
from symbol_trader.core.order import Order
from symbol_trader.core.orders import TimeInForce
from symbol_trader.core.reasons import Blocker
from symbol_trader.core.records import TraderState
from symbol_trader.core.settings import Settings
from symbol_trader.core.strategy import OrderTerms
from symbol_trader.core.symbols import Commission, SymbolInfo


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a trader's next step depends on besides its own orders.

    `seen` is a price that came just now, None when nothing came: a buy is never placed at an old
    price. What `find_spendable`, `find_carried` and `find_carried_cost` return is what the
    properties without `find_` are: they are sums over all traders, and most steps need none.
    """

    now_ms: int
    settings: Settings
    draining: bool
    symbol: SymbolInfo
    commission: Commission
    seen: Decimal | None
    find_spendable: Callable[[], Decimal]
    find_carried: Callable[[], Decimal]
    overdue: bool = False
    """A shutdown has passed its deadline."""
    bid: Decimal | None = None
    """The best bid where it was asked for just now; zero if there is none."""
    free_base: Decimal = ZERO
    """What the account has free of the base asset, as far as it is known."""
    base_on_its_way: Decimal = ZERO
    """What other traders' sells without an answer take, if they have not taken it yet."""
    find_carried_cost: Callable[[], Decimal] = lambda: ZERO
    halts: tuple[Halt, ...] = ()
    """What halts the account's buys."""

    @property
    def spendable(self) -> Decimal:
        """Return the budget that the symbol's other traders, and what is carried, leave."""
        return self.find_spendable()

    @property
    def carried(self) -> Decimal:
        """Return the base asset that earlier sells left over."""
        return self.find_carried()

    @property
    def carried_cost(self) -> Decimal:
        """Return how much of the budget is in what earlier traders left over."""
        return self.find_carried_cost()


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until something happens; `blocker` says what stands in the way, if anything."""

    blocker: Blocker | None = None


@dataclass(frozen=True, slots=True)
class PlaceBuy:
    """Buy at this price and quantity."""

    order_terms: OrderTerms


@dataclass(frozen=True, slots=True)
class PlaceSell:
    """Sell at this price and quantity."""

    order_terms: OrderTerms
    time_in_force: TimeInForce = TimeInForce.GTC


@dataclass(frozen=True, slots=True)
class AskForBid:
    """Ask what buyers pay now."""


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Take this order off the order book."""

    order: Order
    reason: str


@dataclass(frozen=True, slots=True)
class FetchFills:
    """Ask for the fills of a finished order: some are not known yet."""

    order: Order


@dataclass(frozen=True, slots=True)
class GiveUpOrder:
    """Let the record take this order for over: the exchange keeps nothing of it."""

    order: Order
    reason: str


@dataclass(frozen=True, slots=True)
class GiveUpFills:
    """Let the record go by what a finished order executed: its fills cannot be read."""

    order: Order


@dataclass(frozen=True, slots=True)
class Finish:
    """The trader is over. `quantity` is the base asset that it keeps, which no later sell takes."""

    state: TraderState
    reason: str
    quantity: Decimal


Step = (
    Wait
    | PlaceBuy
    | PlaceSell
    | AskForBid
    | CancelOrder
    | FetchFills
    | GiveUpOrder
    | GiveUpFills
    | Finish
)

"""Orders and fills as the exchange records them."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from paper_exchange.core.money import ZERO, times


class Side(StrEnum):
    """Which asset the order's owner wants: BUY wants base, SELL wants quote."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> "Side":
        """The side this one trades with."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    """The order types that this exchange takes."""

    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    MARKET = "MARKET"


class TimeInForce(StrEnum):
    """What becomes of what does not trade at once."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class OrderStatus(StrEnum):
    """An order's place in its life; all but the first two are final."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"


class SelfTrade(StrEnum):
    """What happens when an order meets one of its account or trade group: the taker's decides."""

    NONE = "NONE"
    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_MAKER = "EXPIRE_MAKER"
    EXPIRE_BOTH = "EXPIRE_BOTH"
    DECREMENT = "DECREMENT"
    """Both lose what they would have traded, so that the smaller one ends."""
    TRANSFER = "TRANSFER"
    """The same; between two accounts of a group the assets change hands, free of commission."""


class ExpiryReason(StrEnum):
    """Why the exchange itself ended an order (`eR`, `expiryReason`)."""

    NONE = "NONE"
    EXCHANGE_CANCELED = "EXCHANGE_CANCELED"
    UNFILLED_IOC_QUANTITY_EXPIRED = "UNFILLED_IOC_QUANTITY_EXPIRED"
    UNFILLED_FOK_ORDER_EXPIRED = "UNFILLED_FOK_ORDER_EXPIRED"
    INSUFFICIENT_LIQUIDITY = "INSUFFICIENT_LIQUIDITY"
    EXECUTION_RULE_PRICE_RANGE_EXCEEDED = "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"


OPEN = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a client asks for; already well-formed, not yet judged by filters and balances."""

    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    price: Decimal
    client_order_id: str
    quote_quantity: Decimal = ZERO
    self_trade: SelfTrade = SelfTrade.EXPIRE_MAKER


@dataclass(frozen=True, slots=True)
class Order:
    """One order and what became of it.

    `ahead` is the outside quantity that must trade at our price before this order does; None
    means unknown, which fills nothing until the price becomes the best one (rule 5).
    Times are wall-clock milliseconds.
    """

    symbol: str
    order_id: int
    account: str
    client_order_id: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    price: Decimal
    created: int
    updated: int
    ahead: Decimal | None
    quote_quantity: Decimal = ZERO
    self_trade: SelfTrade = SelfTrade.EXPIRE_MAKER
    original_client_order_id: str = ""
    executed: Decimal = ZERO
    quote_executed: Decimal = ZERO
    status: OrderStatus = OrderStatus.NEW
    expiry_reason: ExpiryReason = ExpiryReason.NONE
    prevented: Decimal = ZERO
    """Quantity that self-trade prevention took away."""
    prevented_match: int | None = None
    """Which prevented match of the symbol was its last one, counted from 0."""
    amends: int = 0
    archived: bool = False

    @property
    def remaining(self) -> Decimal:
        """Quantity that can still trade."""
        return self.quantity - self.executed - self.prevented

    @property
    def is_open(self) -> bool:
        """Return whether it can still trade."""
        return self.status in OPEN

    @property
    def reserved(self) -> Decimal:
        """What an open order locks: quote at its limit for BUY, base for SELL, MARKET nothing."""
        if self.type is OrderType.MARKET or not self.is_open:
            return ZERO
        return times(self.price, self.remaining) if self.side is Side.BUY else self.remaining


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of one order: the row that an audit compares to the last digit."""

    symbol: str
    trade_id: int
    order_id: int
    client_order_id: str
    account: str
    side: Side
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    commission: Decimal
    commission_asset: str
    is_maker: bool
    time: int

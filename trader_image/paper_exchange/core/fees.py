"""Commission: in the asset that is received, or with a discount in BNB (protocol, section 8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from paper_exchange.core.matching import Match
from paper_exchange.core.money import ZERO, divide_down, times, truncate
from paper_exchange.core.orders import Order, OrderType, Side
from paper_exchange.core.state import Book, State

BNB = "BNB"
"""The asset that commission is discounted in, unless the rules name another one."""


@dataclass(frozen=True, slots=True)
class FeeRates:
    """Rates as fractions: 0.001 is 0.1 %.  A trade pays that of its role and that of its side."""

    maker: Decimal = ZERO
    taker: Decimal = ZERO
    buyer: Decimal = ZERO
    seller: Decimal = ZERO

    def of(self, side: Side, *, is_maker: bool) -> Decimal:
        """Return the rate for one side of a trade."""
        role = self.maker if is_maker else self.taker
        return role + (self.buyer if side is Side.BUY else self.seller)

    @property
    def highest(self) -> Decimal:
        """The most that any trade pays."""
        return max(self.maker, self.taker) + max(self.buyer, self.seller)


USUAL_RATES = FeeRates(Decimal("0.001"), Decimal("0.001"))
"""What everyone pays unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Commission:
    """What an account pays on a symbol; only the standard part is discounted in BNB."""

    standard: FeeRates = USUAL_RATES
    special: FeeRates = field(default_factory=FeeRates)
    tax: FeeRates = field(default_factory=FeeRates)

    @property
    def highest(self) -> Decimal:
        """The most that any trade pays."""
        return self.standard.highest + self.special.highest + self.tax.highest


CommissionKey = tuple[str | None, str | None]
"""Account and symbol that a commission is for; None is all of them."""


@dataclass(frozen=True, slots=True)
class BnbFees:
    """Who pays commission in BNB, and at which price.

    `accounts` says it for single accounts, `everyone` for all others.  The standard commission is
    multiplied by `discount`.  `prices` is what one BNB costs, by quote asset, where the exchange
    has no market in BNB of its own.
    """

    everyone: bool = False
    accounts: Mapping[str, bool] = field(default_factory=dict)
    discount: Decimal = Decimal("0.75")
    asset: str = BNB
    prices: Mapping[str, Decimal] = field(default_factory=dict)

    def pays(self, account: str) -> bool:
        """Return whether an account's commission is taken in BNB while it has enough."""
        return self.accounts.get(account, self.everyone)


@dataclass(frozen=True, slots=True)
class Charge:
    """The commission of one fill."""

    amount: Decimal
    asset: str


class FeeSchedule:
    """Commission by rates, in BNB where an account wants it and has it.

    `traded` are the names of the exchange's symbols: the others' prices are history.
    """

    def __init__(
        self,
        state: State,
        usual: Commission,
        special_cases: Mapping[CommissionKey, Commission],
        bnb: BnbFees,
        traded: Mapping[str, object],
    ) -> None:
        self._state = state
        self._traded = traded
        self.usual = usual
        self.special_cases = dict(special_cases)
        self.bnb = bnb

    def commission(self, account: str, symbol: str | None = None) -> Commission:
        """Return what an account pays on a symbol: the most special case that is known.

        A symbol's own commission (a pair without fees, say) comes before an account's.
        """
        for key in ((account, symbol), (None, symbol), (account, None)):
            if key in self.special_cases:
                return self.special_cases[key]
        return self.usual

    def of(self, order: Order, match: Match, *, is_maker: bool, owed: Decimal = ZERO) -> Charge:
        """Return the commission of an order's fill that is about to be recorded.

        `owed` is what the order will pay in its later matches without having locked it.
        """
        rates = self.commission(order.account, order.symbol)
        standard = rates.standard.of(order.side, is_maker=is_maker)
        on_top = rates.special.of(order.side, is_maker=is_maker)
        on_top += rates.tax.of(order.side, is_maker=is_maker)
        in_bnb = self._in_bnb(order, match, times(standard, self.bnb.discount) + on_top)
        if in_bnb is not None and in_bnb <= self._spare(order, match, owed):
            return Charge(in_bnb, self.bnb.asset)
        received = match.quantity if order.side is Side.BUY else _value(match)
        amount = truncate(times(received, standard + on_top))
        return Charge(amount, _received_asset(self._book(order), order.side))

    def has_bnb_price(self, symbol: str) -> bool:
        """Return whether commission on a symbol can be converted into BNB."""
        book = self._state.books[symbol]
        return book.base == self.bnb.asset or self.bnb_price(book.quote) is not None

    def bnb_price(self, quote: str) -> Decimal | None:
        """Return what one BNB costs: on the exchange's own market, else as configured."""
        if quote == self.bnb.asset:
            return Decimal(1)
        name = self.bnb.asset + quote
        market = self._state.books[name].price if name in self._traded else None
        return self.bnb.prices.get(quote) if market is None else market

    def configured_price(self, symbol: str) -> Decimal | None:
        """Return the configured price of one BNB if `symbol` is BNB in that quote asset."""
        return (
            self.bnb.prices.get(symbol[len(self.bnb.asset) :])
            if symbol.startswith(self.bnb.asset)
            else None
        )

    def _in_bnb(self, order: Order, match: Match, rate: Decimal) -> Decimal | None:
        if not self.bnb.pays(order.account):
            return None
        book = self._book(order)
        price = match.price if book.base == self.bnb.asset else self.bnb_price(book.quote)
        if price is None:
            return None
        return divide_down(times(_value(match), rate), price)

    def _spare(self, order: Order, match: Match, owed: Decimal) -> Decimal:
        """Return the BNB that the account can use once the trade itself is settled."""
        book, buys = self._book(order), order.side is Side.BUY
        free = self._state.accounts[order.account].of(self.bnb.asset).free
        if _received_asset(book, order.side) == self.bnb.asset:
            free += match.quantity if buys else _value(match)
        if _received_asset(book, order.side.opposite) == self.bnb.asset:
            free -= (_value(match) if buys else match.quantity) + owed - _unlocked(order, match)
        return free

    def _book(self, order: Order) -> Book:
        return self._state.books[order.symbol]


def _value(match: Match) -> Decimal:
    return times(match.price, match.quantity)


def _received_asset(book: Book, side: Side) -> str:
    return book.base if side is Side.BUY else book.quote


def _unlocked(order: Order, match: Match) -> Decimal:
    """Return what the order had locked for this much of it; a MARKET order locks nothing."""
    if order.type is OrderType.MARKET:
        return ZERO
    return times(order.price, match.quantity) if order.side is Side.BUY else match.quantity

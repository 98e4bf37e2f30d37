"""Commission in BNB, as an account may want it: with a discount, until it has too little of it.

The engine charges what is received; here it charges a fill in BNB instead, where it can.
"""

from dataclasses import dataclass
from decimal import Decimal
from random import Random

from paper_exchange.core.engine import Engine
from paper_exchange.core.entries import Filled
from paper_exchange.core.events import Execution
from paper_exchange.core.matching import Match
from paper_exchange.core.money import times, truncate
from paper_exchange.core.orders import Order, Side
from paper_exchange.core.recorder import Recorder

DISCOUNT = Decimal("0.75")
PRICE = Decimal(600)
"""What one BNB costs in quote, where it is a third asset."""
LITTLE, PLENTY = Decimal("0.0003"), Decimal(1)


@dataclass(frozen=True, slots=True)
class Fees:
    """How a seed's account pays: `asset` is BNB, or the base asset where that is what is traded.

    None: in what it receives. `granted` is what it has of that asset from the beginning: of a third
    asset enough or too little, of the base asset what a person owns.
    """

    asset: str | None = None
    granted: Decimal = Decimal(0)
    has_market: bool = True
    """The exchange tells what a third asset costs."""


def drawn(random: Random, base: str) -> Fees:
    """Draw how a seed's account pays."""
    kind = random.choice(("received", "third", "third", "base", "base"))
    if kind == "third":
        return Fees("BNB", random.choice((LITTLE, PLENTY)), has_market=random.random() < 0.8)
    if kind == "base":
        return Fees(base, random.choice((Decimal(0), PLENTY)))
    return Fees()


def described(asset: str, base: str, quote: str) -> str:
    """Return in which kind of asset a commission was taken."""
    return {base: "base", quote: "quote"}.get(asset, "a third asset")


class FeeEngine(Engine):
    """An engine whose accounts all pay as a seed's does."""

    payment = Fees()

    def _record(self, now: int) -> Recorder:
        recorder = _FeeRecorder(self.state, self.rules.fees, now)
        recorder.payment = self.payment
        return recorder


class _FeeRecorder(Recorder):
    payment = Fees()

    def _fill(self, order: Order, match: Match, trade_id: int, *, is_maker: bool) -> None:
        fee = self._fee(match, self._fees.of(is_maker=is_maker))
        if fee is None or fee > self._spare(order, match):
            super()._fill(order, match, trade_id, is_maker=is_maker)
            return
        self.write(
            Filled(
                symbol=order.symbol,
                trade_id=trade_id,
                order_id=order.order_id,
                price=match.price,
                quantity=match.quantity,
                commission=fee,
                commission_asset=self.payment.asset or "",
                is_maker=is_maker,
                time=self.step.at,
            )
        )
        self._report(self.order(order), Execution.TRADE)

    def _fee(self, match: Match, rate: Decimal) -> Decimal | None:
        payment, base = self.payment, next(iter(self.state.books.values())).base
        if payment.asset is None:
            return None
        price = match.price if payment.asset == base else PRICE
        return truncate(times(times(match.price, match.quantity), rate * DISCOUNT) / price)

    def _spare(self, order: Order, match: Match) -> Decimal:
        """Return what the account can pay with once the trade itself is settled."""
        asset = self.payment.asset or ""
        free = self.state.accounts[order.account].of(asset).free
        buys_it = order.side is Side.BUY and asset == self.state.books[order.symbol].base
        return free + match.quantity if buys_it else free

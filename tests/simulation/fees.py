"""Commission in BNB, as an account may want it: with a discount, until it has too little of it."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random

from paper_exchange.core.fees import BnbFees

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


def paid(fees: Fees, quote: str) -> BnbFees:
    """Return the rules by which the paper exchange charges this."""
    if fees.asset is None:
        return BnbFees()
    return BnbFees(everyone=True, discount=DISCOUNT, asset=fees.asset, prices={quote: PRICE})


def described(asset: str, base: str, quote: str) -> str:
    """Return in which kind of asset a commission was taken."""
    return {base: "base", quote: "quote"}.get(asset, "a third asset")

"""Commissions in third assets (BNB, say) until their value in quote is known.

The exchange is asked what an asset cost at the time of each fill. An asset whose price it does not
tell is asked for again after growing pauses: a market may be opened that does not exist today.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from symbol_trader.core.decisions import PriceFee
from symbol_trader.core.ledger import COST_STEP
from symbol_trader.core.money import ZERO
from symbol_trader.core.orders import ClientOrderId, FeeValue
from symbol_trader.core.records import FeeValued, UnvaluedFee
from symbol_trader.core.replies import AssetPrice

OUTSTANDING_MAX = 4
"""So many prices of an asset are asked for at the same time: valuing is in no hurry."""
ANSWER_MS = 60_000
"""After this, requests without an answer count as lost."""
WAITING_MAX = 1000
"""The prices of so many fees of an asset are asked for in one term."""
RETRY_FIRST_MS = 15_000
"""The pause after an answer without a price; it doubles with each further one."""
RETRY_MOST_MS = 3_600_000
"""The longest pause."""

FeeKey = tuple[ClientOrderId, int]
"""Client order id and trade id."""


class UnvaluedFees:
    """The fees of a ledger that have no value yet, of running and of ended traders.

    All are counted. Beyond `WAITING_MAX` of an asset they are on record alone, and their prices
    are asked for by a later term: a history without a market does not pile up here.
    """

    def __init__(
        self, fees: Iterable[UnvaluedFee], on_record: Mapping[str, Decimal] | None = None
    ) -> None:
        """Take up those on record; `on_record` has the sums of those that were not loaded."""
        self._assets: dict[str, _Asset] = {}
        self._asset_of: dict[FeeKey, _Asset] = {}
        for name, amount in (on_record or {}).items():
            asset = self._asset(name)
            asset.more = asset.amount = amount
        for fee in fees:
            self._take(fee)

    def add(self, fee: UnvaluedFee) -> None:
        """Take in a fee that was just charged."""
        asset = self._take(fee)
        if not asset.failures and _key(fee) in asset.waiting:
            asset.fresh.add(_key(fee))

    def _take(self, fee: UnvaluedFee) -> "_Asset":
        asset = self._asset(fee.asset)
        asset.amount += fee.amount
        if len(asset.waiting) < WAITING_MAX:
            asset.waiting[_key(fee)] = fee
            self._asset_of[_key(fee)] = asset
        else:
            asset.more += fee.amount
        return asset

    def _asset(self, name: str) -> "_Asset":
        return self._assets.setdefault(name, _Asset(name))

    @property
    def amounts(self) -> tuple[tuple[str, Decimal], ...]:
        """Return the sum of each asset, by name."""
        return tuple((name, asset.amount) for name, asset in sorted(self._assets.items()))

    @property
    def answer_expected(self) -> bool:
        """Return whether a price will soon be told of a fee charged while this leader ran."""
        return any(asset.fresh for asset in self._assets.values())

    def due(self, now_ms: int) -> Iterator[PriceFee]:
        """Yield the requests whose time has come, few at a time."""
        for asset in self._assets.values():
            yield from asset.due(now_ms)

    def priced(self, key: FeeKey, price: AssetPrice | None, now_ms: int) -> list[FeeValued]:
        """Take in an answer; return the values that follow, of fills at the same time as well."""
        asset = self._asset_of.get(key)
        if asset is None:
            return []
        if price is None:
            asset.not_told(key, now_ms)
            return []
        return [self._value(fee, price) for fee in asset.at_the_time_of(key)]

    def _value(self, fee: UnvaluedFee, price: AssetPrice) -> FeeValued:
        asset = self._asset_of.pop(_key(fee))
        asset.told(_key(fee))
        if not asset.waiting and not asset.more:
            del self._assets[asset.name]
        value = (fee.amount * price.price).quantize(COST_STEP)
        worth = FeeValue(value, price.price, price.source, price.time_ms)
        return FeeValued(fee.trader_id, fee.client_order_id, fee.trade_id, worth)


@dataclass(slots=True)
class _Asset:
    """One third asset: its fees, and when to ask for prices."""

    name: str
    amount: Decimal = ZERO
    """The sum of all without a value."""
    more: Decimal = ZERO
    """The part of it that is on record alone."""
    waiting: dict[FeeKey, UnvaluedFee] = field(default_factory=dict)
    """Those whose price is asked for; which is next comes first."""
    asked: set[FeeKey] = field(default_factory=set)
    fresh: set[FeeKey] = field(default_factory=set)
    failures: int = 0
    """Answers in a row that told no price."""
    next_ms: int = 0
    """When to ask again after those; while some are asked for, when to give these up."""

    def due(self, now_ms: int) -> Iterator[PriceFee]:
        if self.asked and now_ms >= self.next_ms:
            self.not_told(next(iter(self.asked)), now_ms)
        if not self.asked and now_ms < self.next_ms:
            return
        limit = 1 if self.failures else OUTSTANDING_MAX
        for key, fee in self.waiting.items():
            if len(self.asked) >= limit:
                return
            if key not in self.asked:
                self.asked.add(key)
                self.next_ms = now_ms + ANSWER_MS
                yield PriceFee(fee.client_order_id, fee.trade_id, fee.asset, fee.time_ms)

    def told(self, key: FeeKey) -> None:
        self.amount -= self.waiting.pop(key).amount
        if not self.waiting:
            self.amount = self.more  # without what rounding left
        self.asked.discard(key)
        self.fresh.discard(key)
        self.failures = 0
        if not self.asked:
            self.next_ms = 0

    def not_told(self, key: FeeKey, now_ms: int) -> None:
        """Pause, and let another fee be asked for first next time."""
        if key in self.waiting:
            self.waiting[key] = self.waiting.pop(key)
        self.asked.clear()
        self.fresh.clear()
        self.next_ms = now_ms + min(RETRY_FIRST_MS << min(self.failures, 20), RETRY_MOST_MS)
        self.failures += 1

    def at_the_time_of(self, key: FeeKey) -> list[UnvaluedFee]:
        """Return the fees that the price of one is also the price of."""
        time_ms = self.waiting[key].time_ms
        return [fee for fee in self.waiting.values() if fee.time_ms == time_ms]


def _key(fee: UnvaluedFee) -> FeeKey:
    return fee.client_order_id, fee.trade_id

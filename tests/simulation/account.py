"""The account's limits and halts in the record's database, and the port that a process has to it.

What a statement checks is written here once more, in Python: exposure and open cycles, in one
quote asset. The others are the SQL's alone (tests/integration/test_account_limits.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from simulation.memory import MemoryRecord
from symbol_trader.core.limits import (
    AccountLimit,
    AccountState,
    BidsWanted,
    Halt,
    LimitInForce,
    OnLimit,
)
from symbol_trader.core.money import ZERO
from symbol_trader.core.orders import Intent, Side
from symbol_trader.core.records import RefusedBuy

if TYPE_CHECKING:
    from simulation.database import SimulatedRecord


@dataclass
class Account:
    """The rows of one account."""

    limits: dict[str, AccountLimit] = field(default_factory=dict)
    """Those in force, by uid."""
    deleted: set[str] = field(default_factory=set)
    person: Halt | None = None
    """The halt that a person noted by a command."""

    @property
    def halts(self) -> tuple[Halt, ...]:
        """Return what halts the account now."""
        of_specs = (
            Halt(f"halt of {limit.name} is true", 0, OnLimit(limit.on_limit))
            for limit in self.limits.values()
            if limit.halt
        )
        return (*([self.person] if self.person else []), *of_specs)

    @property
    def state(self) -> AccountState:
        """Return what a leader reads."""
        held = (
            LimitInForce(one.uid, one.generation, one.cluster, one.namespace, one.name)
            for one in self.limits.values()
        )
        return AccountState(self.halts, tuple(held))

    def mirror(self, limit: AccountLimit) -> bool:
        """Take in a limit unless a newer generation of it is known."""
        known = self.limits.get(limit.uid)
        if limit.uid in self.deleted or (known and known.generation >= limit.generation):
            return False
        self.limits[limit.uid] = limit
        return True

    def forget(self, uid: str) -> bool:
        """Lift a limit for good."""
        self.deleted.add(uid)
        return self.limits.pop(uid, None) is not None

    def why_not(self, rows: MemoryRecord, buy: Intent) -> RefusedBuy | None:
        """Return why a buy is not committed, None where it may be."""
        if halts := self.halts:
            return RefusedBuy(buy.client_order_id, "Halted", str(halts[0]))
        committed = {name: _committed(rows, name) for name in rows.running}
        cost = buy.price * buy.quantity
        exposure = sum(committed.values(), cost) + max(rows.carried_cost, ZERO)
        opens = len({name for name, quote in committed.items() if quote} | {buy.trader_id})
        for limit in self.limits.values():
            if limit.max_exposure is not None and exposure > limit.max_exposure:
                return RefusedBuy(buy.client_order_id, "MaxExposure", f"{exposure} is too much")
            if limit.max_open_cycles is not None and opens > limit.max_open_cycles:
                return RefusedBuy(buy.client_order_id, "MaxOpenCycles", f"{opens} are too many")
        return None


class SimulatedLimits:
    """The port `AccountLimits` of one process, over its connection."""

    def __init__(self, record: "SimulatedRecord", account: Account) -> None:
        self._record = record
        self._account = account

    async def read(self) -> AccountState:
        """Read what is in force."""
        return await self._record.ask("read limits", lambda: self._account.state)

    async def hear(self, heard: Mapping[str, int]) -> None:
        """Take in what the leader has heard of."""

    async def report(self, limit: LimitInForce) -> None:
        """Leave reports to the tests of the SQL."""

    async def take_on_bids(self) -> None:
        """Leave bids to the tests of the SQL: no limit of losses is declared here."""

    async def record_bids(self, wanted: BidsWanted, bids: Mapping[str, Decimal]) -> None:
        """Take in bids: none is ever taken on."""
        raise AssertionError(wanted)

    async def mirror(self, limit: AccountLimit) -> bool:
        """Put a limit in force."""
        return await self._record.ask("mirror a limit", lambda: self._account.mirror(limit))

    async def forget(self, uid: str) -> bool:
        """Lift a limit."""
        return await self._record.ask("forget a limit", lambda: self._account.forget(uid))


def _committed(rows: MemoryRecord, name: str) -> Decimal:
    """Return what a trader's buys have spent or may still spend."""
    costs = (
        row.executed_quote
        if row.over
        else row.executed_quote
        + ((row.quantity or row.intent.quantity) - row.executed) * row.intent.price
        for row in rows.leg(name, Side.BUY)  # type: ignore[arg-type]  # a trader's name is text
        if row.existed
    )
    return sum(costs, ZERO)

"""The port `AccountLimits` of one process, over its connection to the record's database."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from symbol_trader.core.limits import AccountLimit, AccountState, BidsWanted, LimitInForce

if TYPE_CHECKING:
    from simulation.database import Database, SimulatedRecord


class SimulatedLimits:
    """Reads and writes the account's rows."""

    def __init__(self, record: "SimulatedRecord", database: "Database") -> None:
        self._record = record
        self._database = database

    async def read(self) -> AccountState:
        """Read what is in force."""
        return await self._record.ask("read limits", lambda: self._database.account.state)

    async def hear(self, heard: Mapping[str, int]) -> None:
        """Take in what the leader has heard of."""

    async def report(self, limit: LimitInForce) -> None:
        """Leave reports to the tests of the SQL."""

    async def take_on_bids(self) -> None:
        """Take on none: there is one symbol, and bids of others are for the tests of the SQL."""

    async def record_bids(self, wanted: BidsWanted, bids: Mapping[str, Decimal]) -> None:
        """Take in bids: none is ever taken on."""
        raise AssertionError(wanted)

    async def mirror(self, limit: AccountLimit) -> bool:
        """Put a limit in force."""
        return await self._record.ask("mirror a limit", lambda: self._database.mirror(limit))

    async def forget(self, uid: str) -> bool:
        """Lift a limit."""
        return await self._record.ask("forget a limit", lambda: self._database.forget(uid))

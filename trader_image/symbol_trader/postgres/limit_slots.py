"""The slots of the exchange's limits, shared by all leaders that a limit counts together."""

import asyncio
from enum import StrEnum
from typing import Final

from symbol_trader.postgres import statements
from symbol_trader.postgres.leader_connection import LeaderConnection

RESERVED_MAX_S: Final = 3_600.0
"""No slot is reserved beyond this: who asks for one again and again must not delay all for hours.
The connections of 500 leaders at once take a third of it at Binance's limit."""

OPEN_WITHIN_S: Final = 5.0
"""How long a connection that is not open is waited for: somebody may be about to open it."""


class LimitKind(StrEnum):
    """What a limit counts."""

    CONNECTIONS = "connections"
    """Of an address: the scope is the group of leaders that share it."""
    WEIGHT = "weight"
    """Request weight of an address."""
    ORDERS = "orders"
    """Orders of an account: the scope is its uid."""


class PostgresSlots:
    """The slots of one limit of an environment's exchange."""

    def __init__(
        self, link: LeaderConnection, environment: str, kind: LimitKind, scope: str
    ) -> None:
        """Reserve over this connection, which need not be open yet."""
        self._link = link
        self._key = (environment, kind.value, scope)

    async def reserve(self, length_s: float, within_s: float = RESERVED_MAX_S) -> float | None:
        """Reserve the next slot, which lasts `length_s`; return in how many seconds it ends.

        None: slots are reserved for `within_s` already, and this one was not. It is the database's
        clock that counts, which all leaders share. The reservation does not wait for the disk: a
        crash that loses the last ones loses less than the limits have to spare.

        Who is canceled meanwhile leaves the connection to those who share it: a statement that is
        broken off would end it.

        Raises:
            Unavailable: The database cannot be reached, or the connection is not open for a while.

        """
        await self._link.wait_until_open(OPEN_WITHIN_S)
        asking = asyncio.ensure_future(self._ask(length_s, within_s))
        asking.add_done_callback(_hear)
        return await asyncio.shield(asking)

    async def _ask(self, length_s: float, within_s: float) -> float | None:
        times_s = (length_s, within_s, 2 * RESERVED_MAX_S)
        rows = await self._link.ask(statements.RESERVE_SLOT, *self._key, *times_s)
        return float(rows[0]["ends_in_s"]) if rows else None


def _hear(asked: asyncio.Future[float | None]) -> None:
    """Take note of a failure that nobody waits for any more."""
    if not asked.cancelled():
        asked.exception()

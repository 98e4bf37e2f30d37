"""The slots for connections to the exchange, shared by all leaders behind one address."""

import asyncio
from typing import Final

from symbol_trader.postgres import statements
from symbol_trader.postgres.leader_connection import LeaderConnection

RESERVED_MAX_S: Final = 3_600.0
"""No slot is reserved beyond this: who asks for one again and again must not delay all for hours.
The connections of 500 leaders at once take a third of it at Binance's limit."""

OPEN_WITHIN_S: Final = 5.0
"""How long a connection that is not open is waited for: somebody may be about to open it."""


class PostgresConnectionSlots:
    """The slots of an environment's exchange and a group of leaders that share an address."""

    def __init__(self, link: LeaderConnection, environment: str, address_group: str) -> None:
        """Reserve over this connection, which need not be open yet."""
        self._link = link
        self._key = (environment, address_group)

    async def reserve(self, spacing_s: float) -> float | None:
        """Reserve the next slot, which lasts `spacing_s`; return in how many seconds it ends.

        None: slots are reserved for an hour already, and this one was not. It is the database's
        clock that counts, which all leaders share.

        Who is canceled meanwhile leaves the connection to those who share it: a statement that is
        broken off would end it.

        Raises:
            Unavailable: The database cannot be reached, or the connection is not open for a while.

        """
        await self._link.wait_until_open(OPEN_WITHIN_S)
        asking = asyncio.ensure_future(self._ask(spacing_s))
        asking.add_done_callback(_hear)
        return await asyncio.shield(asking)

    async def _ask(self, spacing_s: float) -> float | None:
        rows = await self._link.ask(statements.RESERVE_SLOT, *self._key, spacing_s, RESERVED_MAX_S)
        return float(rows[0]["ends_in_s"]) if rows else None


def _hear(asked: asyncio.Future[float | None]) -> None:
    """Take note of a failure that nobody waits for any more."""
    if not asked.cancelled():
        asked.exception()

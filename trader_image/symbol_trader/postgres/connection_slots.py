"""The slots for connections to the exchange, shared by all leaders behind one address."""

from typing import Final

from symbol_trader.postgres import statements
from symbol_trader.postgres.leader_connection import LeaderConnection

RESERVED_MAX_S: Final = 3_600.0
"""No slot is reserved beyond this: who asks for one again and again must not delay all for hours.
The connections of 500 leaders at once take a third of it at Binance's limit."""


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

        Raises:
            Unavailable: The database cannot be reached, or the connection is not open.

        """
        rows = await self._link.ask(statements.RESERVE_SLOT, *self._key, spacing_s, RESERVED_MAX_S)
        return float(rows[0]["ends_in_s"]) if rows else None

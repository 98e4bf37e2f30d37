"""What the exchange said of a symbol a while ago, to whichever leader of this record."""

import json
from typing import Any

from symbol_trader.postgres import statements
from symbol_trader.postgres.leader_connection import LeaderConnection


class PostgresReplies:
    """The replies of an environment's exchange that leaders share. Methods raise `Unavailable`.

    `account` is a uid, and empty for what is said to everybody.
    """

    def __init__(self, link: LeaderConnection, environment: str) -> None:
        """Share over this connection, which is open when it is used."""
        self._link = link
        self._environment = environment

    async def find(
        self, method: str, symbol: str, account: str, age_max_s: float
    ) -> tuple[Any, float] | None:
        """Return a reply and its age in seconds; None where there is none that is young enough."""
        key = (self._environment, symbol, method, account)
        rows = await self._link.ask(statements.RECENT_REPLY, *key, age_max_s)
        return (json.loads(rows[0]["result"]), float(rows[0]["age_s"])) if rows else None

    async def keep(self, method: str, symbol: str, account: str, result: Any) -> None:
        """Keep a reply that came just now, in place of an older one."""
        key = (self._environment, symbol, method, account)
        await self._link.ask(statements.KEEP_REPLY, *key, json.dumps(result, default=str))

    async def forget(self, method: str, symbol: str) -> None:
        """Forget a reply, whatever account it is about: it is not true any more."""
        await self._link.ask(statements.FORGET_REPLY, self._environment, symbol, method)

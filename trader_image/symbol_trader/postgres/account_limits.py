"""Limits and halts of an account as rows of the record: what the statement of an intent checks."""

import json
from dataclasses import asdict

from symbol_trader.core.limits import AccountLimit, AccountState, Halt, LimitInForce, OnLimit
from symbol_trader.postgres import limit_statements
from symbol_trader.postgres.changes import amount_text
from symbol_trader.postgres.leader_connection import LeaderConnection
from symbol_trader.postgres.ownership import carry_out


class PostgresAccountLimits:
    """Mirrors the limits of the account whose ledger is claimed. Methods may raise `Unavailable`.

    They ask for no epoch: whoever saw a resource last may say so, and an older generation of it
    changes nothing.
    """

    def __init__(self, link: LeaderConnection) -> None:
        """Write over a leader's connection."""
        self._link = link

    async def read(self) -> AccountState:
        """Read which limits and halts are in force for the symbol."""
        ledger = self._link.claim.ledger
        (row,) = await self._link.ask(limit_statements.READ, *self._account(), ledger.symbol)
        return AccountState(
            tuple(_halt(**halt) for halt in json.loads(row["halts"])),
            tuple(LimitInForce(**limit) for limit in json.loads(row["limits"])),
            needs_bids=row["needs_bids"],
        )

    async def mirror(self, limit: AccountLimit) -> bool:
        """Put a limit in force with the commit, halts included; return whether it was news."""
        facts = json.dumps(asdict(limit), default=amount_text)
        (row,) = await self._link.ask(limit_statements.MIRROR, *self._account(), facts)
        return bool(row["news"])

    async def forget(self, uid: str) -> bool:
        """Lift a limit whose resource was deleted; return whether it was news. A halt stays."""
        (row,) = await self._link.ask(limit_statements.FORGET, *self._account(), uid)
        return bool(row["news"])

    def _account(self) -> tuple[str, str]:
        ledger = self._link.claim.ledger
        return ledger.environment, ledger.account


def _halt(reason: str, on_limit: str, since_ms: int) -> Halt:
    return Halt(reason, since_ms, OnLimit(on_limit))


async def halt(url: str, environment: str, account: str, *, reason: str, on_limit: str) -> None:
    """Let nothing buy on an account, from the commit of this on, until `resume`.

    `on_limit` says what becomes of what is open: NoBuys, CancelBuys or Shutdown.

    Raises:
        Unavailable: The database cannot be reached.
        SchemaMismatch: The record has another schema than this program knows.

    """
    await carry_out(url, "halt", limit_statements.HALT, environment, account, reason, on_limit)


async def resume(url: str, environment: str, account: str) -> list[str]:
    """Let an account buy again; return the reasons of the halts that stay.

    A halt that a resource asks for ends where it is written. Losses count from here on.

    Raises:
        Unavailable: The database cannot be reached.
        SchemaMismatch: The record has another schema than this program knows.

    """
    rows = await carry_out(url, "resume", limit_statements.RESUME, environment, account)
    return [row["reason"] for row in rows]

"""Limits and halts of an account as rows of the record: what the statement of an intent checks."""

import json
from dataclasses import asdict
from typing import Final

from symbol_trader.core.limits import AccountLimit
from symbol_trader.postgres.changes import amount_text
from symbol_trader.postgres.leader_connection import LeaderConnection
from symbol_trader.postgres.ownership import carry_out

# $1 and $2 are environment and account.
_MIRROR: Final = "SELECT mirror_limit($1::text, $2::text, $3::jsonb) AS news"
_FORGET: Final = "SELECT forget_limit($1::text, $2::text, $3::text) AS news"
_HALT: Final = "SELECT halt_account($1::text, $2::text, $3::text, $4::text)"
_RESUME: Final = "SELECT reason FROM resume_account($1::text, $2::text) AS reason"


class PostgresAccountLimits:
    """Mirrors the limits of the account whose ledger is claimed. Methods may raise `Unavailable`.

    They ask for no epoch: whoever saw a resource last may say so, and an older generation of it
    changes nothing.
    """

    def __init__(self, link: LeaderConnection) -> None:
        """Write over a leader's connection."""
        self._link = link

    async def mirror(self, limit: AccountLimit) -> bool:
        """Put a limit in force with the commit, halts included; return whether it was news."""
        facts = json.dumps(asdict(limit), default=amount_text)
        (row,) = await self._link.ask(_MIRROR, *self._account(), facts)
        return bool(row["news"])

    async def forget(self, uid: str) -> bool:
        """Lift a limit whose resource was deleted; return whether it was news. A halt stays."""
        (row,) = await self._link.ask(_FORGET, *self._account(), uid)
        return bool(row["news"])

    def _account(self) -> tuple[str, str]:
        ledger = self._link.claim.ledger
        return ledger.environment, ledger.account


async def halt(url: str, environment: str, account: str, *, reason: str, on_limit: str) -> None:
    """Let nothing buy on an account, from the commit of this on, until `resume`.

    `on_limit` says what becomes of what is open: NoBuys, CancelBuys or Shutdown.

    Raises:
        Unavailable: The database cannot be reached.
        SchemaMismatch: The record has another schema than this program knows.

    """
    await carry_out(url, "halt", _HALT, environment, account, reason, on_limit)


async def resume(url: str, environment: str, account: str) -> list[str]:
    """Let an account buy again; return the reasons of the halts that stay.

    A halt that a resource asks for ends where it is written. Losses count from here on.

    Raises:
        Unavailable: The database cannot be reached.
        SchemaMismatch: The record has another schema than this program knows.

    """
    rows = await carry_out(url, "resume", _RESUME, environment, account)
    return [row["reason"] for row in rows]

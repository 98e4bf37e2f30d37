"""Limits and halts of an account as rows of the record: what the statement of an intent checks."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from symbol_trader.core.limits import (
    AccountLimit,
    AccountState,
    BidsWanted,
    Halt,
    LimitInForce,
    LimitReport,
    LimitUsed,
    OnLimit,
)
from symbol_trader.errors import InvalidInput
from symbol_trader.postgres import limit_statements
from symbol_trader.postgres.changes import amount_text
from symbol_trader.postgres.leader_connection import LeaderConnection
from symbol_trader.postgres.ownership import carry_out

REPORT_EVERY: Final = timedelta(seconds=10)
"""How often the status of a limit is worked out, by one of the account's leaders."""
BID_AGE_MAX: Final = timedelta(seconds=30)
"""From this age on a bid is asked for by any leader: its own one records it every 25 s."""
ASK_AGAIN_AFTER: Final = timedelta(seconds=10)
"""When another leader asks for a bid that one set out to ask for."""
SYMBOLS_AT_ONCE: Final = 100
"""Most symbols in one request for bids."""


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

    async def hear(self, heard: Mapping[str, int]) -> None:
        """Note which generation of each limit, by uid, the leader has heard of. Raises `Fenced`."""
        await self._link.ask_held(limit_statements.HEAR, json.dumps(dict(heard)))

    async def report(self, limit: LimitInForce) -> LimitReport | None:
        """Return what is to be said of a limit, None where another leader does so just now."""
        which = (*self._account(), limit.uid)
        if not await self._link.ask(limit_statements.CLAIM_REPORT, *which, REPORT_EVERY):
            return None
        (row,) = await self._link.ask(limit_statements.REPORT, *which)
        return LimitReport(
            replace(limit, generation=row["generation"]),
            row["environment"],
            row["account"],
            row["leaders"],
            row["leaders_heard"],
            tuple(_used(**used) for used in json.loads(row["usage"])),
            tuple(_halt(**halt) for halt in json.loads(row["halts"])),
            tuple(json.loads(row["others"])),
        )

    async def take_on_bids(self) -> BidsWanted | None:
        """Set out to ask for bids whose lack keeps the symbol from buying, unless another does."""
        which = (*self._account(), self._link.claim.ledger.symbol)
        ages = (BID_AGE_MAX, ASK_AGAIN_AFTER, SYMBOLS_AT_ONCE)
        found = await self._link.ask(limit_statements.TAKE_ON_BIDS, *which, *ages)
        if not found:
            return None
        symbols = tuple(sorted(row["symbol"] for row in found))
        return BidsWanted(symbols, found[0]["bid_asked_at"])

    async def record_bids(self, wanted: BidsWanted, bids: Mapping[str, Decimal]) -> None:
        """Record the bids of others' symbols, unless it took too long to ask for them."""
        facts = json.dumps(dict(bids), default=amount_text)
        arguments = (*self._account(), wanted.asked_at, facts)
        await self._link.ask(limit_statements.RECORD_BIDS_OF_OTHERS, *arguments)

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


def _used(used: str, most: str, **rest: Any) -> LimitUsed:
    return LimitUsed(used=Decimal(used), most=Decimal(most), **rest)


def _halt(reason: str, on_limit: str, since_ms: int) -> Halt:
    return Halt(reason, since_ms, OnLimit(on_limit))


class UnknownAccount(InvalidInput):
    """No leader has ever traded on an account; the text names those that are on record."""


async def halt(url: str, environment: str, account: str, *, reason: str, on_limit: str) -> None:
    """Let nothing buy on an account, from the commit of this on, until `resume`.

    `on_limit` says what becomes of what is open: NoBuys, CancelBuys or Shutdown.

    Raises:
        UnknownAccount: It is halted, but nobody trades on it: it is probably misspelt.
        Unavailable: The database cannot be reached.
        SchemaMismatch: The record has another schema than this program knows.

    """
    arguments = (environment, account, reason, on_limit)
    (row,) = await carry_out(url, "halt", limit_statements.HALT, *arguments)
    _check(environment, account, row["known"])


async def resume(url: str, environment: str, account: str) -> list[str]:
    """Let an account buy again; return the reasons of the halts that stay.

    A halt that a resource asks for ends where it is written. Losses count from here on.

    Raises:
        UnknownAccount: Nobody trades on it: it is probably misspelt.
        Unavailable: The database cannot be reached.
        SchemaMismatch: The record has another schema than this program knows.

    """
    (row,) = await carry_out(url, "resume", limit_statements.RESUME, environment, account)
    _check(environment, account, row["known"])
    return list(row["reasons"])


def _check(environment: str, account: str, known: Sequence[str]) -> None:
    if f"{environment} {account}" not in known:
        raise UnknownAccount(
            f"no leader has ever traded on account {account} ({environment}): look at --account "
            "and --exchange-environment; on record, by environment, are "
            f"{', '.join(known) or 'none'}"
        )

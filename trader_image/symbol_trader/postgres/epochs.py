"""The `Ownership` port on PostgreSQL: a ledger is claimed, its epoch confirmed, and released."""

import asyncpg

from symbol_trader.errors import (
    AccountChanged,
    Contradiction,
    DatabaseUnavailable,
    Fenced,
    OwnedByAnother,
    RolledBack,
)
from symbol_trader.identity import Epoch, LedgerKey, Owner
from symbol_trader.postgres import statements
from symbol_trader.postgres.leader_connection import (
    LeaderConnection,
    describe,
    how_held,
    key_of,
    name_of,
)
from tradingsymbol_api.ownership import FILE_CLUSTER, ForeignOwner


class PostgresOwnership:
    """The ownership of one ledger.

    After `Unavailable` the connection is gone: `open` and `confirm` come before anything else.
    """

    def __init__(self, link: LeaderConnection) -> None:
        """Claim for this connection, which need not be open yet."""
        self._link = link

    async def open(self) -> None:
        """Connect, in place of an earlier connection, and check the schema's version.

        Raises:
            Unavailable: The database cannot be reached, or does not let us in.
            SchemaMismatch: The record has another schema than this program knows.
            RolledBack: It is another database than the one that the epoch was taken in.

        """
        await self._link.open()

    async def claim(self, ledger: LedgerKey, owner: Owner, *, pod: str) -> Epoch:
        """Take the next epoch of a ledger.

        `pod` names one life of a pod, by its uid: a pod that was superseded by another is refused.

        Raises:
            OwnedByAnother: Another resource holds the ledger and has not released it.
            AccountChanged: The owner's open traders are on record for another account.
            Fenced: Another pod took the ledger from this one, or this one was barred.

        """
        where_and_who = (*key_of(ledger), owner.cluster, owner.namespace, owner.name)
        found = await self._link.ask(statements.CLAIM, *where_and_who, pod)
        if not found:
            raise await self._why_not_claimed(ledger, owner, pod)
        epoch = Epoch(found[0]["epoch"], found[0]["nonce"])
        self._link.claimed(ledger, epoch, settlements=found[0]["settlements"])
        return epoch

    async def confirm(self) -> None:
        """Check that the epoch taken last still stands, and the intent committed last.

        Raises:
            Fenced: Another epoch was taken since.
            RolledBack: The record has lost the epoch, or the intent.

        """
        link, committed = self._link, self._link.committed
        found = await link.ask(statements.CONFIRM, *link.claim.arguments, committed)
        if not found:
            raise await link.why_over()
        if not found[0]["whole"]:
            raise RolledBack(f"{link.where} has lost {committed}, which was committed")

    async def release(self) -> None:
        """Give up ownership, and with it the epoch.

        Raises `Fenced`, and `Contradiction` while a trader is unfinished.
        """
        claim = self._link.claim
        if not await self._link.ask(statements.RELEASE, *claim.arguments):
            await self.confirm()
            raise Contradiction(f"{name_of(claim.ledger)}: traders are unfinished on record")

    async def close(self) -> None:
        """Close the connection; never raises."""
        await self._link.close()

    async def _why_not_claimed(self, ledger: LedgerKey, owner: Owner, pod: str) -> Exception:
        if barred := await self._link.ask(statements.BARRED, pod):
            return Fenced(f"pod {pod} was barred at {barred[0]['barred_at']:%Y-%m-%dT%H:%M:%SZ}")
        where_and_who = (*key_of(ledger), owner.cluster, owner.namespace, owner.name)
        if others := await self._link.ask(statements.OTHER_ACCOUNTS, *where_and_who):
            traders = ", ".join(f"{row['traders']} for account {row['account']}" for row in others)
            return AccountChanged(
                f"unfinished traders of {ledger.symbol} on {ledger.environment} are on record "
                f"({traders}), and the key belongs to account {ledger.account}: "
                "go back to a key of the account that they were begun with"
            )
        holder = await self._link.holder(ledger)
        if holder is None:
            return DatabaseUnavailable(
                f"{self._link.where}: {name_of(ledger)} went away while it was claimed"
            )
        if _owner(holder) == owner:
            return Fenced(f"pod {pod} lost {name_of(ledger)} to another: {describe(holder)}")
        named = ForeignOwner(
            ledger.symbol,
            ledger.account,
            ledger.environment,
            holder["cluster"],
            holder["namespace"],
            holder["name"],
        )
        return OwnedByAnother(
            f"{named} {how_held(holder)}; "
            f"to take it from there, stop that one and {_remedy(holder)}"
        )


def _owner(holder: asyncpg.Record) -> Owner:
    return Owner(holder["cluster"], holder["namespace"], holder["name"])


def _remedy(holder: asyncpg.Record) -> str:
    if holder["cluster"] == FILE_CLUSTER and holder["name"].startswith("/"):
        # As version 0.1.0 named the owner of a file.
        option = f"--owner {holder['namespace']}:{holder['name']}"
        return f"go on as it with `symbol-trader run {option}`, or run `symbol-trader takeover`"
    return "run `symbol-trader takeover`"

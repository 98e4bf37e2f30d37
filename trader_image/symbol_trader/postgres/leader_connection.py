"""A leader's one connection to the record, and the epoch under which it writes there.

Ownership and record share it: what the one has claimed, each statement of the other checks.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from symbol_trader.errors import DatabaseUnavailable, Fenced, RolledBack, Unavailable
from symbol_trader.identity import Epoch, LedgerKey
from symbol_trader.postgres import connection, errors, schema, statements
from symbol_trader.postgres.address import DatabaseAddress
from symbol_trader.postgres.connection import DEFAULT_TIMEOUTS, Timeouts

CLOSE_TIMEOUT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Claim:
    """A ledger, and the epoch that was taken of it."""

    ledger: LedgerKey
    epoch: Epoch

    @property
    def arguments(self) -> tuple[str, str, str, int, str]:
        """Return $1 to $5 of the statements that check the epoch."""
        return (*key_of(self.ledger), self.epoch.number, self.epoch.nonce)


class LeaderConnection:
    """One connection, one ledger, one epoch.

    After `Unavailable` the connection is gone: it is opened again, and the epoch confirmed, before
    anything else is asked. What was asked then counts as not done, although it may be.
    """

    def __init__(self, address: DatabaseAddress, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> None:
        """Name the database. Nothing is read or connected yet."""
        self.where = errors.describe(address.url)
        self.committed: str | None = None
        """The intent that was committed last: what a record that lost commits lacks first."""
        self.settlements = 0
        """How often a person had settled an order of the ledger when it was claimed or loaded."""
        self._address = address
        self._timeouts = timeouts
        self._connection: asyncpg.Connection | None = None
        self._opened = asyncio.Event()
        self._lock = asyncio.Lock()
        self._claim: Claim | None = None
        self._origin: connection.Origin | None = None
        """Where the epoch was taken, or was confirmed last."""

    async def open(self) -> None:
        """Connect, in place of an earlier connection, and check the schema's version.

        Raises:
            Unavailable: The database cannot be reached, or does not let us in.
            SchemaMismatch: The record has another schema than this program knows.
            RolledBack: It is another database than the one that the epoch was taken in.

        """
        async with self._lock:
            self._drop()
            url = self._address.read()
            self.where = errors.describe(url)
            self._connection = await connection.connect(url, self._timeouts)
        try:
            async with self.session() as session:
                self._recognise(await connection.origin(session))
                schema.check(await connection.schema_version(session))
        except BaseException:
            self._drop()
            raise
        self._opened.set()

    async def wait_until_open(self, timeout_s: float) -> None:
        """Wait until somebody has opened the connection, or until so many seconds have passed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._opened.wait()

    def _recognise(self, found: connection.Origin) -> None:
        """Compare with where the epoch was taken; a fail-over forward is for `confirm` to judge."""
        known = self._origin
        if self._claim is not None and known is not None and found.forgets(known):
            raise RolledBack(f"{self.where} is not what it was: {found}, and before {known}")
        self._origin = found

    async def close(self) -> None:
        """Close the connection, politely if the server listens; never raises."""
        async with self._lock:
            if self._connection is not None:
                with suppress(Unavailable), errors.translated(self.where, lambda: True):
                    await self._connection.close(timeout=CLOSE_TIMEOUT_S)
            self._drop()

    @property
    def claim(self) -> Claim:
        """Return what was claimed last."""
        if self._claim is None:
            raise AssertionError("the ledger is claimed before it is used")
        return self._claim

    def claimed(self, ledger: LedgerKey, epoch: Epoch, *, settlements: int) -> None:
        """Let what follows be checked against this epoch."""
        self._claim = Claim(ledger, epoch)
        self.settlements = settlements

    async def ask(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Run a statement, and return its rows."""
        async with self.session() as session:
            found: list[asyncpg.Record] = await session.fetch(statement, *arguments)
            return found

    async def ask_held(self, statement: str, *arguments: Any) -> None:
        """Run a statement that finds no row exactly if the epoch is over."""
        if not await self.ask(statement, *self.claim.arguments, *arguments):
            raise await self.why_over()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[asyncpg.Connection]:
        """Take the connection for one thing at a time; give it up when it fails."""
        async with self._lock:
            session = self._connection
            if session is None:
                raise DatabaseUnavailable(f"{self.where}: not connected")
            try:
                with errors.translated(self.where, session.is_closed):
                    yield session
            except (Unavailable, asyncio.CancelledError):
                # Whatever was under way: its answer must not be taken for a later one's.
                self._drop()
                raise

    async def why_over(self) -> Fenced | RolledBack:
        """Return why the epoch is not on record: another was taken, or this one was lost."""
        claim = self.claim
        holder = await self.holder(claim.ledger)
        epoch = f"epoch {claim.epoch.number} of {name_of(claim.ledger)}"
        if holder is None:
            return RolledBack(f"{self.where} has lost {epoch}: it holds nothing of it")
        if holder["epoch"] < claim.epoch.number:
            return RolledBack(f"{self.where} has lost {epoch}: {describe(holder)}")
        return Fenced(f"{epoch} is over: {describe(holder)}")

    async def holder(self, ledger: LedgerKey) -> asyncpg.Record | None:
        """Return the row that says who holds a ledger, None where nobody ever has."""
        return next(iter(await self.ask(statements.HOLDER, *key_of(ledger))), None)

    def _drop(self) -> None:
        self._opened.clear()
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


def key_of(ledger: LedgerKey) -> tuple[str, str, str]:
    """Return a ledger as arguments of a statement."""
    return ledger.environment, ledger.account, ledger.symbol


def name_of(ledger: LedgerKey) -> str:
    """Name a ledger for people."""
    return f"{ledger.symbol} (account {ledger.account}, {ledger.environment})"


def describe(holder: asyncpg.Record) -> str:
    """Return who holds a ledger, or when it was given up, as text."""
    who = f"{holder['namespace']}/{holder['name']} in cluster {holder['cluster']}"
    return f"{who} {how_held(holder)}"


def how_held(holder: asyncpg.Record) -> str:
    """Return by which epoch a ledger is held, or when it was given up, as text."""
    if holder["released_at"]:
        return f"released it at {holder['released_at']:%Y-%m-%dT%H:%M:%SZ}"
    return (
        f"holds epoch {holder['epoch']} with pod {holder['pod']} "
        f"since {holder['claimed_at']:%Y-%m-%dT%H:%M:%SZ}"
    )

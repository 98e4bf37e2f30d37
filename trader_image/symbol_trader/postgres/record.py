"""The `Record` port on PostgreSQL: one connection, one book, one epoch."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from symbol_trader.core.fees import WAITING_MAX
from symbol_trader.core.orders import Intent
from symbol_trader.core.records import RecordChange, Snapshot
from symbol_trader.desired import Desired
from symbol_trader.errors import (
    AccountChanged,
    Contradiction,
    DatabaseUnavailable,
    Fenced,
    OwnedByAnother,
    RolledBack,
    Unavailable,
)
from symbol_trader.identity import Book, Epoch, Owner
from symbol_trader.postgres import connection, errors, rows, schema, statements
from symbol_trader.postgres.changes import encode
from symbol_trader.postgres.connection import DEFAULT_LIMITS, Limits

CLOSE_TIMEOUT_S: Final = 1.0
FILE: Final = "file"
"""Stands for the cluster of resources that are files."""


@dataclass(frozen=True, slots=True)
class _Claim:
    book: Book
    epoch: Epoch

    @property
    def arguments(self) -> tuple[str, str, str, int, str]:
        """Return $1 to $5 of the statements that check the epoch."""
        return (*_book(self.book), self.epoch.number, self.epoch.nonce)


class PostgresRecord:
    """The record of one book.

    After `Unavailable` the connection is gone: `open` and `confirm` come before anything else.
    What was asked then counts as not done, although it may be: `load` tells. Besides the port's
    errors, a write that does not fit what is on record raises `Contradiction`.
    """

    def __init__(self, url: str, limits: Limits = DEFAULT_LIMITS) -> None:
        """Name the database by its URL (postgresql://…). Nothing is connected yet."""
        self._url = url
        self._limits = limits
        self._where = errors.describe(url)
        self._connection: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()
        self._claimed: _Claim | None = None
        self._origin: connection.Origin | None = None
        """Where the epoch was taken, or was confirmed last."""
        self._committed: str | None = None
        """The intent that was committed last: what a record that lost commits lacks first."""
        self._settlements = 0
        """How often a person had settled an order of the book when it was loaded."""

    async def open(self) -> None:
        """Connect, in place of an earlier connection, and check the schema's version.

        Raises:
            Unavailable: The database cannot be reached, or does not let us in.
            SchemaMismatch: The record has another schema than this program knows.
            RolledBack: It is another database than the one that the epoch was taken in.

        """
        async with self._turn:
            self._drop()
            self._connection = await connection.connect(self._url, self._limits)
        try:
            async with self._session() as session:
                self._recognise(await connection.origin(session))
                schema.check(await connection.schema_version(session))
        except BaseException:
            self._drop()
            raise

    def _recognise(self, found: connection.Origin) -> None:
        """Compare with where the epoch was taken. A fail-over forward is for `confirm` to judge."""
        known = self._origin
        if self._claimed is not None and known is not None and found.forgets(known):
            raise RolledBack(f"{self._where} is not what it was: {found}, and before {known}")
        self._origin = found

    async def claim(self, book: Book, owner: Owner, *, pod: str, desired: Desired) -> Epoch:
        """Take the next epoch of a book and mirror the settings.

        `pod` names one life of a pod, by its uid: a pod that was superseded by another is refused.

        Raises:
            OwnedByAnother: Another resource holds the book and has not released it.
            AccountChanged: The owner's open cycles are on record for another account.
            Fenced: Another pod took the book from this one, or this one was barred.

        """
        where_and_who = (*_book(book), owner.cluster, owner.namespace, owner.name)
        found = await self._ask(statements.CLAIM, *where_and_who, pod)
        if not found:
            raise await self._why_not_claimed(book, owner, pod)
        epoch = Epoch(found[0]["epoch"], found[0]["nonce"])
        self._claimed = _Claim(book, epoch)
        self._settlements = found[0]["settlements"]
        await self.mirror_settings(desired)
        return epoch

    async def confirm(self) -> None:
        """Check that the epoch taken last still stands, and the intent committed last.

        Raises:
            Fenced: Another epoch was taken since.
            RolledBack: The record has lost the epoch, or the intent.

        """
        found = await self._ask(statements.CONFIRM, *self._claim.arguments, self._committed)
        if not found:
            raise await self._why_over()
        if not found[0]["whole"]:
            raise RolledBack(f"{self._where} has lost {self._committed}, which was committed")

    async def load(self) -> Snapshot:
        """Read what a leader needs to go on, all as of one moment. Raises `Fenced`."""
        claim = self._claim
        async with (
            self._session() as session,
            session.transaction(isolation="repeatable_read", readonly=True),
        ):
            sums = await session.fetchrow(statements.SUMS, *claim.arguments)
            book = _book(claim.book)
            questions = (
                (statements.TRADERS, book),
                (statements.ATTEMPTS, book),
                (statements.ORDERS, book),
                (statements.CANCELS, book),
                (statements.FILLS, book),
                (statements.UNVALUED_FEES, (*book, WAITING_MAX)),
                (statements.UNVALUED_SUMS, book),
            )
            parts = rows.Parts(*[await session.fetch(sql, *about) for sql, about in questions])
        if sums is None:
            raise await self._why_over()
        self._settlements = sums["settlements"]
        return rows.snapshot(sums, parts)

    async def note(self, changes: Sequence[RecordChange]) -> None:
        """Record what happened and what is intended, in this order: one statement, one commit.

        An order's state only moves on and its executed quantity only grows, so old news is no
        news. An intent is noted once: after `Unavailable` it counts as not committed, and is not
        sent, although it may be on record.

        Raises:
            Unavailable: It counts as not noted; `load` tells.
            Fenced: The epoch is over.
            SettledMeanwhile: A person has settled an order since the record was loaded.
            Contradiction: The record cannot have it, intents included: the trader is not running
                or has another order that is not over, or the id was used before.

        """
        if not changes:
            return
        arguments = (*self._claim.arguments, self._settlements)
        try:
            await self._ask(statements.NOTE, *arguments, encode(changes))
        except Fenced as exc:
            raise await self._why_over() from exc
        for change in changes:
            if isinstance(change, Intent):
                self._committed = change.client_order_id

    async def settled_meanwhile(self) -> bool:
        """Return whether a person has settled an order of the book since it was loaded."""
        arguments = (*self._claim.arguments, self._settlements)
        found = await self._ask(statements.SETTLED_MEANWHILE, *arguments)
        return any(row["more"] for row in found)

    async def orders_not_on_record(self, order_ids: Collection[int]) -> frozenset[int]:
        """Return those of the exchange's order ids that no order on record has."""
        found = await self._ask(
            statements.ORDERS_NOT_ON_RECORD, *self._claim.arguments, list(order_ids)
        )
        return frozenset(row["number"] for row in found)

    async def names_not_on_record(self, names: Collection[str]) -> frozenset[str]:
        """Return those client order ids that are neither on record nor disowned."""
        found = await self._ask(statements.NAMES_NOT_ON_RECORD, *self._claim.arguments, list(names))
        return frozenset(row["id"] for row in found)

    async def advance_watermark(self, trade_id: int) -> None:
        """Note that every trade up to this id was seen; it never goes back. Raises `Fenced`."""
        await self._held(statements.ADVANCE_WATERMARK, trade_id)

    async def mirror_settings(self, desired: Desired) -> None:
        """Mirror the resource's settings, and which revision they are of. Raises `Fenced`."""
        settings = desired.settings
        await self._held(
            statements.MIRROR_SETTINGS,
            settings.status,
            settings.budget,
            settings.chunks,
            settings.buy_down,
            settings.profit,
            settings.rebuy,
            settings.max_buy_age_ms,
            settings.unfilled_buys,
            settings.deadline_ms,
            settings.at_deadline,
            desired.revision,
            desired.follows,
        )

    async def release(self) -> None:
        """Give up ownership, and with it the epoch.

        Raises `Fenced`, and `Contradiction` while a trader is unfinished.
        """
        if not await self._ask(statements.RELEASE, *self._claim.arguments):
            await self.confirm()
            raise Contradiction(f"{_name(self._claim.book)}: traders are unfinished on record")

    async def close(self) -> None:
        """Close the connection, politely if the server listens; never raises."""
        async with self._turn:
            if self._connection is not None:
                with suppress(Unavailable), errors.translated(self._where, lambda: True):
                    await self._connection.close(timeout=CLOSE_TIMEOUT_S)
            self._drop()

    @property
    def _claim(self) -> _Claim:
        if self._claimed is None:
            raise AssertionError("the book is claimed before it is used")
        return self._claimed

    async def _held(self, statement: str, *arguments: Any) -> None:
        """Run a statement that finds no row exactly if the epoch is over."""
        if not await self._ask(statement, *self._claim.arguments, *arguments):
            raise await self._why_over()

    async def _ask(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        async with self._session() as session:
            found: list[asyncpg.Record] = await session.fetch(statement, *arguments)
            return found

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[asyncpg.Connection]:
        """Take the connection for one thing at a time; give it up when it fails."""
        async with self._turn:
            session = self._connection
            if session is None:
                raise DatabaseUnavailable(f"{self._where}: not connected")
            try:
                with errors.translated(self._where, session.is_closed):
                    yield session
            except (Unavailable, asyncio.CancelledError):
                # Whatever was under way: its answer must not be taken for a later one's.
                self._drop()
                raise

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _why_over(self) -> Fenced | RolledBack:
        """Say why the epoch is not on record: another was taken, or this one was lost."""
        claim = self._claim
        holder = await self._holder(claim.book)
        epoch = f"epoch {claim.epoch.number} of {_name(claim.book)}"
        if holder is None:
            return RolledBack(f"{self._where} has lost {epoch}: it holds nothing of it")
        if holder["epoch"] < claim.epoch.number:
            return RolledBack(f"{self._where} has lost {epoch}: {_describe(holder)}")
        return Fenced(f"{epoch} is over: {_describe(holder)}")

    async def _why_not_claimed(self, book: Book, owner: Owner, pod: str) -> Exception:
        if barred := await self._ask(statements.BARRED, pod):
            return Fenced(f"pod {pod} was barred at {barred[0]['barred_at']:%Y-%m-%dT%H:%M:%SZ}")
        where_and_who = (*_book(book), owner.cluster, owner.namespace, owner.name)
        if others := await self._ask(statements.OTHER_ACCOUNTS, *where_and_who):
            cycles = ", ".join(f"{row['cycles']} for account {row['account']}" for row in others)
            return AccountChanged(
                f"unfinished cycles of {book.symbol} on {book.environment} are on record "
                f"({cycles}), and the key belongs to account {book.account}: "
                "go back to a key of the account that they were begun with"
            )
        holder = await self._holder(book)
        if holder is None:
            return DatabaseUnavailable(
                f"{self._where}: {_name(book)} went away while it was claimed"
            )
        if _owner(holder) == owner:
            return Fenced(f"pod {pod} lost {_name(book)} to another: {_describe(holder)}")
        return OwnedByAnother(
            f"{_name(book)} belongs to another resource: {_describe(holder)}; "
            f"to take it from there, stop that one and {_remedy(holder)}"
        )

    async def _holder(self, book: Book) -> asyncpg.Record | None:
        return next(iter(await self._ask(statements.HOLDER, *_book(book))), None)


def _book(book: Book) -> tuple[str, str, str]:
    return book.environment, book.account, book.symbol


def _owner(holder: asyncpg.Record) -> Owner:
    return Owner(holder["cluster"], holder["namespace"], holder["name"])


def _name(book: Book) -> str:
    return f"{book.symbol} (account {book.account}, {book.environment})"


def _describe(holder: asyncpg.Record) -> str:
    who = f"{holder['namespace']}/{holder['name']} in cluster {holder['cluster']}"
    if holder["released_at"]:
        return f"{who} released it at {holder['released_at']:%Y-%m-%dT%H:%M:%SZ}"
    return (
        f"{who} holds epoch {holder['epoch']} with pod {holder['pod']} "
        f"since {holder['claimed_at']:%Y-%m-%dT%H:%M:%SZ}"
    )


def _remedy(holder: asyncpg.Record) -> str:
    if holder["cluster"] == FILE and holder["name"].startswith("/"):
        # As version 0.1.0 named the owner of a file.
        option = f"--owner {holder['namespace']}:{holder['name']}"
        return f"go on as it with `symbol-trader run {option}`, or run `symbol-trader takeover`"
    return "run `symbol-trader takeover`"

"""The `Record` port on PostgreSQL: what a leader loads, and what it notes under its epoch."""

from collections.abc import Collection, Sequence
from decimal import Decimal

from symbol_trader.core.fees import WAITING_MAX
from symbol_trader.core.orders import FillKey, Intent
from symbol_trader.core.records import RecordChange, RefusedBuy, Snapshot, Watermark
from symbol_trader.desired import Desired
from symbol_trader.errors import Fenced
from symbol_trader.postgres import limit_statements, rows, statements
from symbol_trader.postgres.changes import encode
from symbol_trader.postgres.leader_connection import LeaderConnection, key_of


class PostgresRecord:
    """The record of one ledger, once it is claimed.

    Besides the port's errors, a write that does not fit what is on record raises `Contradiction`.
    What was asked as `Unavailable` came counts as not done, although it may be: `load` tells.
    """

    def __init__(self, link: LeaderConnection) -> None:
        """Write over this connection, under the epoch that was claimed for it."""
        self._link = link

    async def load(self) -> Snapshot:
        """Read what a leader needs to go on, all as of one moment. Raises `Fenced`."""
        claim = self._link.claim
        async with (
            self._link.session() as session,
            session.transaction(isolation="repeatable_read", readonly=True),
        ):
            sums = await session.fetchrow(statements.SUMS, *claim.arguments)
            ledger = key_of(claim.ledger)
            questions = (
                (statements.TRADERS, ledger),
                (statements.ATTEMPTS, ledger),
                (statements.ORDERS, ledger),
                (statements.CANCELS, ledger),
                (statements.FILLS, ledger),
                (statements.UNVALUED_FEES, (*ledger, WAITING_MAX)),
                (statements.UNVALUED_SUMS, ledger),
            )
            parts = rows.Parts(*[await session.fetch(sql, *about) for sql, about in questions])
        if sums is None:
            raise await self._link.why_over()
        self._link.settlements = sums["settlements"]
        return rows.snapshot(sums, parts)

    async def note(self, changes: Sequence[RecordChange]) -> tuple[RefusedBuy, ...]:
        """Record what happened and what is intended, in this order: one statement, one commit.

        Return the buys that the account's limits and halts refuse: these alone are not noted.

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
            return ()
        link = self._link
        known = (*link.claim.arguments, link.settlements)
        try:
            found = await link.ask(statements.NOTE, *known, encode(changes))
        except Fenced as exc:
            raise await link.why_over() from exc
        refused = tuple(RefusedBuy(**row) for row in found)
        left_out = {buy.client_order_id for buy in refused}
        for change in changes:
            if isinstance(change, Intent) and change.client_order_id not in left_out:
                link.committed = change.client_order_id
        return refused

    async def know_quote_asset(self, asset: str) -> None:
        """Say what the symbol is quoted in: limits of amounts need it. Raises `Fenced`."""
        await self._link.ask_held(limit_statements.KNOW_QUOTE_ASSET, asset)

    async def record_bid(self, bid: Decimal) -> None:
        """Record the best bid of just now: what the symbol holds is worth that. Raises `Fenced`.

        Where a loss limit stands, nothing buys while the bid of a symbol that holds something is
        older than 60 s.
        """
        await self._link.ask_held(limit_statements.RECORD_BID, bid)

    async def settled_meanwhile(self) -> bool:
        """Return whether a person has settled an order of the ledger since it was loaded."""
        arguments = (*self._link.claim.arguments, self._link.settlements)
        found = await self._link.ask(statements.SETTLED_MEANWHILE, *arguments)
        return any(row["more"] for row in found)

    async def unrecorded_fills(self, fills: Collection[FillKey]) -> frozenset[FillKey]:
        """Return those fills that no order on record has."""
        columns = [list(column) for column in zip(*fills, strict=True)]
        claim = self._link.claim
        found = await self._link.ask(statements.UNRECORDED_FILLS, *claim.arguments, *columns)
        return frozenset(FillKey(*row) for row in found)

    async def unrecorded_client_order_ids(self, names: Collection[str]) -> frozenset[str]:
        """Return those client order ids that are neither on record nor disowned."""
        claim = self._link.claim
        found = await self._link.ask(
            statements.UNRECORDED_CLIENT_ORDER_IDS, *claim.arguments, list(names)
        )
        return frozenset(row["id"] for row in found)

    async def advance_watermark(self, watermark: Watermark) -> None:
        """Note that every trade up to this one was seen. Raises `Fenced`."""
        await self._link.ask_held(
            statements.ADVANCE_WATERMARK, watermark.trade_id, watermark.time_ms
        )

    async def mirror_settings(self, desired: Desired) -> None:
        """Mirror the resource's settings, and which revision they are of. Raises `Fenced`."""
        settings = desired.settings
        await self._link.ask_held(
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

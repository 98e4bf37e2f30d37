"""The account's limits beside a term: mirrored into the record, and what halts is read from there.

The record enforces limits whoever was told what. Here leaders hear of them, so that they stop
trying, cancel or drain as a halt says, and tell people why.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from symbol_trader.core.events import LimitsHeard
from symbol_trader.core.leader import Leader
from symbol_trader.core.limits import AccountLimit, AccountState, BidsWanted, Halt, LimitInForce
from symbol_trader.errors import ApiServerUnavailable, Unavailable
from symbol_trader.identity import Owner
from symbol_trader.ports import AccountLimits, Exchange, Record, Resource
from symbol_trader.runtime.mailbox import Mailbox
from symbol_trader.runtime.story import Story

TICK_S = 0.5
"""How soon what is newly held gets a bid on record: until then the account buys nothing."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of the account's limits."""

    state: AccountState
    """What the record says."""
    declared: bool
    """The TradingLimits of the namespace were read, and are on record."""

    @property
    def halts(self) -> tuple[Halt, ...] | None:
        """Return what halts the account, None where that is not known."""
        return self.state.halts if self.declared else None

    @property
    def generations(self) -> dict[str, int]:
        """Return the generation of each limit, by uid."""
        return {limit.uid: limit.generation for limit in self.state.limits}


class DeclaredLimits:
    """The TradingLimits of the namespace, as last heard: they outlive terms."""

    def __init__(self, resource: Resource) -> None:
        """Read them where the resource is."""
        self.last: tuple[AccountLimit, ...] | None = None
        """None before they were read once."""
        self.changed = asyncio.Event()
        self._resource = resource

    async def pump(self) -> None:
        """Read them, until it is canceled."""
        async for limits in self._resource.limits():
            self.last = limits
            self.changed.set()


class AccountWatch:
    """Brings declared limits on record, and what the record says of the account to the leader."""

    def __init__(
        self,
        declared: DeclaredLimits,
        *,
        resource: Resource,
        limits: AccountLimits,
        record: Record,
        owner: Owner,
        story: Story,
        clock: Callable[[], float],
        limits_s: float,
        bid_s: float,
    ) -> None:
        """Watch for this owner; look every `limits_s` seconds, record bids every `bid_s`."""
        self._declared = declared
        self._resource = resource
        self._limits = limits
        self._record = record
        self._owner = owner
        self._story = story
        self._clock = clock
        self._limits_s = limits_s
        self._bid_s = bid_s
        self._bids_needed = asyncio.Event()
        self._mine: tuple[LimitInForce, ...] = ()
        """Those of the namespace that are in force, and declared for the leader's exchange."""
        self._of_others: set[str] = set()
        """Limits of the namespace that are not for this leader's exchange entry."""

    async def report(self) -> None:
        """Report the status of the namespace's limits, where no other leader does."""
        while True:
            await asyncio.sleep(self._limits_s)
            for limit in self._mine:
                if report := await self._limits.report(limit):
                    with suppress(ApiServerUnavailable):
                        await self._resource.report_limit(report)

    async def look(self) -> Heard:
        """Bring the record up to date with what is declared, and read what it says.

        Raises `Unavailable` where the record cannot be reached.
        """
        self._declared.changed.clear()
        state = await self._limits.read()
        declared = self._declared.last
        if declared is not None and await self._mirror(declared, state):
            state = await self._limits.read()
        if state.needs_bids:
            self._bids_needed.set()
        else:
            self._bids_needed.clear()
        uids = {limit.uid for limit in declared or ()}
        self._mine = tuple(limit for limit in state.limits if limit.uid in uids)
        return Heard(state, declared is not None)

    async def follow(self, heard: Heard, mailbox: Mailbox) -> None:
        """Tell the leader what differs from what was `heard` last, until it is canceled."""
        await self._limits.hear(heard.generations)
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._limits_s):
                    await self._declared.changed.wait()
            now = await self.look()
            if now != heard:
                heard = now
                mailbox.put_nowait(LimitsHeard(now.halts))
                await self._limits.hear(heard.generations)

    async def record_bids(self, leader: Leader, exchange: Exchange) -> None:
        """Record bids while the symbol holds something and a loss limit stands."""
        recorded_s: float | None = None
        while True:
            await self._bids_needed.wait()
            await asyncio.sleep(TICK_S)
            if not leader.holds_base:
                recorded_s = None
            elif recorded_s is None or self._clock() - recorded_s >= self._bid_s:
                recorded_s = self._clock()
                await self._record_bid(exchange)

    async def record_bids_of_others(self, exchange: Exchange) -> None:
        """Record bids of symbols that hold something and have no leader that would.

        Where a loss limit stands, one of them without a bid keeps the whole account from buying.
        """
        while True:
            await self._bids_needed.wait()
            if exchange.held_until_ms() is None and (wanted := await self._limits.take_on_bids()):
                await self._record_bids(wanted, exchange)
            await asyncio.sleep(self._limits_s)

    async def _record_bids(self, wanted: BidsWanted, exchange: Exchange) -> None:
        try:
            bids = await exchange.best_bids(wanted.symbols)
        except Unavailable:
            return
        if bids:
            await self._limits.record_bids(wanted, bids)

    async def _record_bid(self, exchange: Exchange) -> None:
        """Record the best bid; without an answer nothing is bought after a while."""
        if exchange.held_until_ms() is not None:
            return
        try:
            bid = await exchange.best_bid()
        except Unavailable:
            return
        if bid:
            await self._record.record_bid(bid)

    async def _mirror(self, declared: tuple[AccountLimit, ...], state: AccountState) -> bool:
        """Mirror what is newer than the record, and forget what is gone; return whether any was."""
        on_record = {limit.uid: limit.generation for limit in state.limits}
        news = [
            await self._put_in_force(replace(limit, cluster=self._owner.cluster))
            for limit in declared
            if on_record.get(limit.uid, -1) < limit.generation
        ]
        uids = {limit.uid for limit in declared}
        self._of_others -= uids
        news += [
            await self._forget_if_gone(limit)
            for limit in state.limits
            if limit.uid not in uids | self._of_others and self._is_mine(limit)
        ]
        return any(news)

    def _is_mine(self, limit: LimitInForce) -> bool:
        return (limit.cluster, limit.namespace) == (self._owner.cluster, self._owner.namespace)

    async def _put_in_force(self, limit: AccountLimit) -> bool:
        news = await self._limits.mirror(limit)
        if news:
            name, generation = f"{limit.namespace}/{limit.name}", limit.generation
            self._story.tell("a limit is in force", limit=name, generation=generation)
        return news

    async def _forget_if_gone(self, limit: LimitInForce) -> bool:
        """Forget a limit that the record held before the API server was asked, and does not have.

        What was heard may be older than the row, so it is no proof.
        """
        try:
            exists = await self._resource.limit_exists(limit.name, limit.uid)
        except ApiServerUnavailable:
            return False
        if exists:
            self._of_others.add(limit.uid)
            return False
        gone = await self._limits.forget(limit.uid)
        if gone:
            name = f"{limit.namespace}/{limit.name}"
            self._story.tell("a limit was deleted: it holds no longer", limit=name)
            await self._resource.tell_deleted(limit)
        return gone

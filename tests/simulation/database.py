"""The record's database: one book's rows, its owner and epoch, and the ways it can fail.

A statement is carried out whole or not at all, and checks epoch and nonce as the SQL does. What
the schema's constraints refuse is refused by `memory.py`.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

from simulation.account import Account
from simulation.memory import MemoryRecord
from symbol_trader.core.limits import AccountLimit, OnLimit
from symbol_trader.core.orders import CancelIntent, ClientOrderId, FillKey, Intent, Side
from symbol_trader.core.records import (
    FeeValued,
    RecordChange,
    RefusedBuy,
    Snapshot,
    TraderResult,
    Watermark,
)
from symbol_trader.desired import Desired
from symbol_trader.errors import (
    Contradiction,
    DatabaseUnavailable,
    Fenced,
    OwnedByAnother,
    RolledBack,
)
from symbol_trader.identity import Epoch, LedgerKey, Owner

if TYPE_CHECKING:
    from simulation.process import Process

T = TypeVar("T")
Witness = Callable[[str, Any], None]
"""Is told what a statement does and to what, as it is carried out."""

SLOW_MS = (1, 30)
SLOW_SHARE = 0.1
"""How many statements take their time; the others are answered at once."""

OFTENER = 5
"""How much likelier an intent's statement fails: there are few of them."""


class Database:
    """What the server holds, and whether it can be reached."""

    def __init__(self, base_asset: str, quote_asset: str, now_ms: Callable[[], int]) -> None:
        self.rows = MemoryRecord(base_asset, quote_asset)
        self.account = Account(self.rows, now_ms)
        self.witnesses: list[Witness] = []
        self.epoch = 0
        self.epoch_of: dict[ClientOrderId, int] = {}
        """Which epoch committed an order."""
        self.pod = ""
        self.released = False
        self.down_until_ms = 0
        self.cuts = 0
        """How often all connections were cut."""
        self._now_ms = now_ms
        self._nonce = ""
        self._owner: Owner | None = None
        self._pods: set[str] = set()

    @property
    def reachable(self) -> bool:
        """Return whether a connection is accepted now."""
        return self._now_ms() >= self.down_until_ms

    def go_down(self, until_ms: int) -> None:
        """Cut all connections, and accept none until then."""
        self.down_until_ms = until_ms
        self.cuts += 1

    def claim(self, owner: Owner, pod: str) -> Epoch:
        """Take the next epoch; a pod that was superseded by another never takes one again."""
        if self._owner not in {None, owner} and not self.released:
            raise OwnedByAnother(f"{self._owner} holds epoch {self.epoch}")
        if pod != self.pod and pod in self._pods:
            raise Fenced(f"pod {pod} lost the book to pod {self.pod}")
        self.epoch += 1
        self._nonce = f"nonce of epoch {self.epoch}"
        self._owner, self.pod, self.released = owner, pod, False
        self._pods.add(pod)
        return Epoch(self.epoch, self._nonce)

    def holds(self, epoch: Epoch) -> bool:
        """Return whether an epoch still holds the book."""
        return (epoch.number, epoch.nonce) == (self.epoch, self._nonce) and not self.released

    def release(self) -> None:
        """Give the book up, unless a trader is unfinished."""
        if self.rows.running:
            raise Contradiction("traders are unfinished on record")
        self.released = True

    # The account's limits.

    def tell(self, what: str, facts: Any = None) -> None:
        """Let the witnesses know what is done."""
        for witness in self.witnesses:
            witness(what, facts)

    def know_quote_asset(self, asset: str) -> None:
        """Take in what the symbol is quoted in."""
        self.account.know_quote_asset(asset)
        self.tell("quote asset", asset)

    def record_bid(self, bid: Decimal) -> None:
        """Take in the best bid."""
        self.account.record_bid(bid)
        self.tell("bid", bid)

    def mirror(self, limit: AccountLimit) -> bool:
        """Put a limit in force."""
        news = self.account.mirror(limit)
        self.tell("mirror", limit)
        return news

    def forget(self, uid: str) -> bool:
        """Lift a limit."""
        news = self.account.forget(uid)
        self.tell("forget", uid)
        return news

    def halt(self, reason: str, on_limit: OnLimit) -> None:
        """Halt the account, as a person says."""
        self.account.halt(reason, on_limit)
        self.tell("halt", (reason, on_limit))

    def resume(self) -> None:
        """Let the account go on, as a person says."""
        self.account.resume()
        self.tell("resume")


class SimulatedRecord:
    """The ports `Ownership` and `Record` of one process."""

    def __init__(self, process: "Process", database: Database) -> None:
        self._process = process
        self._database = database
        self._chance = process.chance
        self._connection = -1
        self._epoch: Epoch | None = None
        self._committed: ClientOrderId | None = None

    @property
    def _rows(self) -> MemoryRecord:
        return self._database.rows

    async def open(self) -> None:
        """Connect."""
        await self._process.point("open the record")
        if self._process.now_ms < self._database.down_until_ms:
            raise DatabaseUnavailable("the database is down")
        self._connection = self._database.cuts

    async def claim(self, ledger: LedgerKey, owner: Owner, *, pod: str) -> Epoch:
        """Take a new epoch."""
        del ledger
        epoch = await self.ask("claim", lambda: self._database.claim(owner, pod))
        self._epoch = epoch
        self._process.claimed(epoch)
        return epoch

    async def confirm(self) -> None:
        """Check the epoch, and that the intent committed last is there."""
        await self._held("confirm", self._check_committed)

    async def load(self) -> Snapshot:
        """Read what a leader goes on from."""
        return await self._held("load", lambda: self._rows.load(self._process.now_ms))

    async def note(self, changes: Sequence[RecordChange]) -> tuple[RefusedBuy, ...]:
        """Take in what happened and what is intended, in its order."""
        orders = [change for change in changes if isinstance(change, Intent)]
        cancels = [change for change in changes if isinstance(change, CancelIntent)]

        def note() -> tuple[RefusedBuy, ...]:
            refused: list[RefusedBuy] = []
            for is_fact, some in groupby(changes, _is_fact):
                if is_fact:
                    self._learn([*some])
                else:
                    refused += [buy for intent in some if (buy := self._intend(intent))]
            if any(isinstance(change, TraderResult | FeeValued) for change in changes):
                self._database.account.ended()
            self._database.tell("note", (tuple(changes), tuple(refused)))
            return tuple(refused)

        what, leg = self._described(orders, cancels)
        refused = await self._held(what, note, leg)
        left_out = {buy.client_order_id for buy in refused}
        for order in orders:
            if order.client_order_id not in left_out:
                self._committed = order.client_order_id
        return refused

    def _learn(self, facts: list[RecordChange]) -> None:
        self._database.account.learn(facts)
        self._database.tell("facts", facts)
        self._process.auditor.noted(self._process.leader, facts)

    def _intend(self, intent: RecordChange) -> RefusedBuy | None:
        if isinstance(intent, CancelIntent):
            self._process.auditor.canceling(intent)
        if isinstance(intent, Intent) and (refused := self._refusal(intent)):
            self._process.auditor.refused(refused)
            return refused
        self._rows.note([intent])
        if isinstance(intent, Intent):
            self._database.account.committed()
            self._database.tell("commit", intent)
            self._database.epoch_of[intent.client_order_id] = self._database.epoch
            self._process.auditor.committed(self._process.leader, intent)
        return None

    def _refusal(self, intent: Intent) -> RefusedBuy | None:
        if intent.side is Side.SELL:
            return None
        self._database.tell("try", intent)
        return self._database.account.why_not(intent)

    def _described(self, orders: list[Intent], cancels: list[CancelIntent]) -> tuple[str, str]:
        """Return what a statement is, and the leg whose intent it commits, if it does."""
        if orders:
            return "commit an intent", orders[0].side.lower()
        if cancels:
            side = self._rows.orders[cancels[0].client_order_id].intent.side
            return "commit a cancel", f"cancel of a {side.lower()}"
        return "note", ""

    async def unrecorded_fills(self, fills: Collection[FillKey]) -> frozenset[FillKey]:
        """Return those fills that no order on record has."""
        return await self.ask(
            "look for fills",
            lambda: self._if_held(lambda: self._rows.unrecorded_fills(fills)),
        )

    async def unrecorded_client_order_ids(self, names: Collection[str]) -> frozenset[str]:
        """Return those names that no order on record has."""
        return await self.ask(
            "look for names",
            lambda: self._if_held(lambda: self._rows.unrecorded_client_order_ids(names)),
        )

    async def settled_meanwhile(self) -> bool:
        """Return whether a person has settled an order: nobody does here."""
        return False

    async def advance_watermark(self, watermark: Watermark) -> None:
        """Move the watermark on."""
        await self._held("advance the watermark", lambda: self._rows.advance_watermark(watermark))

    async def mirror_settings(self, desired: Desired) -> None:
        """Take in what is asked for."""
        now_ms = self._process.now_ms
        await self._held("mirror", lambda: self._rows.mirror_settings(desired, now_ms))

    async def know_quote_asset(self, asset: str) -> None:
        """Take in what the symbol is quoted in."""
        await self._held("know the quote asset", lambda: self._database.know_quote_asset(asset))

    async def record_bid(self, bid: Decimal) -> None:
        """Take in a bid."""
        await self._held("record a bid", lambda: self._database.record_bid(bid))

    async def release(self) -> None:
        """Give the book up."""
        await self._held("release", self._database.release)

    async def close(self) -> None:
        """Close the connection."""
        self._connection = -1

    def _if_held(self, find: Callable[[], frozenset[T]]) -> frozenset[T]:
        assert self._epoch is not None
        return find() if self._database.holds(self._epoch) else frozenset()

    def _check_committed(self) -> None:
        if self._committed is not None and self._committed not in self._rows.orders:
            raise RolledBack(f"the record has lost {self._committed}")

    async def _held(self, what: str, act: Callable[[], T], leg: str = "") -> T:
        """Carry a statement out if the epoch still holds the book."""

        def check_and_act() -> T:
            assert self._epoch is not None
            if not self._database.holds(self._epoch):
                raise Fenced(f"epoch {self._epoch.number} is over")
            return act()

        return await self.ask(what, check_and_act, leg)

    async def ask(self, what: str, act: Callable[[], T], leg: str = "") -> T:
        """Carry a statement out, unless something goes wrong."""
        process, chance = self._process, self._chance
        often = OFTENER if leg else 1
        await process.point(what, leg)
        self._check_connected()
        if chance.happens("lose_statement", leg, often):
            self._drop("the connection ended before the statement was carried out")
        if chance.random.random() < SLOW_SHARE:
            try:
                await asyncio.sleep(chance.between(SLOW_MS) / 1000)
            except asyncio.CancelledError:
                self._connection = -1
                raise
            self._check_connected()
        answer = act()
        if chance.happens("lose_commit", leg, often):
            self._drop("the connection ended before the answer")
        await process.point(f"{what}, done", leg)
        return answer

    def _check_connected(self) -> None:
        if self._process.now_ms < self._database.down_until_ms:
            self._drop("the database is down")
        if self._connection != self._database.cuts:
            self._drop("not connected")

    def _drop(self, why: str) -> None:
        self._connection = -1
        raise DatabaseUnavailable(why)


def _is_fact(change: RecordChange) -> bool:
    return not isinstance(change, Intent | CancelIntent)

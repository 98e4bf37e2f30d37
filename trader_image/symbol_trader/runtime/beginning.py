"""How a term begins, at start as after every outage: links, epoch, record, reconciliation."""

import asyncio
from collections.abc import Callable
from functools import partial

from symbol_trader.core.leader import Leader
from symbol_trader.core.records import Snapshot
from symbol_trader.core.replies import Account
from symbol_trader.core.settings import TradingStatus
from symbol_trader.core.symbols import GONE
from symbol_trader.core.timing import Timing
from symbol_trader.identity import Book, Epoch, Identity
from symbol_trader.ports import Exchange
from symbol_trader.runtime import loading
from symbol_trader.runtime.desired import DesiredState
from symbol_trader.runtime.events import Stop
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.mailbox import Mailbox
from symbol_trader.runtime.market import MarketFeed
from symbol_trader.runtime.metrics import Metrics
from symbol_trader.runtime.parts import Links
from symbol_trader.runtime.pauses import Pauses
from symbol_trader.runtime.reports import Reports
from symbol_trader.runtime.session import Session
from symbol_trader.runtime.story import Story
from symbol_trader.runtime.term import Beat, Term


class Beginning:
    """Begins terms; the epoch that was taken first is confirmed by the later ones."""

    def __init__(
        self,
        identity: Identity,
        links: Links,
        *,
        desired: DesiredState,
        session: Session,
        stopped: asyncio.Event,
        timing: Timing,
        beat: Beat,
        new_bits: Callable[[], int],
        feed: MarketFeed,
        pauses: Pauses,
        reports: Reports,
        metrics: Metrics,
        story: Story,
        health: Health,
    ) -> None:
        """Begin as this leader over these links."""
        self._identity = identity
        self._links = links
        self._desired = desired
        self._session = session
        self._stopped = stopped
        self._timing = timing
        self._beat = beat
        self._new_bits = new_bits
        self._feed = feed
        self._pauses = pauses
        self._reports = reports
        self._metrics = metrics
        self._story = story
        self._health = health
        self._book: Book | None = None
        """The book whose epoch this process has taken."""

    async def begin(self, exchange: Exchange) -> Term:
        """Open the links, own the book, load the record and reconcile it."""
        self._session.mailbox = Mailbox()
        self._pauses.dialed = False
        await self._links.ownership.open()
        self._health.database_reachable = True
        self._health.moved()
        self._pauses.dialed = True
        await exchange.open()
        self._health.user_stream_live = True
        self._health.moved()
        account = await exchange.account()
        self._health.moved()
        await self._own(account)
        term = await self._load(exchange, account)
        if term.leader.symbol.status != GONE:
            await term.reconcile_now()
        if self._stopped.is_set():
            self._session.mailbox.put_nowait(Stop())
        return term

    async def _own(self, account: Account) -> None:
        """Take an epoch of the account's book once; afterwards make sure that it still stands."""
        book = Book(self._identity.environment, account.uid, self._desired.wanted.symbol)
        ownership, record = self._links.ownership, self._links.record
        desired = self._desired.wanted
        if self._book == book:
            await ownership.confirm()
            await record.mirror_settings(desired)
            return
        epoch = await ownership.claim(book, self._identity.owner, pod=self._identity.pod)
        await record.mirror_settings(desired)
        self._book = book
        self._took(epoch)

    def _took(self, epoch: Epoch) -> None:
        self._health.epoch = epoch.number
        self._story.tell("took the symbol", epoch=epoch.number)

    async def _load(self, exchange: Exchange, account: Account) -> Term:
        desired, record = self._desired.wanted, self._links.record
        snapshot = await record.load()
        self._session.handover.loaded(snapshot)
        symbol, commission = await loading.describe(
            exchange, snapshot, desired.symbol, give_up=partial(self._gives_up, snapshot)
        )
        if symbol.status != GONE:
            self._session.handover.denials.clear()
        self._health.moved()
        leader = Leader(
            snapshot,
            settings=desired.settings,
            symbol=symbol,
            commission=commission,
            timing=self._timing,
            new_bits=self._new_bits,
            free=account.free,
            refused=self._session.handover.refused,
            acknowledged=self._session.handover.acknowledged,
        )
        return Term(
            leader,
            ownership=self._links.ownership,
            record=record,
            exchange=exchange,
            mailbox=self._session.mailbox,
            desired=desired,
            watermark=await loading.watermark(exchange, record, snapshot, symbol),
            story=self._story,
            health=self._health,
            metrics=self._metrics,
            beat=self._beat,
            changed=self._reports.due.set,
            beside=(partial(self._feed.watch, exchange), partial(self._feed.fill_gaps, exchange)),
        )

    def _gives_up(self, snapshot: Snapshot) -> bool:
        """Take in that the exchange denies the symbol; return whether a shutdown ends without it.

        One denial may be the exchange's mistake, and the orders on record may rest on its book.
        """
        denials, now_s = self._session.handover.denials, self._health.clock()
        denials.add(now_s)
        if self._desired.wanted.settings.status is not TradingStatus.SHUTDOWN:
            return False
        return not snapshot.traders or denials.suffice(now_s, self._timing.gone_after_ms)

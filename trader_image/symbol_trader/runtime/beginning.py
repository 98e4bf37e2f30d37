"""How a term begins, at the start and after every outage: connect, own, load, reconcile."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from symbol_trader.core.leader import Leader
from symbol_trader.core.records import Snapshot
from symbol_trader.core.replies import Account
from symbol_trader.core.settings import TradingStatus
from symbol_trader.core.symbols import GONE
from symbol_trader.core.timing import Timing
from symbol_trader.identity import Epoch, Identity, LedgerKey
from symbol_trader.ports import Exchange
from symbol_trader.runtime import loading
from symbol_trader.runtime.account import AccountWatch
from symbol_trader.runtime.events import Stop
from symbol_trader.runtime.mailbox import Mailbox
from symbol_trader.runtime.market import MarketFeed
from symbol_trader.runtime.parts import Adapters, SymbolTelemetry
from symbol_trader.runtime.pauses import Pauses
from symbol_trader.runtime.process import ProcessState
from symbol_trader.runtime.reading import Page, Trades
from symbol_trader.runtime.reports import Reports
from symbol_trader.runtime.term import Intervals, Term

_STARTING_AGE_MAX_S = 600.0
"""A start takes a description of the symbol that any leader has read so lately."""
_GOING_ON_AGE_MAX_S = 3_600.0
"""A reconnect goes on with one as old as the leader would have let it become."""


@dataclass(frozen=True, slots=True)
class TermSettings:
    """What every term of a process is made with, whatever the record and the resource say."""

    timing: Timing
    intervals: Intervals
    new_bits: Callable[[], int]
    """Returns 64 random bits at each call."""


class Beginning:
    """Begins terms; the epoch that was taken first is confirmed by the later ones."""

    def __init__(
        self,
        identity: Identity,
        adapters: Adapters,
        *,
        process: ProcessState,
        settings: TermSettings,
        telemetry: SymbolTelemetry,
        feed: MarketFeed,
        account: AccountWatch,
        pauses: Pauses,
        reports: Reports,
    ) -> None:
        """Begin as this leader."""
        self._identity = identity
        self._adapters = adapters
        self._process = process
        self._desired = process.desired
        self._session = process.session
        self._settings = settings
        self._telemetry = telemetry
        self._health = telemetry.health
        self._feed = feed
        self._account = account
        self._pauses = pauses
        self._reports = reports
        self._ledger: LedgerKey | None = None
        """The ledger whose epoch this process has taken."""

    async def begin(self, exchange: Exchange) -> Term:
        """Connect, take or confirm the epoch, load the record and reconcile it."""
        self._session.mailbox = Mailbox()
        await self._adapters.ownership.open()
        self._health.database_reachable = True
        self._health.heartbeat()
        self._pauses.dialed = True
        await exchange.open()
        self._health.user_stream_live = True
        self._health.heartbeat()
        account = await exchange.account()
        self._health.heartbeat()
        went_on = await self._own(account)
        term, page = await self._load(exchange, account, went_on=went_on)
        if term.leader.symbol.status != GONE:
            await term.reconcile_now(self._trades_to_read(went_on=went_on), page)
        if self._process.stopped.is_set():
            self._session.mailbox.put_nowait(Stop())
        return term

    def _trades_to_read(self, *, went_on: bool) -> Trades:
        """Return how many trades are read before trading begins; the next look reads all."""
        if not went_on:
            return Trades.NEWEST
        known = self._session.handover.trades_are_known(self._health.clock())
        return Trades.LATER if known else Trades.ALL

    async def _own(self, account: Account) -> bool:
        """Take an epoch of the account's ledger once; afterwards make sure that it still stands.

        Return whether it was taken before, so that this term goes on with what the process knows.
        """
        ledger = LedgerKey(self._identity.environment, account.uid, self._desired.current.symbol)
        ownership, record = self._adapters.ownership, self._adapters.record
        desired = self._desired.current
        if self._ledger == ledger:
            await ownership.confirm()
            await record.mirror_settings(desired)
            return True
        epoch = await ownership.claim(ledger, self._identity.owner, pod=self._identity.pod)
        await record.mirror_settings(desired)
        self._ledger = ledger
        self._took(epoch)
        return False

    def _took(self, epoch: Epoch) -> None:
        self._health.epoch = epoch.number
        self._telemetry.story.tell("took the symbol", epoch=epoch.number)

    async def _load(
        self, exchange: Exchange, account: Account, *, went_on: bool
    ) -> tuple[Term, Page | None]:
        """Make the term of what is on record; return also the newest trades, if they were read."""
        desired, record = self._desired.current, self._adapters.record
        snapshot = await record.load()
        self._session.handover.loaded(snapshot)
        symbol, commission = await loading.describe(
            exchange,
            snapshot,
            desired.symbol,
            age_max_s=_GOING_ON_AGE_MAX_S if went_on else _STARTING_AGE_MAX_S,
            give_up=partial(self._gives_up, snapshot),
        )
        if symbol.status != GONE:
            self._session.handover.denials.clear()
            # Before any buy: amounts are limited per quote asset.
            await record.know_quote_asset(symbol.quote_asset)
        heard = await self._account.look()
        self._health.heartbeat()
        leader = Leader(
            snapshot,
            settings=desired.settings,
            symbol=symbol,
            commission=commission,
            timing=self._settings.timing,
            new_bits=self._settings.new_bits,
            free=account.free,
            locked=account.locked,
            refused=self._session.handover.refused,
            acknowledged=self._session.handover.acknowledged,
            halts=heard.halts,
        )
        watermark, page = await loading.watermark(exchange, record, snapshot, symbol)
        term = Term(
            leader,
            ownership=self._adapters.ownership,
            record=record,
            exchange=exchange,
            mailbox=self._session.mailbox,
            desired=desired,
            watermark=watermark,
            story=self._telemetry.story,
            health=self._health,
            metrics=self._telemetry.metrics,
            intervals=self._settings.intervals,
            changed=self._reports.due.set,
            beside=(
                partial(self._feed.watch, exchange),
                partial(self._feed.fill_gaps, exchange),
                partial(self._account.follow, heard, self._session.mailbox),
                partial(self._account.record_bids, leader, exchange),
                partial(self._account.record_bids_of_others, exchange),
                self._account.report,
            ),
            on_trades_read=self._note_trades_read,
        )
        return term, page

    def _note_trades_read(self) -> None:
        self._session.handover.trades_read_s = self._health.clock()

    def _gives_up(self, snapshot: Snapshot) -> bool:
        """Count that the exchange denies the symbol; return whether a shutdown ends without it.

        One denial may be the exchange's mistake, while orders of ours rest there. So a shutdown
        with running traders gives the symbol up only after repeated denials over some time; one
        without any has nothing to lose.
        """
        denials, now_s = self._session.handover.denials, self._health.clock()
        denials.add(now_s)
        if self._desired.current.settings.status is not TradingStatus.SHUTDOWN:
            return False
        return not snapshot.traders or denials.suffice(now_s, self._settings.timing.gone_after_ms)

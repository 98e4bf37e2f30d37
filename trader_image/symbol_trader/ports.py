"""What the leader needs from outside. Adapters fill these ports; `__main__` puts them together.

Every await on the exchange and the record goes through here and nowhere else.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from symbol_trader.core.events import Answer
from symbol_trader.core.limits import (
    AccountLimit,
    AccountState,
    BidsWanted,
    LimitInForce,
    LimitReport,
)
from symbol_trader.core.orders import CancelIntent, ExchangeOrder, Fill, FillKey, Intent
from symbol_trader.core.records import RecordChange, RefusedBuy, Snapshot, Watermark
from symbol_trader.core.replies import (
    Account,
    AssetPrice,
    Outcome,
    Price,
    ReferencePrice,
    TradeGap,
    UserEvent,
)
from symbol_trader.core.symbols import Commission, SymbolInfo
from symbol_trader.desired import Desired, SwitchOffOutcome
from symbol_trader.identity import Epoch, LedgerKey, Owner
from symbol_trader.report import Report


class Ownership(Protocol):
    """Who holds a ledger, and under which epoch; a connection to the record (PostgreSQL) serves it.

    Every method but `close` may raise `Unavailable`: then `open` and `confirm` come first.
    """

    async def open(self) -> None:
        """Connect and check the schema version. Raises `SchemaMismatch`, `RolledBack`."""

    async def claim(self, ledger: LedgerKey, owner: Owner, *, pod: str) -> Epoch:
        """Take a new epoch of the ledger. Raises `OwnedByAnother`, `AccountChanged`, `Fenced`."""

    async def confirm(self) -> None:
        """Check after a reconnect that the epoch taken last still stands.

        Raises `Fenced`, `RolledBack`.
        """

    async def release(self) -> None:
        """Give up ownership: the symbol is drained and off.

        Raises `Fenced`, and `Contradiction` while something is unfinished.
        """

    async def close(self) -> None:
        """Close the connection; never raises."""


class Record(Protocol):
    """The record of one ledger, under the epoch that is held. Methods may raise `Unavailable`."""

    async def load(self) -> Snapshot:
        """Read all that a leader needs to go on: unfinished traders, their orders and fills."""

    async def note(self, changes: Sequence[RecordChange]) -> tuple[RefusedBuy, ...]:
        """Record what happened and what is intended, in order: all or nothing, in one commit.

        Only buys that the account's limits and halts refuse are left out; they are returned, and
        must not be sent.

        An order or a cancel exists here before it can exist there. Repeating what happened changes
        nothing; an intent is noted once. Raises `Fenced`, and `SettledMeanwhile` whatever the
        changes are: they were decided without knowing what the person said.
        """

    async def settled_meanwhile(self) -> bool:
        """Return whether a person has settled an order since the record was loaded."""

    async def unrecorded_fills(self, fills: Collection[FillKey]) -> frozenset[FillKey]:
        """Return those fills that no order on record has."""

    async def unrecorded_client_order_ids(self, names: Collection[str]) -> frozenset[str]:
        """Return those client order ids that no order or cancel on record has.

        What a person has disowned counts as on record; what never existed, by the record, does not.
        """

    async def advance_watermark(self, watermark: Watermark) -> None:
        """Note that reconciliation has seen every trade up to this one. Raises `Fenced`.

        It does not go back in time; its trade id does once the exchange was reset.
        """

    async def mirror_settings(self, desired: Desired) -> None:
        """Mirror the resource's settings, and which revision they are of. Raises `Fenced`."""

    async def know_quote_asset(self, asset: str) -> None:
        """Note what the symbol is quoted in: limits of amounts need it. Raises `Fenced`."""

    async def record_bid(self, bid: Decimal) -> None:
        """Note the best bid of just now: what the symbol holds is worth that. Raises `Fenced`."""


class AccountLimits(Protocol):
    """Limits and halts of the account whose ledger is claimed. Methods may raise `Unavailable`.

    They ask for no epoch: whoever saw a TradingLimit last may say so.
    """

    async def read(self) -> AccountState:
        """Read which limits and halts are in force for the symbol."""

    async def hear(self, heard: Mapping[str, int]) -> None:
        """Note which generation of each limit, by uid, the leader acts on. Raises `Fenced`."""

    async def report(self, limit: LimitInForce) -> LimitReport | None:
        """Return what is to be said of a limit, None where another leader does so just now."""

    async def take_on_bids(self) -> BidsWanted | None:
        """Set out to ask for bids of symbols whose leaders record none, if this one buys by them.

        None where there is no such symbol, or another leader has just set out.
        """

    async def record_bids(self, wanted: BidsWanted, bids: Mapping[str, Decimal]) -> None:
        """Note the best bids of just now of symbols that were taken on; of some there may be none.

        What was asked for 10 s ago or earlier is left out.
        """

    async def mirror(self, limit: AccountLimit) -> bool:
        """Put a limit in force; return whether it was news. An older generation changes nothing."""

    async def forget(self, uid: str) -> bool:
        """Lift a limit whose resource was deleted; return whether it was news. A halt stays."""


class Exchange(Protocol):
    """One session with the exchange for one symbol: requests, and the user data stream.

    A session is opened once and ends with its connection; then a new one is opened. Methods that
    only read raise `Unavailable` where there is no answer; they may be repeated by the adapter.
    `place` and `cancel` write the request to one socket, once, and never raise for the network;
    where a ban is known they write nothing and return `NotSent`.
    """

    async def open(self) -> None:
        """Connect, measure the clock, subscribe to user data.

        Raises `Unavailable`, `BadCredentials`.
        """

    def now_ms(self) -> int:
        """Return exchange time: the measured offset plus a monotonic clock."""

    def held_until_ms(self) -> int | None:
        """Return the exchange time until which a known ban lasts, None without one."""

    async def account(self) -> Account:
        """Read the account's uid and balances."""

    async def has_room(self) -> bool:
        """Return whether what can wait may be asked now, within the limits of all leaders."""

    async def symbol(self, age_max_s: float = 0.0) -> SymbolInfo:
        """Read the symbol, or take what any leader read no longer ago.

        Raises `UnknownSymbol` if nor open orders of it can be asked for.
        """

    async def commission(self, age_max_s: float = 0.0) -> Commission:
        """Read the account's commission on the symbol; what any leader read as late will do."""

    async def best_bid(self) -> Decimal:
        """Read the best price that buyers offer in the symbol, zero where none is known."""

    async def best_bids(self, symbols: Collection[str]) -> Mapping[str, Decimal]:
        """Read the best prices that buyers offer in symbols; those with none are left out."""

    async def place(self, intent: Intent) -> Outcome:
        """Send an order, once, with exactly the intent's values."""

    async def cancel(self, intent: CancelIntent) -> Outcome:
        """Send a cancel, once, with exactly the intent's values."""

    async def last_trade(self) -> Price | None:
        """Read the symbol's newest public trade, with its own time; None if there never was one."""

    async def lowest_price(self, gap: TradeGap) -> Decimal | None:
        """Read the lowest price of trades that the market stream did not bring.

        None where the exchange shows none of them any more. Of very many the first are read.
        """

    async def asset_limits(self) -> Mapping[str, Decimal]:
        """Read how much of an asset the account may trade in one order, by asset.

        None of what is not limited; empty where the exchange has no answer to this.
        """

    async def reference_price(self, minutes: int) -> ReferencePrice | None:
        """Read the market price that percent filters measure from: the reference price, if any.

        Else the average of so many minutes; for 0 the last price. None where it is not told.
        """

    async def price_of(self, asset: str, time_ms: int) -> AssetPrice | None:
        """Read what one unit of an asset cost in the symbol's quote at an exchange time.

        None where no market of the two assets is known.
        """

    async def order(self, client_order_id: str) -> Answer:
        """Query an order by its client id; the server's time is asked first."""

    async def order_by_id(self, order_id: int) -> Answer:
        """Query any order of the account by the exchange's id; a canceled one may be renamed."""

    async def open_orders(self) -> tuple[ExchangeOrder, ...]:
        """Read all open orders of the account in the symbol, ours and others'."""

    async def trades(self, from_id: int | None, order_id: int | None = None) -> tuple[Fill, ...]:
        """Read a page of the account's fills in the symbol, ascending, from a trade id on.

        None reads the newest page. The exchange may cut pages at any length: only an empty page
        says that there is nothing more. Fills of others' orders are among them unless `order_id`
        is given.
        """

    def user_events(self) -> AsyncIterator[UserEvent]:
        """Yield user data from `open` on, buffered; raises `Unavailable` when it is gone."""

    async def close(self) -> None:
        """Close the sockets; never raises."""


class Resource(Protocol):
    """The TradingSymbol that this leader serves: an object of the API server, or a file."""

    def changes(self) -> AsyncIterator[Desired]:
        """Yield what is asked for, now and at each change, without end; reconnects by itself."""

    async def report(self, report: Report) -> None:
        """Have the status say this, and tell of limits; it may be no news. Raises `Unavailable`."""

    async def switch_off(self) -> SwitchOffOutcome:
        """Change `spec.status` from shutdown to off, unless it was written since it was last heard.

        Raises `Unavailable`.
        """

    def limits(self) -> AsyncIterator[tuple[AccountLimit, ...]]:
        """Yield the limits of the resource's exchange, now and at each change, without end.

        They are those of the resource's namespace; begun once `changes` has yielded.
        """

    async def limit_exists(self, name: str, uid: str) -> bool:
        """Return whether a limit of the namespace is there now. Raises `Unavailable`."""

    async def report_limit(self, report: LimitReport) -> None:
        """Write the status of a limit, and tell what has happened. Raises `Unavailable`."""

    async def tell_deleted(self, limit: LimitInForce) -> None:
        """Tell people that a limit was deleted and holds no longer; never raises."""

    async def close(self) -> None:
        """Release what was opened; never raises."""


class Market(Protocol):
    """The public trades of the symbol."""

    def prices(self) -> AsyncIterator[Price | TradeGap | None]:
        """Yield each trade without end, reconnecting as needed; None when a connection is lost.

        A gap goes before the trade that shows it: the trades that it names did not come.
        """

    def reconnect(self) -> bool:
        """Give up a connection that is open and silent; `prices` opens another one.

        Return whether there was one. One that was opened just now has had no time to speak.
        """

    async def close(self) -> None:
        """Close the socket; never raises."""

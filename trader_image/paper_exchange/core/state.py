"""The exchange's state, changed by journal entries and by nothing else."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

from paper_exchange.core.entries import (
    Accepted,
    Adjusted,
    Amended,
    Archived,
    Ended,
    Entry,
    Filled,
    Forgotten,
    Granted,
    Intervention,
    Listed,
    MarketChange,
    Opened,
    Played,
    Prevented,
    Priced,
    Queued,
    Reset,
    SelfMatched,
)
from paper_exchange.core.money import ZERO, times
from paper_exchange.core.order_changes import (
    after_fill,
    after_prevention,
    after_self_match,
    fill_of,
)
from paper_exchange.core.orders import Fill, Order, OrderStatus, Side


@dataclass(frozen=True, slots=True)
class Balance:
    """One asset of one account: what it can use, and what its open orders hold."""

    free: Decimal = ZERO
    locked: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """Free and locked together."""
        return self.free + self.locked


@dataclass(frozen=True, slots=True)
class Amendment:
    """One amendment of an order: its id among the symbol's executions, names and quantities."""

    order_id: int
    execution_id: int
    old_client_order_id: str
    new_client_order_id: str
    old_quantity: Decimal
    new_quantity: Decimal
    time: int


@dataclass(frozen=True, slots=True)
class PreventedMatch:
    """A match that self-trade prevention kept from happening, as `myPreventedMatches` tells it."""

    number: int
    entry: SelfMatched
    accounts: tuple[str, str]
    """The taker's and the maker's."""

    @property
    def order_ids(self) -> tuple[int, int]:
        """The taker's and the maker's."""
        return self.entry.taker_order_id, self.entry.maker_order_id


@dataclass(slots=True)
class Account:
    """Balances by asset and the assets that were granted at the start."""

    balances: dict[str, Balance] = field(default_factory=dict)
    granted: set[str] = field(default_factory=set)
    updated: int = 0

    def of(self, asset: str) -> Balance:
        """Return the balance of an asset, zero if there never was any."""
        return self.balances.get(asset, Balance())

    def move(self, asset: str, *, free: Decimal = ZERO, locked: Decimal = ZERO) -> None:
        """Add to (or take from) the free and the locked balance of an asset."""
        before = self.of(asset)
        self.balances[asset] = Balance(before.free + free, before.locked + locked)


@dataclass(slots=True)
class Book:
    """One symbol: every order and fill, and the counters that give out ids."""

    base: str
    quote: str
    orders: dict[int, Order] = field(default_factory=dict)
    resting: dict[Side, dict[int, Order]] = field(
        default_factory=lambda: {Side.BUY: {}, Side.SELL: {}}
    )
    fills: list[Fill] = field(default_factory=list)
    fills_by_order: dict[int, list[Fill]] = field(default_factory=dict)
    by_client_id: dict[tuple[str, str], int] = field(default_factory=dict)
    last_order_id: int = 0
    last_trade_id: int = 0
    last_execution_id: int = 0
    prevented_count: int = 0
    """Prevented matches so far; they are numbered from 0."""
    prevented_matches: list[PreventedMatch] = field(default_factory=list)
    """Those whose two orders are known."""
    amendments: dict[int, list[Amendment]] = field(default_factory=dict)
    price: Decimal | None = None
    """Price of the last outside trade: what the source's walk and the filters refer to."""

    def next_prevented(self) -> int:
        """Return the number of the next prevented match, and count it."""
        self.prevented_count += 1
        return self.prevented_count - 1

    def put(self, order: Order) -> None:
        """Store the newest version of an order."""
        self.orders[order.order_id] = order
        resting = self.resting[order.side]
        if order.is_open:
            resting[order.order_id] = order
        else:
            resting.pop(order.order_id, None)

    def remove(self, order: Order) -> None:
        """Forget an order, its fills and its names; ids go on counting."""
        del self.orders[order.order_id]
        self.resting[order.side].pop(order.order_id, None)
        self.fills_by_order.pop(order.order_id, None)
        self.amendments.pop(order.order_id, None)


class State:
    """All accounts and books.  `apply` is the only way to change it, live and in replay."""

    def __init__(self) -> None:
        self.source = ""
        self.position = 0
        self.accounts: dict[str, Account] = {}
        self.books: dict[str, Book] = {}
        self.open_client_ids: dict[tuple[str, str], tuple[str, int]] = {}

    def apply(self, entry: Entry) -> None:
        """Carry out one journal entry."""
        match entry:
            case Accepted():
                self._accept(entry)
            case Filled():
                self._fill(entry)
            case Ended():
                self._end(entry)
            case Granted() | Adjusted():
                self._credit(entry)
            case Forgotten(account):
                self._forget(account)
            case Reset():
                self._reset()
            case Opened() | Listed() | Queued() | Priced() | Played():
                self._apply_market(entry)
            case _:
                self._apply_intervention(entry)

    def _apply_intervention(self, entry: Intervention) -> None:
        match entry:
            case Amended():
                self._amend(entry)
            case Prevented():
                self._prevent(entry)
            case SelfMatched():
                self._self_match(entry)
            case Archived(symbol, order_id):
                book = self.books[symbol]
                book.put(replace(book.orders[order_id], archived=True))

    def _apply_market(self, entry: MarketChange) -> None:
        match entry:
            case Opened(source):
                self.source, self.position = source, 0
            case Listed(symbol, base, quote):
                self.books[symbol] = Book(base, quote)
            case Queued(symbol, order_id, ahead):
                book = self.books[symbol]
                book.put(replace(book.orders[order_id], ahead=ahead))
            case Priced(symbol, price, last_trade_id):
                self.books[symbol].price = price
                self.books[symbol].last_trade_id = last_trade_id
            case Played(position):
                self.position = position

    def _credit(self, entry: Granted | Adjusted) -> None:
        account = self.accounts.setdefault(entry.account, Account())
        if isinstance(entry, Granted):
            account.granted.add(entry.asset)
            account.move(entry.asset, free=entry.amount)
        else:
            account.move(entry.asset, free=entry.delta)
            account.updated = entry.time

    def _accept(self, entry: Accepted) -> None:
        book = self.books[entry.symbol]
        order = Order(
            symbol=entry.symbol,
            order_id=entry.order_id,
            account=entry.account,
            client_order_id=entry.client_order_id,
            original_client_order_id=entry.client_order_id,
            side=entry.side,
            type=entry.type,
            time_in_force=entry.time_in_force,
            quantity=entry.quantity,
            price=entry.price,
            quote_quantity=entry.quote_quantity,
            self_trade=entry.self_trade,
            ahead=entry.ahead,
            created=entry.time,
            updated=entry.time,
        )
        book.put(order)
        book.last_order_id = order.order_id
        book.last_execution_id += 1
        book.by_client_id[order.account, order.client_order_id] = order.order_id
        self.open_client_ids[order.account, order.client_order_id] = (order.symbol, order.order_id)
        self._reserve(order, order.reserved, entry.time)

    def _fill(self, entry: Filled) -> None:
        book = self.books[entry.symbol]
        before = book.orders[entry.order_id]
        after = after_fill(before, entry)
        fill = fill_of(before, entry)
        book.put(after)
        book.fills.append(fill)
        book.fills_by_order.setdefault(fill.order_id, []).append(fill)
        book.last_execution_id += 1
        book.last_trade_id = max(book.last_trade_id, fill.trade_id)
        self._forget_if_final(after)
        self._settle(book, before, after, fill)

    def _settle(self, book: Book, before: Order, after: Order, fill: Fill) -> None:
        self._reserve(before, after.reserved - before.reserved, fill.time)
        account = self.accounts[fill.account]
        if fill.side is Side.BUY:
            account.move(book.base, free=fill.quantity)
            account.move(book.quote, free=-fill.quote_quantity)
        else:
            account.move(book.base, free=-fill.quantity)
            account.move(book.quote, free=fill.quote_quantity)
        account.move(fill.commission_asset, free=-fill.commission)

    def _end(self, entry: Ended) -> None:
        book = self.books[entry.symbol]
        before = book.orders[entry.order_id]
        after = replace(
            before,
            status=entry.status,
            client_order_id=entry.client_order_id,
            expiry_reason=entry.expiry_reason,
            updated=entry.time,
        )
        book.last_execution_id += 1
        if after.status is OrderStatus.EXPIRED_IN_MATCH:
            after = after_prevention(after, before.remaining, book.next_prevented())
        book.put(after)
        book.by_client_id[after.account, after.client_order_id] = after.order_id
        self.open_client_ids.pop((before.account, before.client_order_id), None)
        self._reserve(before, -before.reserved, entry.time)

    def _amend(self, entry: Amended) -> None:
        book = self.books[entry.symbol]
        before = book.orders[entry.order_id]
        after = replace(
            before,
            quantity=entry.quantity,
            client_order_id=entry.client_order_id,
            amends=before.amends + 1,
            updated=entry.time,
        )
        book.put(after)
        book.last_execution_id += 1
        book.amendments.setdefault(before.order_id, []).append(
            Amendment(
                before.order_id,
                book.last_execution_id,
                before.client_order_id,
                after.client_order_id,
                before.quantity,
                after.quantity,
                entry.time,
            )
        )
        book.by_client_id[after.account, after.client_order_id] = after.order_id
        self.open_client_ids.pop((before.account, before.client_order_id), None)
        self.open_client_ids[after.account, after.client_order_id] = (after.symbol, after.order_id)
        self._reserve(before, after.reserved - before.reserved, entry.time)

    def _prevent(self, entry: Prevented) -> None:
        book = self.books[entry.symbol]
        before = book.orders[entry.order_id]
        book.last_execution_id += 1
        after = replace(
            after_prevention(before, entry.quantity, book.next_prevented()),
            status=entry.status,
            updated=entry.time,
        )
        self._replace(book, before, after)

    def _self_match(self, entry: SelfMatched) -> None:
        book = self.books[entry.symbol]
        number = book.next_prevented()
        taker, maker = book.orders[entry.taker_order_id], book.orders[entry.maker_order_id]
        for order, loss in ((taker, entry.taker_loss), (maker, entry.maker_loss)):
            if loss:
                book.last_execution_id += 1
                self._replace(book, order, after_self_match(order, loss, number, entry.time))
        accounts = taker.account, maker.account
        book.prevented_matches.append(PreventedMatch(number, entry, accounts))
        if entry.transferred:
            self._transfer(book, taker, entry)

    def _transfer(self, book: Book, taker: Order, entry: SelfMatched) -> None:
        """Move the assets of a prevented match between its accounts, without commission."""
        maker = book.orders[entry.maker_order_id]
        buyer, seller = (taker, maker) if taker.side is Side.BUY else (maker, taker)
        value = times(entry.price, entry.quantity)
        for order, sign in ((buyer, 1), (seller, -1)):
            account = self.accounts[order.account]
            account.move(book.base, free=entry.quantity * sign)
            account.move(book.quote, free=-value * sign)

    def _replace(self, book: Book, before: Order, after: Order) -> None:
        """Put an order's next version in its place, with what it locks and its name."""
        book.put(after)
        self._forget_if_final(after)
        self._reserve(before, after.reserved - before.reserved, after.updated)

    def _reset(self) -> None:
        self.accounts = {name: Account() for name in self.accounts}
        self.books = {
            name: Book(book.base, book.quote, price=book.price) for name, book in self.books.items()
        }
        self.open_client_ids = {}

    def _forget(self, account: str) -> None:
        for book in self.books.values():
            for order in [o for o in book.orders.values() if o.account == account]:
                self._reserve(order, -order.reserved, order.updated)
                book.remove(order)
            book.fills = [fill for fill in book.fills if fill.account != account]
            book.prevented_matches = [
                match for match in book.prevented_matches if account not in match.accounts
            ]
            book.by_client_id = {k: v for k, v in book.by_client_id.items() if k[0] != account}
        self.open_client_ids = {k: v for k, v in self.open_client_ids.items() if k[0] != account}

    def _forget_if_final(self, order: Order) -> None:
        if not order.is_open:
            self.open_client_ids.pop((order.account, order.client_order_id), None)

    def _reserve(self, order: Order, amount: Decimal, time: int) -> None:
        """Move `amount` of what the order pays with from free to locked (back if negative)."""
        book = self.books[order.symbol]
        account = self.accounts[order.account]
        asset = book.quote if order.side is Side.BUY else book.base
        account.move(asset, free=-amount, locked=amount)
        account.updated = time

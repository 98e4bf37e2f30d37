"""Reading everything that a reconciliation needs from the exchange."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from symbol_trader.core.decisions import Query
from symbol_trader.core.events import Answer, ExchangeView
from symbol_trader.core.leader import Leader
from symbol_trader.core.money import ZERO
from symbol_trader.core.order import Order, may_be
from symbol_trader.core.orders import ClientOrderId, ExchangeOrder, Fill
from symbol_trader.core.records import Watermark
from symbol_trader.core.replies import Archived, NotFound
from symbol_trader.ports import Exchange, Record

OVERLAP_TRADES = 20
"""Trades before the watermark that are read again: ids may become visible out of order."""
RECENT_TRADES = 20
"""Trades of the account that a new record looks at."""
SHORT_PAGE = 50
"""A newest page of no more trades is taken for all there are, where the next look makes sure."""
NO_TRADES = Watermark(-1)
"""The watermark of an account that never traded the symbol."""

Page = tuple[Fill, ...]
"""The account's fills in the symbol that one reply shows, in ascending order of trade ids."""


async def read_fills(
    exchange: Exchange, from_id: int, order_id: int | None, on_progress: Callable[[], None]
) -> list[Fill]:
    """Read all fills from a trade id on, page by page. Raises `Unavailable`.

    Many pages take long, for the exchange limits what may be asked in a minute; `on_progress` is
    called after each.
    """
    fills: list[Fill] = []
    while page := await exchange.trades(from_id, order_id):
        fills.extend(page)
        from_id = page[-1].trade_id + 1
        on_progress()
    return fills


class Trades(Enum):
    """How much a look reads of the trades that the account made since the watermark."""

    LATER = auto()
    """Nothing: the next look does."""
    NEWEST = auto()
    """The newest page, although the exchange may show fewer trades in it than there are."""
    ALL = auto()


@dataclass(frozen=True, slots=True)
class NewFills:
    """Fills since the watermark, and whether there are surely no others."""

    fills: Page = ()
    complete: bool = False
    begun_again: bool = False
    """The exchange was reset since the watermark: its ids have begun again."""


async def read_new_fills(
    exchange: Exchange,
    watermark: Watermark,
    trades: Trades,
    page: Page | None,
    on_progress: Callable[[], None],
) -> NewFills:
    """Read fills since the watermark, and some before it. Raises `Unavailable`.

    The newest page is enough where it reaches back that far, however many trades the exchange shows
    in a page; else all are read page by page. `page` is the newest one, if it was read just now.

    All are read, from the first on, where the exchange was reset since the watermark.
    """
    if trades is Trades.LATER:
        return NewFills()
    if page is None:
        page = await exchange.trades(None)
    on_progress()
    start = max(watermark.trade_id - OVERLAP_TRADES, NO_TRADES.trade_id) + 1
    complete = not page or page[0].trade_id <= watermark.trade_id
    if not complete and trades is Trades.NEWEST and len(page) <= SHORT_PAGE:
        return NewFills(page)
    fills = page if complete else tuple(await read_fills(exchange, start, None, on_progress))
    if not _begun_again(fills, watermark):
        return NewFills(tuple(fill for fill in fills if fill.trade_id >= start), complete=True)
    fills = tuple(await read_fills(exchange, 0, None, on_progress))
    return NewFills(fills, complete=True, begun_again=True)


def _begun_again(fills: Page, watermark: Watermark) -> bool:
    """Return whether the exchange has begun to number its trades again since the watermark.

    The fills reach back to the watermark. Then its trade is among them, or they end before it: some
    of the exchange's servers lag behind others. But no trade with a lower id is later.
    """
    before = [fill for fill in fills if fill.trade_id <= watermark.trade_id]
    if watermark.time_ms is not None and any(f.time_ms > watermark.time_ms for f in before):
        return True
    passed = len(before) < len(fills)
    return passed and watermark != NO_TRADES and _id_of_last(before) != watermark.trade_id


def _id_of_last(fills: Sequence[Fill]) -> int | None:
    return fills[-1].trade_id if fills else None


def mark_of(fills: Page, before: Watermark = NO_TRADES) -> Watermark:
    """Return the watermark at the last of these trades, which follows another one.

    Its time is the latest of all: a clock that stepped back is no reset.
    """
    return Watermark(fills[-1].trade_id, max(before.time_ms or 0, *(f.time_ms for f in fills)))


def first_watermark(page: Page) -> Watermark:
    """Return where a new record begins to look: before the account's last trades in the symbol.

    It has placed none of them. If another record has, that has to come to light. Of fewer trades
    the oldest is looked at as well: a bit before the watermark is always read again.
    """
    return mark_of(page[:-RECENT_TRADES] or page[:1]) if page else NO_TRADES


async def find_order(exchange: Exchange, query: Query) -> Answer:
    """Query an order; where the exchange denies it by both ids, look among the open orders.

    The servers that answer queries may lag behind the order book.
    """
    answer = await _query(exchange, query)
    if not isinstance(answer, NotFound):
        return answer
    on_book = _on_book(await exchange.open_orders(), [query])
    return on_book.get(query.client_order_id, answer)


async def _query(exchange: Exchange, query: Query) -> Answer:
    """Query an order by its client id, then by the exchange's: a canceled one may be renamed."""
    answer = await exchange.order(query.client_order_id)
    if not isinstance(answer, NotFound) or query.order_id is None:
        return answer
    by_id = await exchange.order_by_id(query.order_id)
    match by_id:
        case ExchangeOrder() if _may_be(by_id, query):
            return replace(by_id, client_order_id=query.client_order_id)
        case ExchangeOrder():
            return answer
        case Archived():
            return by_id
        case NotFound():
            return answer


def _on_book(
    open_orders: Iterable[ExchangeOrder], wanted: Iterable[Query]
) -> dict[ClientOrderId, ExchangeOrder]:
    """Return those wanted that rest, each under the id it was placed with.

    An amended order may go by another client id.
    """
    orders = list(open_orders)
    by_name = {order.client_order_id: order for order in orders}
    by_id: dict[int | None, ExchangeOrder] = {order.order_id: order for order in orders}
    found = {
        query: by_name.get(query.client_order_id) or by_id.get(query.order_id) for query in wanted
    }
    return {
        query.client_order_id: replace(order, client_order_id=query.client_order_id)
        for query, order in found.items()
        if order is not None and _may_be(order, query)
    }


def _may_be(order: ExchangeOrder, query: Query) -> bool:
    return may_be(order, query.client_order_id, query.timestamp_ms)


class Reader:
    """Asks the exchange for all that a reconciliation needs, and the record which orders it has."""

    def __init__(self, exchange: Exchange, record: Record, on_progress: Callable[[], None]) -> None:
        """Read over open connections; `on_progress` is called after each answer."""
        self._exchange = exchange
        self._record = record
        self._on_progress = on_progress
        self._explained: set[int] = set()
        """Orders of which no fill is asked for again: those of others, and those that the record
        holds or that a person has disowned. By the exchange's ids, until these begin again."""

    async def read(
        self,
        leader: Leader,
        watermark: Watermark,
        trades: Trades = Trades.ALL,
        page: Page | None = None,
    ) -> tuple[ExchangeView, Watermark]:
        """Read the orders that are not over on record, and the trades since the watermark.

        The trades show what orders traded that nobody recorded, so they can wait for a while: what
        the known ones executed is read order by order in any case. If an order is denied, they are
        all read. `page` is the newest page, if it was read just now.

        Returns the view, with the orders that nobody recorded, and the trade up to which it is
        complete. What is asked, and in which order:

        1. The open orders, once: they answer for all of ours that rest, however many. An order that
           was placed after they were read is not among them, so its absence proves nothing.
        2. Each of ours that is not over on record and was not among them, by its ids: it ended, was
           placed since, or does not exist.
        3. Where the exchange denies one of those, the open orders again. The servers that answer
           queries may lag behind the order book, so a denial alone does not count; and the first
           list may be older than the order. Open orders that are read after the denial show
           whether it rests.
        4. The trades, last: a fill that happens between two of these requests is in this answer,
           whatever the earlier ones said of its order.
        """
        known = {order.intent.client_order_id: order for order in leader.orders_to_ask_for}
        answers, open_orders = await self._ask_for(known)
        denied = any(isinstance(answer, NotFound) for answer in answers.values())
        new = await read_new_fills(
            self._exchange,
            watermark,
            Trades.ALL if denied else trades,
            page,
            self._on_progress,
        )
        fills = list(new.fills)
        if new.begun_again:
            self._explained.clear()
        newest = mark_of(new.fills, watermark) if fills and new.complete else watermark
        seen_to = newest if watermark.precedes(newest) else watermark
        unexplained = await self._unexplained(fills, leader, answers)
        # What was traded exists, whatever a query by its name says.
        by_name = {o.client_order_id: o for o in unexplained}
        answers |= {name: by_name[name] for name in known if name in by_name}
        fills += await self._older_fills(known, answers, fills)
        known_before = leader.unrecorded_orders
        unrecorded_orders = await self._unrecorded_orders(
            leader, (*known_before, *open_orders, *unexplained)
        )
        return ExchangeView(
            answers, unrecorded_orders, tuple(fills), known_before, open_orders
        ), seen_to

    async def _ask_for(
        self, known: Mapping[ClientOrderId, Order]
    ) -> tuple[dict[ClientOrderId, Answer], tuple[ExchangeOrder, ...]]:
        """Return what the exchange says of these orders, and all open orders that it showed."""
        exchange = self._exchange
        wanted = {name: Query.of(order.intent, order.order_id) for name, order in known.items()}
        open_orders = await exchange.open_orders()
        self._on_progress()
        answers: dict[ClientOrderId, Answer] = dict(_on_book(open_orders, wanted.values()))
        for name in [name for name in wanted if name not in answers]:
            answers[name] = await _query(exchange, wanted[name])
            self._on_progress()
        not_found = [wanted[n] for n, answer in answers.items() if isinstance(answer, NotFound)]
        if not_found:
            later = await exchange.open_orders()
            answers |= _on_book(later, not_found)
            open_orders = (*open_orders, *later)
        return {name: answers[name] for name in known}, open_orders

    async def _older_fills(
        self,
        known: Mapping[ClientOrderId, Order],
        answers: Mapping[ClientOrderId, Answer],
        read: list[Fill],
    ) -> list[Fill]:
        """Read all fills of those orders of which some are neither known nor just read."""
        fills: list[Fill] = []
        for name, answer in answers.items():
            if isinstance(answer, ExchangeOrder) and _lacks_fills(known[name], answer, read):
                fills += await read_fills(self._exchange, 0, answer.order_id, self._on_progress)
        return fills

    async def _unexplained(
        self, fills: Iterable[Fill], leader: Leader, answers: Mapping[ClientOrderId, Answer]
    ) -> list[ExchangeOrder]:
        """Look at the orders of trades that neither the leader nor the record knows."""
        explained = self._explained | _numbers_now(leader, answers)
        known = {fill.key for order in _orders(leader) for fill in order.fills.values()}
        unknown = {f.key for f in fills if f.order_id not in explained} - known
        if not unknown:
            return []
        unknown = set(await self._record.unrecorded_fills(unknown))
        numbers = sorted({key.order_id for key in unknown})
        found = [await self._look_at(number) for number in numbers]
        return [order for order in found if isinstance(order, ExchangeOrder)]

    async def _look_at(self, order_id: int) -> Answer:
        order = await self._exchange.order_by_id(order_id)
        self._on_progress()
        return order

    async def _unrecorded_orders(
        self, leader: Leader, seen: tuple[ExchangeOrder, ...]
    ) -> tuple[ExchangeOrder, ...]:
        marked = {o.client_order_id: o for o in seen if leader.marks(o.client_order_id)}
        strange = await self._record.unrecorded_client_order_ids(marked) if marked else frozenset()
        self._explained |= {o.order_id for o in seen if o.client_order_id not in strange}
        return tuple(order for name, order in marked.items() if name in strange)


def _numbers_now(leader: Leader, answers: Mapping[ClientOrderId, Answer]) -> set[int | None]:
    """Return the exchange's ids of orders of ours that have them now, not just before a reset.

    These are the ids that it has just told, and those of orders that were placed meanwhile.
    """
    told = {a.order_id for a in answers.values() if isinstance(a, ExchangeOrder)}
    live = (o for o in _orders(leader) if not o.state.final)
    return told | {o.order_id for o in live if o.intent.client_order_id not in answers}


def _orders(leader: Leader) -> Iterator[Order]:
    return (order for trader in leader.traders for order in trader.orders)


def _lacks_fills(order: Order, answer: ExchangeOrder, read: list[Fill]) -> bool:
    here = order.fills | {f.trade_id: f for f in read if f.order_id == answer.order_id}
    return sum((fill.quantity for fill in here.values()), ZERO) < answer.executed

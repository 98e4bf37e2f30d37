"""What a reconciliation reads, and who placed what it finds."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from symbol_trader.core.decisions import Query
from symbol_trader.core.events import Answer, UnrecordedOrdersFound, ViewRead
from symbol_trader.core.order import Order
from symbol_trader.core.orders import (
    ClientOrderId,
    ExchangeOrder,
    Fill,
    FillKey,
    Intent,
    OrderState,
)
from symbol_trader.core.records import Watermark
from symbol_trader.core.replies import Archived, NotFound, Unknown
from symbol_trader.runtime.reading import (
    NO_TRADES,
    OVERLAP_TRADES,
    Reader,
    Trades,
    find_order,
    first_watermark,
)
from unit.core.builders import NOW_MS, D, intent, seen
from unit.core.desk import UNRECORDED, Desk

OTHERS = replace(seen(intent(), "FILLED", 10), client_order_id="web_1", order_id=99)
OURS = replace(OTHERS, client_order_id=UNRECORDED, order_id=98)


@dataclass
class Exchange:
    """An exchange with a desk's orders, and some more; it counts what it is asked."""

    desk: Desk
    open: tuple[ExchangeOrder, ...] = ()
    all: tuple[ExchangeOrder, ...] = ()
    fills: tuple[Fill, ...] = ()
    page: int = 2
    asked: list[int] = field(default_factory=list)
    from_ids: list[int | None] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    """What was asked, in order."""

    async def order(self, name: str) -> Answer:
        self.log.append("order")
        return self.desk.view().answers[ClientOrderId(name)]

    async def open_orders(self) -> tuple[ExchangeOrder, ...]:
        self.log.append("book")
        return self.open

    async def trades(self, from_id: int | None, order_id: int | None = None) -> tuple[Fill, ...]:
        self.from_ids.append(from_id)
        self.log.append("trades")
        known = [*self.fills, *(f for one in self.desk.book.values() for f in one.fills)]
        found = [f for f in known if f.trade_id >= (from_id or 0)]
        found = [f for f in found if order_id in {None, f.order_id}]
        found.sort(key=lambda f: f.trade_id)
        return tuple(found[-self.page :] if from_id is None else found[: self.page])

    async def order_by_id(self, order_id: int) -> Answer:
        self.log.append("order by id")
        self.asked.append(order_id)
        return next((o for o in self.all if o.order_id == order_id), NotFound(0))


@dataclass
class Record:
    """A record that holds these."""

    fills: frozenset[FillKey] = frozenset()
    names: frozenset[str] = frozenset()

    async def unrecorded_fills(self, fills: Collection[FillKey]) -> frozenset[FillKey]:
        return frozenset(fills) - self.fills

    async def unrecorded_client_order_ids(self, names: Collection[str]) -> frozenset[str]:
        return frozenset(names) - self.names


def reader(exchange: Exchange, record: Record | None = None) -> Reader:
    return Reader(exchange, record or Record(), lambda: None)  # type: ignore[arg-type]  # a stand-in has what is used


def fill_of(order: ExchangeOrder, trade_id: int, time_ms: int = 1) -> Fill:
    amounts = (order.price, order.executed, order.price * order.executed)
    return Fill(order.order_id, trade_id, *amounts, D(0), "XRP", is_maker=True, time_ms=time_ms)


def at(trade_id: int) -> Watermark:
    """Return the watermark at a trade that `fill_of` describes."""
    return Watermark(trade_id, 1)


async def test_fills_are_read_page_by_page_from_before_the_watermark() -> None:
    desk = Desk()
    ids = (60, 80, 90, 100, 101, 102)
    exchange = Exchange(desk, fills=tuple(fill_of(OTHERS, n) for n in ids))
    view, newest = await reader(exchange).read(desk.leader, at(90))
    assert [fill.trade_id for fill in view.fills] == [80, 90, 100, 101, 102]
    assert newest == at(102)
    assert exchange.from_ids == [None, 90 - OVERLAP_TRADES + 1, 91, 102, 103]


async def test_the_newest_page_is_enough_if_it_reaches_back_to_the_watermark() -> None:
    desk = Desk()
    exchange = Exchange(desk, fills=tuple(fill_of(OTHERS, 60 + n) for n in range(40)), page=30)
    view, newest = await reader(exchange).read(desk.leader, at(90))
    assert [fill.trade_id for fill in view.fills] == list(range(71, 100))
    assert newest == at(99)
    assert exchange.from_ids == [None]


async def test_a_page_that_was_read_just_now_is_not_read_again() -> None:
    desk = Desk()
    page = tuple(fill_of(OTHERS, 100 + n) for n in range(2))
    exchange = Exchange(desk, fills=page)
    view, newest = await reader(exchange).read(desk.leader, at(100), Trades.NEWEST, page)
    assert view.fills == page
    assert newest == at(101)
    assert exchange.from_ids == []


@pytest.mark.parametrize(("count", "page", "asked"), [(5, 2, 1), (60, 55, 3)])
async def test_a_start_takes_a_short_page_for_all_there_is_and_the_next_look_makes_sure(
    count: int, page: int, asked: int
) -> None:
    """Only what is surely complete lets the watermark advance; a long page tells of many more."""
    desk = Desk()
    fills = tuple(fill_of(OTHERS, 100 + n) for n in range(count))
    exchange = Exchange(desk, fills=(fill_of(OTHERS, 90), *fills), page=page)
    view, newest = await reader(exchange).read(desk.leader, at(90), Trades.NEWEST)
    assert len(exchange.from_ids) == asked + (asked > 1)
    complete = asked > 1
    assert len(view.fills) == (count + 1 if complete else page)
    assert newest == (at(99 + count) if complete else at(90))


async def test_trades_can_wait_for_the_next_look_unless_an_order_is_denied() -> None:
    desk = Desk()
    name = desk.bought()
    exchange = Exchange(desk, fills=(fill_of(OTHERS, 90), fill_of(OTHERS, 100)))
    desk.book.clear()
    view, newest = await reader(exchange).read(desk.leader, at(90), Trades.LATER)
    assert isinstance(view.answers[name.client_order_id], NotFound)
    assert "trades" in exchange.log
    assert newest == at(100)

    exchange = Exchange(settled := Desk(), fills=(fill_of(OTHERS, 100),))
    view, newest = await reader(exchange).read(settled.leader, at(90), Trades.LATER)
    assert exchange.log == ["book"]
    assert (view.fills, newest) == ((), at(90))


@pytest.mark.parametrize(("count", "first"), [(0, -1), (1, 100), (20, 100), (30, 109)])
def test_a_new_record_looks_at_the_last_twenty_trades(count: int, first: int) -> None:
    """Of fewer trades at all of them: a bit before the watermark is read as well."""
    page = tuple(fill_of(OTHERS, 100 + n) for n in range(count))
    assert first_watermark(page) == (at(first) if count else NO_TRADES)


async def test_an_open_order_with_our_mark_that_the_record_does_not_hold_is_strange() -> None:
    desk = Desk()
    exchange = Exchange(desk, open=(OURS, OTHERS))
    view, _ = await reader(exchange).read(desk.leader, NO_TRADES)
    assert view.unrecorded_orders == (OURS,)


async def test_a_fill_leads_to_an_order_that_is_over_and_strange() -> None:
    desk = Desk()
    exchange = Exchange(desk, all=(OURS,), fills=(fill_of(OURS, 7),))
    view, _ = await reader(exchange).read(desk.leader, NO_TRADES)
    assert view.unrecorded_orders == (OURS,)


async def test_orders_on_record_are_not_strange_and_not_asked_for() -> None:
    desk = Desk()
    exchange = Exchange(desk, open=(OURS,), all=(OURS,), fills=(fill_of(OURS, 7),))
    record = Record(frozenset({fill_of(OURS, 7).key}), frozenset({UNRECORDED}))
    view, _ = await reader(exchange, record).read(desk.leader, NO_TRADES)
    assert view.unrecorded_orders == ()
    assert exchange.asked == []


# An exchange that was reset numbers its orders and trades from 1 again.


@pytest.mark.parametrize("ids", [(1, 2, 3), (89, 90, 91), (91, 95), (1, 2, 3, 91, 95)])
async def test_after_a_reset_all_trades_are_read_and_the_watermark_begins_anew(
    ids: tuple[int, ...],
) -> None:
    """A trade with a lower number is later, or the watermark's own is not there."""
    fills = tuple(fill_of(OTHERS, number, 7) for number in ids)
    exchange = Exchange(desk := Desk(), fills=fills)
    view, newest = await reader(exchange).read(desk.leader, at(90))
    assert view.fills == fills
    assert newest == Watermark(ids[-1], 7)
    assert at(90).precedes(newest)


@pytest.mark.parametrize("known", [Watermark(90, 7), Watermark(90)])
@pytest.mark.parametrize("ids", [(), (1, 2), (88, 89)])
async def test_a_server_that_lags_behind_tells_of_no_reset(
    ids: tuple[int, ...], known: Watermark
) -> None:
    """Of a watermark from an earlier version the time is not known: only ids tell."""
    exchange = Exchange(desk := Desk(), fills=tuple(fill_of(OTHERS, n, 7) for n in ids))
    view, newest = await reader(exchange).read(desk.leader, known)
    assert newest == known
    assert [fill.trade_id for fill in view.fills] == [n for n in ids if n > 70]


async def test_a_trade_that_is_a_bit_older_than_the_one_before_it_tells_of_no_reset() -> None:
    """Clocks step back: the whole history would be read again each time."""
    fills = tuple(fill_of(OTHERS, n, time_ms) for n, time_ms in ((90, 1), (91, 9), (92, 8)))
    exchange = Exchange(desk := Desk(), fills=fills, page=9)
    for watermark in (at(90), Watermark(92, 9)):
        _, newest = await reader(exchange).read(desk.leader, watermark)
        assert newest == Watermark(92, 9)
    assert exchange.from_ids == [None, None]


async def test_the_time_of_a_watermark_is_known_once_its_trade_was_seen() -> None:
    exchange = Exchange(desk := Desk(), fills=tuple(fill_of(OTHERS, n, 7) for n in (89, 90)))
    _, newest = await reader(exchange).read(desk.leader, Watermark(90))
    assert newest == Watermark(90, 7)
    assert not newest.precedes(newest)


async def test_after_a_reset_the_number_of_an_order_that_was_looked_at_is_another_one_s() -> None:
    exchange = Exchange(desk := Desk(), all=(OTHERS,), fills=(fill_of(OTHERS, 90),))
    reading = reader(exchange)
    _, newest = await reading.read(desk.leader, NO_TRADES)
    ours = replace(OURS, order_id=OTHERS.order_id)
    exchange.all, exchange.fills = (ours,), (fill_of(ours, 1, 7),)
    view, _ = await reading.read(desk.leader, newest)
    assert view.unrecorded_orders == (ours,)


async def test_a_trade_is_no_order_s_that_had_its_number_before_a_reset() -> None:
    """Neither of one that is over nor of one that the exchange does not know any more."""
    desk = Desk()
    sell = desk.accept(desk.bought())
    over, gone = (order.order_id for order in desk.leader.traders[0].orders)
    desk.book.clear()
    orders = tuple(
        replace(OURS, client_order_id=f"{UNRECORDED}{number}", order_id=number)
        for number in (over, gone)
        if number is not None
    )
    fills = tuple(fill_of(order, n, desk.now_ms + 5) for n, order in enumerate(orders))
    exchange = Lagging(desk, all=orders, fills=fills)
    view, _ = await reader(exchange).read(desk.leader, NO_TRADES)
    assert view.unrecorded_orders == orders
    desk.now_ms += 60_000
    desk.tell(
        ViewRead(replace(view, answers={sell.client_order_id: NotFound(desk.now_ms)}), NO_TRADES)
    )
    assert [len(order.fills) for order in desk.leader.traders[0].orders] == [1, 0]


async def test_the_leaders_own_orders_are_not_asked_for() -> None:
    desk = Desk()
    desk.fill(desk.accept(desk.bought()), "4")
    exchange = Exchange(desk)
    view, _ = await reader(exchange).read(desk.leader, NO_TRADES)
    assert view.unrecorded_orders == ()
    assert exchange.asked == []


async def test_fills_that_are_known_are_not_read_again() -> None:
    """An order that rests partly filled for days costs no page more than another one."""
    desk = Desk()
    desk.fill(sell := desk.accept(desk.bought()), "4")
    exchange = Exchange(desk)
    later = Watermark(90, desk.now_ms + 60_000)
    await reader(exchange).read(desk.leader, later)
    assert exchange.from_ids == [None]

    fill = desk.execute(sell, "1")
    exchange.from_ids.clear()
    view, newest = await reader(exchange).read(desk.leader, later)
    assert newest == later
    assert exchange.from_ids[:2] == [None, 0]
    assert fill in view.fills


async def test_it_says_after_each_page_that_it_gets_on() -> None:
    moves: list[None] = []
    exchange = Exchange(desk := Desk(), fills=tuple(fill_of(OTHERS, 100 + n) for n in range(5)))
    reading = Reader(exchange, Record(), lambda: moves.append(None))  # type: ignore[arg-type]  # a stand-in has what is used
    await reading.read(desk.leader, at(100))
    assert len(moves) == 6, "the book, the newest page, three pages, the order behind them"


async def test_orders_of_others_are_asked_for_once() -> None:
    desk = Desk()
    exchange = Exchange(desk, all=(OTHERS,), fills=(fill_of(OTHERS, 7),))
    reading = reader(exchange)
    for _ in range(3):
        view, _ = await reading.read(desk.leader, NO_TRADES)
        assert view.unrecorded_orders == ()
    assert exchange.asked == [99]


async def test_an_unrecorded_order_is_looked_at_until_a_person_disowns_it() -> None:
    """Also when it is off the book and behind the watermark."""
    desk = Desk()
    exchange = Exchange(desk)
    desk.reconcile(unrecorded_orders=(OURS,))
    view, _ = await reader(exchange).read(desk.leader, NO_TRADES)
    assert view.unrecorded_orders == (OURS,)
    disowned = Record(names=frozenset({UNRECORDED}))
    view, _ = await reader(exchange, disowned).read(desk.leader, NO_TRADES)
    assert view.unrecorded_orders == ()


async def test_an_order_that_was_proved_absent_and_is_there_after_all_is_strange() -> None:
    """Its trader still runs here and may have placed another: nobody answers for this one."""
    desk = Desk()
    desk.price("2")
    order = desk.order
    desk.lose(order)
    desk.now_ms += 60_000
    desk.prove_absent(order)
    desk.take(order)
    fill = desk.execute(order)
    there = desk.book[order.client_order_id].shown()

    view, _ = await reader(Exchange(desk, open=(there,))).read(
        desk.leader, Watermark(fill.trade_id + 99, fill.time_ms)
    )
    assert view.unrecorded_orders == (there,)

    view, _ = await reader(Exchange(desk, all=(there,))).read(desk.leader, NO_TRADES)
    assert view.unrecorded_orders == (there,)
    desk.reconcile(unrecorded_orders=view.unrecorded_orders)
    assert desk.leader.halted


async def test_a_view_does_not_deny_an_unrecorded_order_that_was_found_while_it_was_read() -> None:
    """It would let the leader place again until the next view."""
    desk = Desk()
    view, _ = await reader(Exchange(desk)).read(desk.leader, NO_TRADES)
    desk.tell(UnrecordedOrdersFound((OURS,)))
    desk.tell(ViewRead(view, NO_TRADES))
    assert desk.leader.halted
    desk.price("2")
    assert not desk.placed

    disowned = Record(names=frozenset({UNRECORDED}))
    view, _ = await reader(Exchange(desk), disowned).read(desk.leader, NO_TRADES)
    desk.tell(ViewRead(view, NO_TRADES))
    assert desk.leader.halted is None


def doubtful() -> tuple[Desk, Intent]:
    """Return an order in doubt, which the exchange denies by its name."""
    desk = Desk()
    desk.price("2")
    buy = desk.order
    desk.reply(buy, Unknown("no reply"))
    return desk, buy


@dataclass
class Lagging(Exchange):
    """What answers queries by name lags behind the book and the trades."""

    async def order(self, name: str) -> Answer:
        self.log.append("order")
        return NotFound(self.desk.now_ms)


async def test_an_order_that_rests_is_not_denied_by_a_query() -> None:
    desk, buy = doubtful()
    resting = seen(buy, "NEW")
    exchange = Lagging(desk, open=(resting,))

    view, _ = await reader(exchange).read(desk.leader, NO_TRADES)

    assert view.answers == {buy.client_order_id: resting}


async def test_an_order_that_was_traded_is_not_denied_by_a_query() -> None:
    desk, buy = doubtful()
    filled = replace(seen(buy, "FILLED", buy.quantity), order_id=97)
    exchange = Lagging(desk, all=(filled,), fills=(fill_of(filled, 5),))

    view, _ = await reader(exchange).read(desk.leader, NO_TRADES)

    assert view.answers == {buy.client_order_id: filled}


async def test_an_order_that_goes_by_another_name_is_found_by_its_number() -> None:
    desk = Desk()
    renamed = replace(seen(intent(), "CANCELED"), client_order_id="web_2", order_id=96)
    exchange = Lagging(desk, all=(renamed,))

    found = await find_order(exchange, Query(intent().client_order_id, 96, NOW_MS))  # type: ignore[arg-type]  # a stand-in has what is used

    assert found == replace(renamed, client_order_id=intent().client_order_id)


async def test_another_order_of_ours_is_not_taken_for_it_because_of_its_number() -> None:
    """The numbers of an exchange that was reset begin again."""
    desk, wanted = Desk(), intent().client_order_id
    reused = replace(seen(intent(), "NEW"), client_order_id=UNRECORDED, order_id=96)
    exchange = Lagging(desk, open=(reused,), all=(reused,))

    assert await find_order(exchange, Query(wanted, 96, NOW_MS)) == NotFound(desk.now_ms)  # type: ignore[arg-type]  # a stand-in has what is used


@pytest.mark.parametrize(("later_ms", "is_it"), [(120_000, True), (120_001, False)])
async def test_an_order_of_others_that_was_placed_later_is_not_taken_for_it(
    later_ms: int, *, is_it: bool
) -> None:
    """Nor is it canceled in its place: the numbers of an exchange that was reset begin again."""
    desk, query = Desk(), Query(intent().client_order_id, 96, NOW_MS)
    web = replace(
        seen(intent(), "NEW"), client_order_id="web_2", order_id=96, time_ms=NOW_MS + later_ms
    )
    ours = replace(web, client_order_id=intent().client_order_id)
    for exchange in (Lagging(desk, all=(web,)), Lagging(desk, open=(web,))):
        found = await find_order(exchange, query)  # type: ignore[arg-type]  # a stand-in has what is used
        assert found == (ours if is_it else NotFound(desk.now_ms))


async def test_an_order_that_a_cancel_has_renamed_is_found_by_its_number() -> None:
    desk, wanted = Desk(), intent().client_order_id
    renamed = replace(seen(intent(), "CANCELED"), client_order_id=f"{wanted}c1", order_id=96)
    exchange = Lagging(desk, all=(renamed,))

    found = await find_order(exchange, Query(wanted, 96, NOW_MS))  # type: ignore[arg-type]  # a stand-in has what is used

    assert found == replace(renamed, client_order_id=wanted)


async def test_an_order_that_nothing_shows_is_denied() -> None:
    desk, buy = doubtful()

    view, _ = await reader(Lagging(desk)).read(desk.leader, NO_TRADES)

    assert view.answers == {buy.client_order_id: NotFound(desk.now_ms)}


@dataclass
class Leading:
    """A leader with these orders, as far as a reader asks it for anything."""

    orders_to_ask_for: tuple[Order, ...]
    unrecorded_orders: tuple[ExchangeOrder, ...] = ()

    @property
    def traders(self) -> tuple[Any, ...]:
        return (self,)

    @property
    def orders(self) -> tuple[Order, ...]:
        return self.orders_to_ask_for

    def marks(self, _: str) -> bool:
        return False


def resting(number: int) -> Order:
    return Order(intent(attempt=number), OrderState.OPEN, order_id=1_000 + number)


def shown(order: Order, **changes: Any) -> ExchangeOrder:
    return replace(seen(order.intent, "NEW"), order_id=order.order_id or 0, **changes)


async def test_orders_that_rest_cost_one_question_however_many_there_are() -> None:
    orders = tuple(resting(number) for number in range(100))
    exchange = Exchange(Desk(), open=tuple(shown(order) for order in orders))

    view, _ = await reader(exchange).read(Leading(orders), NO_TRADES)  # type: ignore[arg-type]  # a stand-in has what is used

    assert exchange.log == ["book", "trades"]
    assert view.answers == {order.intent.client_order_id: shown(order) for order in orders}


async def test_an_order_that_is_not_on_the_book_is_asked_for_before_the_trades() -> None:
    """A fill that took it off the book is then among them."""
    gone, stays = resting(1), resting(2)
    filled = replace(shown(gone), status="FILLED", executed=gone.intent.quantity)

    class Filled(Exchange):
        async def order(self, name: str) -> Answer:
            self.log.append(name)
            return filled

    exchange = Filled(Desk(), open=(shown(stays),))
    view, _ = await reader(exchange).read(Leading((gone, stays)), NO_TRADES)  # type: ignore[arg-type]  # a stand-in has what is used

    assert exchange.log[:3] == ["book", gone.intent.client_order_id, "trades"]
    assert view.answers[gone.intent.client_order_id] == filled
    assert view.answers[stays.intent.client_order_id] == shown(stays)


@dataclass
class Late(Lagging):
    """The order comes to the book after that was read, and queries lag behind it."""

    comes: tuple[ExchangeOrder, ...] = ()

    async def order(self, name: str) -> Answer:
        self.open = self.comes
        return await super().order(name)


async def test_an_order_that_came_to_the_book_after_it_was_read_is_not_denied() -> None:
    order = Order(intent(), OrderState.UNDECIDED)
    there = seen(order.intent, "NEW")
    exchange = Late(Desk(), comes=(there,))

    view, _ = await reader(exchange).read(Leading((order,)), NO_TRADES)  # type: ignore[arg-type]  # a stand-in has what is used

    assert exchange.log == ["book", "order", "book", "trades"]
    assert view.answers == {order.intent.client_order_id: there}


async def test_an_amended_order_is_known_on_the_book_by_its_order_id() -> None:
    order = resting(1)
    amended = shown(order, client_order_id="a-new-one", quantity=D(3))
    exchange = Exchange(Desk(), open=(amended,))

    view, _ = await reader(exchange).read(Leading((order,)), NO_TRADES)  # type: ignore[arg-type]  # a stand-in has what is used

    name = order.intent.client_order_id
    assert exchange.log == ["book", "trades"]
    assert view.answers == {name: replace(amended, client_order_id=name)}


@pytest.mark.parametrize("by_name", [True, False])
async def test_an_archived_order_is_not_looked_for_any_further(by_name: bool) -> None:
    class Old(Exchange):
        async def order(self, name: str) -> Answer:
            self.log.append("order")
            return Archived() if by_name else NotFound(1)

        async def order_by_id(self, order_id: int) -> Answer:
            self.log.append("order by id")
            return Archived()

    order = resting(1)
    name = order.intent.client_order_id
    exchange = Old(Desk())

    view, _ = await reader(exchange).read(Leading((order,)), NO_TRADES)  # type: ignore[arg-type]  # a stand-in has what is used
    assert view.answers == {name: Archived()}
    asked = ["order"] if by_name else ["order", "order by id"]
    assert exchange.log == ["book", *asked, "trades"]

    assert await find_order(exchange, Query.of(order.intent, order.order_id)) == Archived()  # type: ignore[arg-type]  # a stand-in has what is used

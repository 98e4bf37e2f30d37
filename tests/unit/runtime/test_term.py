"""The order in which a term carries decisions out: committed first, then sent.

A record and an exchange write into one log what they are asked, each commit in two steps, so that a
request that is written before the commit's answer came is seen between them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import structlog

from symbol_trader.core.events import (
    ExchangeView,
    PlaceReplied,
    PriceSeen,
    QueryReplied,
    TimePassed,
    ViewRead,
)
from symbol_trader.core.orders import (
    CancelIntent,
    ExchangeOrder,
    ExecutionReport,
    Fill,
    Intent,
    Side,
)
from symbol_trader.core.records import (
    FeeValued,
    NewTrader,
    RecordChange,
    RefusedBuy,
    TraderResult,
    Watermark,
)
from symbol_trader.core.replies import AssetPrice, NotFound, Outcome, Refused, Unknown, UserEvent
from symbol_trader.core.settings import TradingStatus, UnfilledBuys
from symbol_trader.core.symbols import SymbolInfo
from symbol_trader.desired import Desired
from symbol_trader.errors import Contradiction, SettledMeanwhile, Unavailable
from symbol_trader.runtime.events import DesiredChanged, Event, Stop
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.mailbox import Mailbox
from symbol_trader.runtime.metrics import Metrics
from symbol_trader.runtime.story import Story
from symbol_trader.runtime.term import Intervals, Term
from unit.core.builders import NOW_MS, SETTINGS, D
from unit.core.desk import TIMING, Desk, resting_buy

QUIET = Intervals(timer_s=3600, reconcile_s=3600)


UNREADABLE = "GONE"
"""An asset whose price cannot be read."""

NOTED = {
    NewTrader: "trader",
    TraderResult: "result",
    Intent: "intent",
    CancelIntent: "cancel",
    FeeValued: "fee's value",
}
"""Kinds of changes, in the words of the log."""


class Record:
    """A record that logs when a commit begins and when its answer comes."""

    def __init__(self, log: list[str], failure: Exception | None, *, halted: bool) -> None:
        self._log, self._failure, self._halted = log, failure, halted

    async def note(self, changes: Sequence[RecordChange]) -> tuple[RefusedBuy, ...]:
        noted = [name for kind, name in NOTED.items() if any(isinstance(c, kind) for c in changes)]
        if noted:
            await self._commit(" and ".join(noted))
        buys = (c for c in changes if isinstance(c, Intent) and c.side is Side.BUY)
        halted = (RefusedBuy(buy.client_order_id, "Halted", "as a test says") for buy in buys)
        return tuple(halted) if self._halted else ()

    async def mirror_settings(self, settings: object) -> None:
        self._log.append("settings mirrored")

    async def advance_watermark(self, watermark: Watermark) -> None:
        self._log.append(f"watermark {watermark.trade_id}")

    async def confirm(self) -> None:
        pass

    async def settled_meanwhile(self) -> bool:
        return True

    async def _commit(self, what: str) -> None:
        self._log.append(f"{what} begun")
        # Whatever else could run meanwhile does.
        for _ in range(5):
            await asyncio.sleep(0)
        if self._failure:
            raise self._failure
        self._log.append(f"{what} committed")


class Exchange:
    """An exchange that logs what it is sent, and answers nothing."""

    def __init__(self, log: list[str]) -> None:
        self._log = log

    def now_ms(self) -> int:
        return NOW_MS

    async def has_room(self) -> bool:
        return True

    def held_until_ms(self) -> int | None:
        return None

    async def place(self, intent: Intent) -> Outcome:
        self._log.append("order sent")
        return Unknown("no reply")

    async def cancel(self, intent: CancelIntent) -> Outcome:
        self._log.append("cancel sent")
        return Unknown("no reply")

    async def order(self, client_order_id: str) -> NotFound:
        self._log.append("order asked for")
        return NotFound(NOW_MS)

    async def order_by_id(self, order_id: int) -> NotFound:
        return NotFound(NOW_MS)

    async def open_orders(self) -> tuple[ExchangeOrder, ...]:
        self._log.append("book read")
        return ()

    async def trades(self, from_id: int | None, order_id: int | None = None) -> tuple[Fill, ...]:
        self._log.append("trades read")
        return ()

    async def price_of(self, asset: str, time_ms: int) -> AssetPrice | None:
        self._log.append(f"price of {asset} asked for")
        if asset == UNREADABLE:
            raise Unavailable("no answer")
        return AssetPrice(D(600), "a test", time_ms)

    async def symbol(self) -> SymbolInfo:
        self._log.append("symbol asked for")
        raise Unavailable("no answer")

    async def user_events(self) -> AsyncIterator[UserEvent]:
        await asyncio.Event().wait()
        yield ExecutionReport("", None, None)  # type: ignore[arg-type]  # what no program sends

    async def close(self) -> None:
        pass


def term_of(
    desk: Desk,
    mailbox: Mailbox,
    log: list[str],
    *,
    failure: Exception | None = None,
    halted: bool = False,
    intervals: Intervals = QUIET,
    changed: Callable[[], None] = lambda: None,
) -> Term:
    """Make a term over stand-ins that have what is used."""
    record: Any = Record(log, failure, halted=halted)
    exchange: Any = Exchange(log)
    return Term(
        desk.leader,
        ownership=record,
        record=record,
        exchange=exchange,
        mailbox=mailbox,
        desired=Desired("XRPUSDT", SETTINGS, 1),
        watermark=Watermark(0),
        story=Story(structlog.get_logger()),
        health=Health(time.monotonic),
        metrics=Metrics("XRPUSDT", "paper", time.monotonic),
        intervals=intervals,
        changed=changed,
    )


async def run(
    desk: Desk,
    *events: Event,
    failure: Exception | None = None,
    halted: bool = False,
    intervals: Intervals = QUIET,
    log: list[str] | None = None,
) -> list[str]:
    """Run a term over these events, and return what was asked of the record and the exchange."""
    log = [] if log is None else log
    mailbox = Mailbox()
    term = term_of(desk, mailbox, log, failure=failure, halted=halted, intervals=intervals)
    running = asyncio.create_task(term.run())
    # Only when the term waits for news does it come.
    await asyncio.sleep(0)
    for event in events:
        mailbox.put_nowait(event)
    await _let_run()
    mailbox.put_nowait(Stop())
    try:
        await running
    except Unavailable:
        log.append("term lost")
    return log


async def _let_run() -> None:
    """Let happen what can happen without waiting for time to pass."""
    for _ in range(100):
        await asyncio.sleep(0)


def price(value: str) -> PriceSeen:
    return PriceSeen(D(value), D(value), NOW_MS)


async def test_an_intent_is_committed_before_its_order_is_sent() -> None:
    log = await run(Desk(), price("2"))
    assert log[:3] == ["intent begun", "intent committed", "order sent"]


async def test_an_order_whose_commit_came_to_nothing_is_not_sent() -> None:
    log = await run(Desk(), price("2"), failure=Unavailable("its answer is lost"))
    assert log == ["intent begun", "term lost"]


async def test_a_buy_that_a_limit_refuses_is_not_sent_and_not_tried_at_the_next_price() -> None:
    desk = Desk()
    log = await run(desk, price("2"), price("1.99"), halted=True)
    assert log == ["intent begun", "intent committed"]
    [trader] = desk.leader.traders
    assert trader.blocker
    assert trader.blocker.message == "as a test says"
    assert trader.contradiction is None


async def test_what_else_was_decided_with_a_refused_buy_is_carried_out() -> None:
    desk, buy = resting_buy()
    fill = desk.execute(buy)
    filled = ExecutionReport("TRADE", desk.book[buy.client_order_id].shown(), fill)
    log = await run(desk, filled, price("1.9"), halted=True)
    assert log[:3] == ["trader and intent begun", "trader and intent committed", "order sent"]
    assert log.count("order sent") == 1
    orders = (order for trader in desk.leader.traders for order in trader.orders)
    assert [order.side for order in orders if not order.state.final] == [Side.SELL]


async def test_a_symbol_that_cannot_be_read_again_ends_no_term() -> None:
    """What is known of it goes on to hold: a new term would have to read much more."""
    desk = Desk()
    desk.price("2")
    refused = Refused(-1013, "Filter failure: PRICE_FILTER")
    log = await run(desk, PlaceReplied(desk.order.client_order_id, refused))
    assert log == ["symbol asked for"]


async def test_a_quiet_price_passes_the_loop_by_only_while_the_loop_waits() -> None:
    desk, _ = resting_buy()
    mailbox, changes = Mailbox(), list[None]()
    term = term_of(desk, mailbox, [], changed=lambda: changes.append(None))
    quiet = desk.leader.quiet_range.low
    assert not term.take_quietly(quiet), "it has not begun"
    running = asyncio.create_task(term.run())
    await _let_run()

    changes.clear()
    assert term.take_quietly(quiet)
    assert desk.leader.last_price == quiet
    assert len(changes) == 1
    assert not term.take_quietly(quiet - 1), "a rebuy trigger waits for it"

    mailbox.put_nowait(TimePassed())
    assert not term.take_quietly(quiet), "what came before is judged before"
    mailbox.put_nowait(Stop())
    await running


async def test_a_cancel_is_committed_before_it_is_sent() -> None:
    desk, _ = resting_buy()
    log = await run(desk, _shutdown())
    assert log[:3] == ["cancel begun", "cancel committed", "settings mirrored"]
    assert log.index("cancel committed") < log.index("cancel sent")


async def test_a_cancel_whose_commit_came_to_nothing_is_not_sent() -> None:
    desk, _ = resting_buy()
    log = await run(desk, _shutdown(), failure=Unavailable("its answer is lost"))
    assert log == ["cancel begun", "term lost"]


async def test_an_order_whose_intent_the_record_refuses_is_not_sent() -> None:
    desk = Desk()
    log = await run(desk, price("2"), failure=Contradiction("an order of that id is over"))
    assert log == ["intent begun"]
    assert desk.leader.traders[0].contradiction


async def test_a_new_trader_is_recorded_before_its_order() -> None:
    desk, _ = resting_buy()
    log = await run(desk, price("1.9"))
    assert log[:3] == ["trader and intent begun", "trader and intent committed", "order sent"]


async def test_the_watermark_waits_until_no_order_is_in_doubt() -> None:
    desk, _ = resting_buy()
    assert await run(desk, ViewRead(ExchangeView(), Watermark(7, 1))) == ["watermark 7"]
    desk = Desk()
    desk.price("2")
    desk.lose(desk.order)
    assert await run(desk, ViewRead(ExchangeView(), Watermark(7, 1))) == []


async def test_before_an_order_counts_as_absent_its_trades_are_looked_for() -> None:
    desk = Desk()
    desk.price("2")
    desk.lose(order := desk.order)
    desk.now_ms += 60_000
    for _ in range(TIMING.not_found_needed):
        desk.query(order)

    log = await run(desk, QueryReplied(order.client_order_id, NotFound(desk.now_ms)))

    assert log == ["book read", "order asked for", "book read", "trades read"]


async def test_a_person_who_settles_an_order_ends_the_term() -> None:
    """Whatever the leader thinks of that order: it may have heard nothing that contradicts."""
    desk, _ = resting_buy()
    with pytest.raises(SettledMeanwhile):
        await run(desk, intervals=replace(QUIET, reconcile_s=0))


async def test_what_was_decided_without_a_persons_word_is_not_sent() -> None:
    log: list[str] = []
    with pytest.raises(SettledMeanwhile):
        await run(Desk(), price("2"), failure=SettledMeanwhile(), log=log)
    assert log == ["intent begun"]


async def test_off_gives_up_what_never_began_before_the_term_ends() -> None:
    settings = replace(SETTINGS, status=TradingStatus.OFF)
    log = await run(Desk(), DesiredChanged(Desired("XRPUSDT", settings, 2)), price("2"))
    assert log == ["result begun", "result committed", "settings mirrored"]


async def test_news_of_a_fill_leaves_the_watermark_alone() -> None:
    desk, buy = resting_buy()
    fill = desk.execute(buy, "1")
    report = ExecutionReport("TRADE", desk.book[buy.client_order_id].shown(), fill)
    assert await run(desk, report) == []


async def test_a_fee_in_a_third_asset_is_priced_and_its_value_recorded() -> None:
    desk, buy = resting_buy()
    desk.fill(buy, "1", fee_in="BNB")
    log = await run(desk, TimePassed())
    assert log == ["price of BNB asked for", "fee's value begun", "fee's value committed"]
    assert desk.leader.unvalued_fees == ()


async def test_a_price_that_cannot_be_read_does_not_end_the_term() -> None:
    desk, buy = resting_buy()
    desk.fill(buy, "1", fee_in=UNREADABLE)
    log = await run(desk, TimePassed())
    assert log == [f"price of {UNREADABLE} asked for"]
    assert desk.leader.unvalued_fees == ((UNREADABLE, D("0.001")),)


def _shutdown() -> DesiredChanged:
    settings = replace(SETTINGS, status=TradingStatus.SHUTDOWN, unfilled_buys=UnfilledBuys.CANCEL)
    return DesiredChanged(Desired("XRPUSDT", settings, 2))

"""How a term ends: soon, whatever hangs, and not before the replies are on record that come."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from symbol_trader.core.decisions import FetchBid
from symbol_trader.core.events import PriceSeen
from symbol_trader.core.orders import CancelIntent, ExecutionReport, Intent
from symbol_trader.core.records import (
    CancelChange,
    FillRecorded,
    OrderChange,
    RecordChange,
    RefusedBuy,
    Watermark,
)
from symbol_trader.core.replies import Accepted, BalanceChanged, Outcome, Refused, UserEvent
from symbol_trader.core.settings import TradingStatus, UnfilledBuys
from symbol_trader.desired import Desired
from symbol_trader.errors import DatabaseUnavailable, ExchangeUnavailable
from symbol_trader.runtime.events import DesiredChanged, Event, Lost, Stop
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.mailbox import LIMIT, Mailbox
from symbol_trader.runtime.metrics import Metrics
from symbol_trader.runtime.story import Story
from symbol_trader.runtime.term import End, Intervals, Term
from unit.core.builders import NOW_MS, SETTINGS, D, seen
from unit.core.desk import Desk, resting_buy
from unit.runtime import virtual

QUIET = Intervals(timer_s=36_000, reconcile_s=36_000)
NEVER_S = 36_000.0


def time_s() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Record:
    """A record that keeps what it is told."""

    noted: list[RecordChange] = field(default_factory=list)
    answers: bool = True

    async def note(self, changes: Sequence[RecordChange]) -> tuple[RefusedBuy, ...]:
        if not self.answers:
            await asyncio.Event().wait()
        self.noted.extend(changes)
        return ()

    async def mirror_settings(self, settings: object) -> None:
        pass


@dataclass
class Exchange:
    """An exchange that takes so long for what it is asked, unless its connection is closed."""

    reply_s: float = NEVER_S
    read_s: float = NEVER_S
    held_until_ms_: int | None = None
    reply: Outcome | None = None
    sent: list[Intent | CancelIntent] = field(default_factory=list)
    closed_s: float | None = None
    user_events_read: int | None = None
    """How many user events of an endless stream were read; None: there are none."""

    def now_ms(self) -> int:
        return NOW_MS + round(time_s() * 1_000)

    async def has_room(self) -> bool:
        return True

    def held_until_ms(self) -> int | None:
        return self.held_until_ms_

    async def place(self, intent: Intent) -> Outcome:
        self.sent.append(intent)
        await asyncio.sleep(self.reply_s)
        assert self.closed_s is None, "closed before the reply came"
        return self.reply or Accepted(seen(intent))

    async def cancel(self, intent: CancelIntent) -> Outcome:
        self.sent.append(intent)
        await asyncio.sleep(self.reply_s)
        assert self.closed_s is None, "closed before the reply came"
        return Refused(-2011, "Unknown order sent.")

    async def best_bid(self, *_: object) -> Decimal:
        await asyncio.sleep(self.read_s)
        return D(1)

    order = symbol = open_orders = order_by_id = best_bid

    async def user_events(self) -> AsyncIterator[UserEvent]:
        while self.user_events_read is not None:
            self.user_events_read += 1
            yield BalanceChanged({})
        await asyncio.Event().wait()

    async def close(self) -> None:
        self.closed_s = time_s()


@dataclass
class Scene:
    """A term at work."""

    desk: Desk = field(default_factory=Desk)
    exchange: Exchange = field(default_factory=Exchange)
    record: Record = field(default_factory=Record)
    mailbox: Mailbox = field(default_factory=Mailbox)

    def __post_init__(self) -> None:
        self.term = Term(
            self.desk.leader,
            ownership=self.record,  # type: ignore[arg-type]  # a stand-in has what is used
            record=self.record,  # type: ignore[arg-type]  # a stand-in has what is used
            exchange=self.exchange,  # type: ignore[arg-type]  # a stand-in has what is used
            mailbox=self.mailbox,
            desired=Desired("XRPUSDT", SETTINGS, 1),
            watermark=Watermark(0),
            story=Story(structlog.get_logger()),
            health=Health(time_s),
            metrics=Metrics("XRPUSDT", "paper", time_s),
            intervals=QUIET,
            changed=lambda: None,
        )
        self.running = asyncio.ensure_future(self.term.run())

    async def tell(self, *events: Event) -> None:
        for event in events:
            self.mailbox.put_nowait(event)
            await asyncio.sleep(0.001)

    async def price(self, value: str = "2") -> None:
        now_ms = self.exchange.now_ms()
        await self.tell(PriceSeen(D(value), D(value), now_ms))

    def changes(self, kind: type[Any]) -> list[Any]:
        return [change for change in self.record.noted if isinstance(change, kind)]


def off() -> DesiredChanged:
    return DesiredChanged(Desired("XRPUSDT", replace(SETTINGS, status=TradingStatus.OFF), 2))


@pytest.mark.parametrize("end", [Stop(), off()], ids=["signal", "off"])
def test_a_read_that_hangs_holds_up_no_end(end: Event) -> None:
    async def story() -> None:
        scene = Scene()
        scene.term._requests.send(FetchBid(), None)
        await asyncio.sleep(1)
        assert scene.term._requests.reads
        began_s = time_s()
        await scene.tell(end)
        await scene.running
        assert time_s() - began_s < 0.1
        assert not scene.term._requests.reads

    virtual.run(story())


@pytest.mark.parametrize("end", [Stop(), off()], ids=["signal", "off"])
def test_a_reply_that_comes_is_on_record_before_the_exchange_is_closed(end: Event) -> None:
    async def story() -> None:
        scene = Scene(exchange=Exchange(reply_s=9.9))
        await scene.price()
        await scene.tell(end)
        await scene.running
        [change] = scene.changes(OrderChange)
        assert (change.state, change.order_id) == ("open", 7)
        assert scene.exchange.closed_s == pytest.approx(9.9, abs=0.1)

    virtual.run(story())


@pytest.mark.parametrize("end", [Stop(), off()], ids=["signal", "off"])
def test_a_reply_that_never_comes_is_waited_for_in_vain_for_a_bounded_time(end: Event) -> None:
    async def story() -> None:
        scene = Scene()
        await scene.price()
        await scene.tell(end)
        await scene.running
        assert time_s() == pytest.approx(QUIET.replies_s, abs=0.1)
        assert scene.changes(OrderChange) == [], "it is in doubt for whoever comes next"

    virtual.run(story())


def test_nothing_is_sent_while_an_end_waits_for_replies() -> None:
    async def story() -> None:
        scene = Scene(exchange=Exchange(reply_s=5))
        await scene.price()
        await scene.tell(Stop())
        await scene.price("1.9")
        await scene.running
        assert len(scene.exchange.sent) == 1

    virtual.run(story())


CANCELS = replace(SETTINGS, status=TradingStatus.SHUTDOWN, unfilled_buys=UnfilledBuys.CANCEL)
"""A shutdown that takes unfilled buys off the book."""


def test_a_drained_symbol_waits_for_the_reply_to_its_cancel() -> None:
    """The report of the canceled order overtook it: no trader runs any more."""

    async def story() -> None:
        desk, buy = resting_buy()
        scene = Scene(desk, Exchange(reply_s=2))
        await scene.tell(DesiredChanged(Desired("XRPUSDT", CANCELS, 2)))
        scene.mailbox.put_nowait(ended(desk, buy))
        assert await scene.running is End.DRAINED
        [change] = scene.changes(CancelChange)
        assert change.outcome == "refused"
        assert time_s() == pytest.approx(2, abs=0.1)

    virtual.run(story())


def test_a_drained_symbol_that_is_switched_on_while_it_waits_goes_on() -> None:
    """Whoever switched it off then would leave a trader behind."""

    async def story() -> None:
        desk, buy = resting_buy()
        scene = Scene(desk, Exchange(reply_s=2))
        await scene.tell(DesiredChanged(Desired("XRPUSDT", CANCELS, 2)), ended(desk, buy))
        await scene.tell(DesiredChanged(Desired("XRPUSDT", SETTINGS, 3)))
        await scene.price()
        await asyncio.sleep(5)
        assert not scene.running.done()
        assert isinstance(scene.exchange.sent[-1], Intent), "it buys again"

        await scene.tell(DesiredChanged(Desired("XRPUSDT", CANCELS, 4)))
        await asyncio.sleep(5)
        assert not scene.running.done(), "a trader has an order on the exchange"
        await scene.tell(Stop())
        await scene.running

    virtual.run(story())


def ended(desk: Desk, order: Intent) -> ExecutionReport:
    shown = desk.book[order.client_order_id].shown("CANCELED")
    return ExecutionReport("CANCELED", shown)


def test_a_lost_link_waits_a_moment_for_replies_and_says_what_was_lost() -> None:
    async def story() -> None:
        scene = Scene(exchange=Exchange(reply_s=1))
        await scene.price()
        await scene.tell(Lost(ExchangeUnavailable("the user data stream ended")))
        with pytest.raises(ExchangeUnavailable):
            await scene.running
        assert [change.state for change in scene.changes(OrderChange)] == ["open"]
        assert time_s() == pytest.approx(1, abs=0.1)

    virtual.run(story())


@pytest.mark.parametrize(
    ("cause", "waits_s"),
    [(ExchangeUnavailable("gone"), QUIET.last_replies_s), (DatabaseUnavailable("gone"), 0)],
    ids=["exchange", "database"],
)
def test_a_lost_link_is_not_waited_for_longer_than_what_it_brings(
    cause: Exception, waits_s: float
) -> None:
    async def story() -> None:
        scene = Scene()
        await scene.price()
        await scene.tell(Lost(cause))
        with pytest.raises(type(cause)):
            await scene.running
        assert time_s() == pytest.approx(waits_s, abs=0.1)

    virtual.run(story())


def test_nothing_is_committed_during_a_ban_and_orders_follow_right_after_it() -> None:
    async def story() -> None:
        scene = Scene()
        scene.exchange.held_until_ms_ = scene.exchange.now_ms() + 3_000
        for _ in range(3):
            await scene.price()
            await asyncio.sleep(0.9)
        assert (scene.record.noted, scene.exchange.sent) == ([], [])

        await asyncio.sleep(0.4)
        scene.exchange.held_until_ms_ = None
        await scene.price()
        [intent] = scene.exchange.sent
        assert intent.attempt == 1
        await scene.tell(Stop())
        await scene.running

    virtual.run(story())


def test_user_events_are_left_with_the_session_while_the_loop_stands_still() -> None:
    """There they are counted, and too many of them end it: none is lost in silence."""

    async def story() -> None:
        exchange = Exchange(user_events_read=0)
        scene = Scene(exchange=exchange, record=Record(answers=False))
        await scene.price()
        await asyncio.sleep(60)
        read = exchange.user_events_read
        assert read is not None
        assert LIMIT <= read <= LIMIT + 3 + 32
        scene.running.cancel()
        await asyncio.gather(scene.running, return_exceptions=True)

    virtual.run(story())


def test_nothing_is_told_as_placed_that_an_end_keeps_from_being_sent() -> None:
    async def story() -> None:
        desk = Desk()
        desk.price("2")
        desk.accept(buy := desk.order)
        scene = Scene(desk=desk, exchange=Exchange(reply_s=5))
        await scene.price("1.9")
        await scene.tell(Stop())
        fill = desk.execute(buy)
        with capture_logs() as lines:
            await scene.tell(ExecutionReport("TRADE", desk.book[buy.client_order_id].shown(), fill))
            await scene.running
        said = [line["event"] for line in lines]
        assert "buy filled" in said
        assert "placing sell" not in said
        assert scene.changes(FillRecorded)

    virtual.run(story())

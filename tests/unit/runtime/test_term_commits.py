"""What waits together is decided first and then recorded in one commit, before anything is sent."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from symbol_trader.core.containment import trader_of
from symbol_trader.core.events import PriceSeen, TimePassed
from symbol_trader.core.orders import CancelIntent, ExecutionReport, Intent, TraderId
from symbol_trader.core.records import (
    FillRecorded,
    NewTrader,
    RecordChange,
    RefusedBuy,
    TraderResult,
)
from symbol_trader.desired import Desired
from symbol_trader.errors import Contradiction
from symbol_trader.runtime.events import DesiredChanged, Event, Stop
from symbol_trader.runtime.holding import DECISIONS_PER_COMMIT
from symbol_trader.runtime.term import End
from unit.core.builders import SETTINGS, D
from unit.core.desk import Desk, resting_buy
from unit.runtime import virtual
from unit.runtime.test_term_ends import CANCELS, Exchange, Record, Scene, ended

SHUTDOWN = DesiredChanged(Desired("XRPUSDT", CANCELS, 2))


@dataclass
class Commits(Record):
    """A record that keeps each commit apart, and refuses what is about one trader."""

    each: list[Sequence[RecordChange]] = field(default_factory=list)
    refuses: TraderId | None = None

    async def note(self, changes: Sequence[RecordChange]) -> tuple[RefusedBuy, ...]:
        if any(trader_of(change) == self.refuses for change in changes):
            raise Contradiction("it cannot be")
        self.each.append(changes)
        return await super().note(changes)

    @property
    def kinds(self) -> list[list[type[RecordChange]]]:
        """Return what kinds of changes each commit holds."""
        return [[type(change) for change in commit] for commit in self.each]


@dataclass
class Watched(Exchange):
    """An exchange that keeps what was on record when an order was sent."""

    record: Commits = field(default_factory=Commits)
    known: list[RecordChange] = field(default_factory=list)

    async def place(self, intent: Intent) -> object:  # type: ignore[override]  # it answers with anything
        self.known = list(self.record.noted)
        return await super().place(intent)


def trading() -> tuple[Scene, Commits, Intent]:
    """Return a term that has a buy on the book."""
    desk, buy = resting_buy(replace(SETTINGS, chunks=3, budget=SETTINGS.budget * 3))
    record = Commits()
    return Scene(desk, Watched(record=record), record), record, buy


def part_filled(desk: Desk, buy: Intent, quantity: str = "1") -> ExecutionReport:
    fill = desk.execute(buy, quantity)
    return ExecutionReport("TRADE", desk.book[buy.client_order_id].shown(), fill)


def put(scene: Scene, *events: Event) -> None:
    for event in events:
        scene.mailbox.put_nowait(event)


def price(scene: Scene, value: str) -> PriceSeen:
    return PriceSeen(D(value), D(value), scene.exchange.now_ms())


async def stop(scene: Scene) -> None:
    await scene.tell(Stop())
    await scene.running


def test_what_waits_is_recorded_in_one_commit_before_its_order_is_sent() -> None:
    async def story() -> None:
        scene, record, buy = trading()
        facts = [part_filled(scene.desk, buy), part_filled(scene.desk, buy)]
        put(scene, price(scene, "1.9"), *facts)
        await asyncio.sleep(0.001)
        [commit] = record.each
        kinds = [type(change) for change in commit]
        assert kinds.count(FillRecorded) == 2
        assert kinds[-2:] == [NewTrader, Intent]
        assert isinstance(scene.exchange, Watched)
        assert scene.exchange.known == list(commit)
        await stop(scene)

    virtual.run(story())


def test_facts_without_an_order_are_recorded_once_nothing_waits() -> None:
    async def story() -> None:
        scene, record, buy = trading()
        await scene.tell(part_filled(scene.desk, buy))
        assert len(record.each) == 1
        await stop(scene)

    virtual.run(story())


def test_news_that_never_ends_puts_off_no_commit() -> None:
    async def story() -> None:
        scene, record, buy = trading()
        put(scene, *[part_filled(scene.desk, buy, "0.1") for _ in range(3 * DECISIONS_PER_COMMIT)])
        await asyncio.sleep(0.001)
        counts = [kinds.count(FillRecorded) for kinds in record.kinds]
        assert counts == [DECISIONS_PER_COMMIT] * 3
        await stop(scene)

    virtual.run(story())


def test_what_was_decided_is_on_record_before_other_settings_count() -> None:
    async def story() -> None:
        scene, record, buy = trading()
        put(scene, part_filled(scene.desk, buy), SHUTDOWN)
        await asyncio.sleep(0.001)
        assert FillRecorded in record.kinds[0]
        assert CancelIntent not in record.kinds[0]
        assert record.kinds[1] == [CancelIntent]
        await stop(scene)

    virtual.run(story())


def test_how_the_last_trader_ended_is_on_record_before_the_term_ends() -> None:
    async def story() -> None:
        scene, record, buy = trading()
        scene.exchange.reply_s = 0
        await scene.tell(SHUTDOWN)
        put(scene, ended(scene.desk, buy), TimePassed())
        assert await scene.running is End.DRAINED
        assert TraderResult in record.kinds[-1]

    virtual.run(story())


def test_what_one_trader_contradicts_keeps_no_other_from_its_order() -> None:
    async def story() -> None:
        scene, record, buy = trading()
        record.refuses = buy.trader_id
        put(scene, part_filled(scene.desk, buy), price(scene, "1.9"))
        await asyncio.sleep(0.001)
        [sent] = scene.exchange.sent
        assert sent.trader_id != buy.trader_id
        assert record.kinds[0] == [NewTrader, Intent]
        assert scene.desk.leader.halted is None
        await stop(scene)

    virtual.run(story())


def test_no_order_is_sent_of_a_trader_whose_facts_the_record_cannot_have() -> None:
    async def story() -> None:
        scene, record, buy = trading()
        record.refuses = buy.trader_id
        await scene.tell(part_filled(scene.desk, buy, f"{buy.quantity}"))
        assert (record.each, scene.exchange.sent) == ([], [])
        await stop(scene)

    virtual.run(story())


def test_nothing_is_reported_that_is_not_on_record() -> None:
    async def story() -> None:
        scene, record, buy = trading()
        reported: list[int] = []
        scene.term._changed = lambda: reported.append(len(record.each))
        put(scene, part_filled(scene.desk, buy), part_filled(scene.desk, buy))
        await asyncio.sleep(0.001)
        assert reported == [1]
        await stop(scene)

    virtual.run(story())

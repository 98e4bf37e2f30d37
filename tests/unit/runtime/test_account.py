"""Limits on their way into the record, what the leader hears of them, and bids of what it holds."""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from symbol_trader.core.events import LimitsHeard
from symbol_trader.core.limits import (
    AccountLimit,
    AccountState,
    BidsWanted,
    Halt,
    LimitInForce,
    OnLimit,
)
from symbol_trader.errors import ApiServerUnavailable, Unavailable
from symbol_trader.identity import Owner
from symbol_trader.runtime.account import AccountWatch, DeclaredLimits
from symbol_trader.runtime.logs import configure
from symbol_trader.runtime.mailbox import Mailbox
from symbol_trader.runtime.story import Story
from unit.core.builders import D

HALT = Halt("a person says so", 1, OnLimit.NO_BUYS)
TWO = D(2)
WANTED = BidsWanted(("ADAUSDT", "BTCUSDT"), datetime(2026, 1, 31, tzinfo=UTC))
DECLARED = AccountLimit("uid-1", 2, "", "trading", "all", max_exposure=D(100))


@dataclass
class Everything:
    """A record and a resource that hold what a test says."""

    rows: dict[str, LimitInForce] = field(default_factory=dict)
    halts: tuple[Halt, ...] = ()
    needs_bids: bool = False
    exists: bool | Exception = False
    mirrored: list[AccountLimit] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    asked_for: list[str] = field(default_factory=list)
    bids: list[D] = field(default_factory=list)
    wanted: BidsWanted | None = None
    of_others: list[tuple[BidsWanted, dict[str, D]]] = field(default_factory=list)
    heard: list[dict[str, int]] = field(default_factory=list)
    reports: bool = True
    reported: list[str] = field(default_factory=list)
    reads: int = 0
    read_often: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> AccountState:
        self.reads += 1
        if self.reads == 4:
            self.read_often.set()
        return AccountState(self.halts, tuple(self.rows.values()), self.needs_bids)

    async def hear(self, heard: dict[str, int]) -> None:
        self.heard.append(dict(heard))

    async def report(self, limit: LimitInForce) -> str | None:
        return f"a report of {limit.uid}" if self.reports else None

    async def report_limit(self, report: str) -> None:
        self.reported.append(report)
        if isinstance(self.exists, Exception):
            raise self.exists

    async def mirror(self, limit: AccountLimit) -> bool:
        self.mirrored.append(limit)
        name = limit.uid, limit.generation, limit.cluster, limit.namespace, limit.name
        self.rows[limit.uid] = LimitInForce(*name)
        return True

    async def forget(self, uid: str) -> bool:
        self.forgotten.append(uid)
        return self.rows.pop(uid, None) is not None

    async def limit_exists(self, name: str, uid: str) -> bool:
        self.asked_for.append(f"{name} {uid}")
        if isinstance(self.exists, Exception):
            raise self.exists
        return self.exists

    async def tell_deleted(self, limit: LimitInForce) -> None:
        self.told.append(limit.uid)

    async def record_bid(self, bid: D) -> None:
        self.bids.append(bid)

    async def take_on_bids(self) -> BidsWanted | None:
        return self.wanted

    async def record_bids(self, wanted: BidsWanted, bids: dict[str, D]) -> None:
        self.of_others.append((wanted, bids))


def on_record(
    uid: str = "uid-1", generation: int = 2, cluster: str = "c", namespace: str = "trading"
) -> LimitInForce:
    return LimitInForce(uid, generation, cluster, namespace, "all")


def watching(
    everything: Everything, declared: tuple[AccountLimit, ...] | None = (), limits_s: float = 60
) -> AccountWatch:
    known = DeclaredLimits(everything)  # type: ignore[arg-type]  # a stand-in has what is used
    known.last = declared
    any_: Any = everything
    return AccountWatch(
        known,
        resource=any_,
        limits=any_,
        record=any_,
        owner=Owner("c", "trading", "xrpusdt"),
        story=Story(configure("json")),
        clock=lambda: asyncio.get_running_loop().time(),
        limits_s=limits_s,
        bid_s=0,
    )


async def test_a_limit_that_the_record_lacks_is_mirrored_with_its_cluster() -> None:
    record = Everything()
    heard = await watching(record, (DECLARED,)).look()
    assert record.mirrored == [replace(DECLARED, cluster="c")]
    assert [limit.uid for limit in heard.state.limits] == ["uid-1"]
    assert heard.halts == ()


@pytest.mark.parametrize(("generation", "mirrored"), [(1, 1), (2, 0), (3, 0)])
async def test_only_a_newer_generation_is_mirrored(generation: int, mirrored: int) -> None:
    record = Everything({"uid-1": on_record(generation=generation)})
    await watching(record, (DECLARED,)).look()
    assert len(record.mirrored) == mirrored


async def test_before_limits_are_read_it_is_not_known_what_halts() -> None:
    heard = await watching(Everything(halts=(HALT,)), None).look()
    assert heard.halts is None


async def test_a_limit_that_is_not_declared_is_forgotten_once_the_api_server_says_so() -> None:
    record = Everything({"uid-1": on_record()})
    await watching(record).look()
    assert record.asked_for == ["all uid-1"]
    assert record.forgotten == record.told == ["uid-1"]


@pytest.mark.parametrize("exists", [True, ApiServerUnavailable("away")], ids=["there", "away"])
async def test_a_limit_that_may_be_there_is_kept(exists: bool | Exception) -> None:
    """What was heard may be older than the row."""
    record = Everything({"uid-1": on_record()}, exists=exists)
    watch = watching(record)
    await watch.look()
    await watch.look()
    assert record.forgotten == []
    assert len(record.asked_for) == (1 if exists is True else 2)


async def test_a_limit_that_was_not_heard_of_yet_is_forgotten_later_all_the_same() -> None:
    record = Everything({"uid-1": on_record()}, exists=True)
    watch = watching(record)
    await watch.look()
    watch._declared.last = (DECLARED,)
    await watch.look()
    watch._declared.last, record.exists = (), False
    await watch.look()
    assert record.forgotten == ["uid-1"]


@pytest.mark.parametrize("place", [("other", "trading"), ("c", "other")], ids=str)
async def test_limits_of_other_places_are_left_to_their_leaders(place: tuple[str, str]) -> None:
    record = Everything({"uid-1": on_record("uid-1", 2, *place)})
    await watching(record).look()
    assert record.asked_for == []


async def test_before_limits_are_read_none_is_forgotten() -> None:
    record = Everything({"uid-1": on_record()})
    await watching(record, None).look()
    assert record.asked_for == []


async def following(watch: AccountWatch, mailbox: Mailbox) -> asyncio.Task[None]:
    task = asyncio.create_task(watch.follow(await watch.look(), mailbox))
    await asyncio.sleep(0)
    return task


async def test_what_changes_on_record_is_told_within_the_interval() -> None:
    record, mailbox = Everything(), Mailbox()
    task = await following(watching(record, limits_s=0.001), mailbox)
    record.halts = (HALT,)
    assert await mailbox.get() == LimitsHeard((HALT,))
    record.halts = ()
    assert await mailbox.get() == LimitsHeard(())
    task.cancel()


async def test_what_is_declared_is_told_at_once() -> None:
    record, mailbox = Everything(), Mailbox()
    watch = watching(record, None)
    task = await following(watch, mailbox)
    watch._declared.last = (DECLARED,)
    watch._declared.changed.set()
    assert await mailbox.get() == LimitsHeard(())
    assert record.mirrored
    task.cancel()


async def test_what_stays_the_same_is_not_told() -> None:
    record, mailbox = Everything(), Mailbox()
    task = await following(watching(record, limits_s=0.001), mailbox)
    await asyncio.wait_for(record.read_often.wait(), 10)
    assert mailbox.is_empty
    task.cancel()


async def test_declared_limits_outlive_terms() -> None:
    async def limits() -> AsyncIterator[tuple[AccountLimit, ...]]:
        yield (DECLARED,)

    resource: Any = SimpleNamespace(limits=limits)
    known = DeclaredLimits(resource)
    await known.pump()
    assert known.last == (DECLARED,)
    assert known.changed.is_set()


async def test_what_a_leader_has_heard_is_noted_at_the_start_and_at_each_change() -> None:
    record, mailbox = Everything(), Mailbox()
    watch = watching(record)
    task = await following(watch, mailbox)
    watch._declared.last = (DECLARED,)
    watch._declared.changed.set()
    await mailbox.get()
    await asyncio.sleep(0)
    assert record.heard == [{}, {"uid-1": 2}]
    task.cancel()


async def reported(record: Everything, *declared: AccountLimit) -> list[str]:
    """Return what is reported within a few intervals."""
    watch = watching(record, declared, limits_s=0)
    await watch.look()
    task = asyncio.create_task(watch.report())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    return record.reported


async def test_limits_of_the_namespace_are_reported_one_by_one() -> None:
    assert set(await reported(Everything(), DECLARED)) == {"a report of uid-1"}


async def test_what_another_leader_reports_is_left_to_it() -> None:
    assert await reported(Everything(reports=False), DECLARED) == []


async def test_an_api_server_that_is_away_ends_no_term() -> None:
    assert len(await reported(Everything(exists=ApiServerUnavailable("away")), DECLARED)) > 1


async def test_limits_of_others_are_not_reported() -> None:
    assert await reported(Everything({"uid-1": on_record(namespace="other")})) == []


# Bids.


@dataclass
class Exchange:
    """Says what buyers pay, if at all."""

    bid: D | Exception = TWO
    banned: bool = False
    asked: int = 0

    def held_until_ms(self) -> int | None:
        return 1 if self.banned else None

    async def best_bid(self) -> D:
        self.asked += 1
        if isinstance(self.bid, Exception):
            raise self.bid
        return self.bid

    async def best_bids(self, symbols: Collection[str]) -> dict[str, D]:
        bid = await self.best_bid()
        return dict.fromkeys(symbols, bid) if bid else {}


async def bids_of(
    monkeypatch: pytest.MonkeyPatch, exchange: Exchange, *, holds: bool = True, needed: bool = True
) -> list[D]:
    """Return the bids that are recorded in a few ticks."""
    monkeypatch.setattr("symbol_trader.runtime.account.TICK_S", 0)
    record = Everything(needs_bids=needed)
    watch = watching(record)
    await watch.look()
    leader: Any = SimpleNamespace(holds_base=holds)
    task = asyncio.create_task(watch.record_bids(leader, exchange))  # type: ignore[arg-type]  # a stand-in has what is used
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    return record.bids


async def test_what_is_held_gets_bids_where_a_loss_limit_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert set(await bids_of(monkeypatch, Exchange())) == {TWO}


@pytest.mark.parametrize("case", [{"holds": False}, {"needed": False}], ids=str)
async def test_nobody_is_asked_for_a_bid_that_nothing_needs(
    monkeypatch: pytest.MonkeyPatch, case: dict[str, bool]
) -> None:
    exchange = Exchange()
    assert await bids_of(monkeypatch, exchange, **case) == []
    assert exchange.asked == 0


@pytest.mark.parametrize(
    "exchange", [Exchange(D(0)), Exchange(Unavailable("no answer")), Exchange(banned=True)], ids=str
)
async def test_without_a_bid_nothing_is_recorded_and_the_term_goes_on(
    monkeypatch: pytest.MonkeyPatch, exchange: Exchange
) -> None:
    assert await bids_of(monkeypatch, exchange) == []


async def bids_of_others(
    exchange: Exchange, wanted: BidsWanted | None = WANTED, *, needed: bool = True
) -> list[tuple[BidsWanted, dict[str, D]]]:
    """Return the bids of symbols without a leader that are recorded within a few intervals."""
    record = Everything(needs_bids=needed, wanted=wanted)
    watch = watching(record, limits_s=0)
    await watch.look()
    task = asyncio.create_task(watch.record_bids_of_others(exchange))  # type: ignore[arg-type]  # a stand-in has what is used
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    return record.of_others


async def test_what_nobody_leads_gets_bids_from_any_leader() -> None:
    first, *_ = await bids_of_others(Exchange())
    assert first == (WANTED, {"ADAUSDT": TWO, "BTCUSDT": TWO})


async def test_bids_that_others_record_or_nothing_needs_are_not_asked_for() -> None:
    exchange = Exchange()
    assert await bids_of_others(exchange, None) == []
    assert await bids_of_others(exchange, needed=False) == []
    assert exchange.asked == 0


@pytest.mark.parametrize(
    "exchange", [Exchange(D(0)), Exchange(Unavailable("no answer")), Exchange(banned=True)], ids=str
)
async def test_without_bids_of_others_the_term_goes_on(exchange: Exchange) -> None:
    assert await bids_of_others(exchange) == []

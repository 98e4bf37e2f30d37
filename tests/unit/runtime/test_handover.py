"""What a person said is kept from one term to the next until the record shows it."""

from dataclasses import replace

import pytest

from symbol_trader.core.events import SettingsChanged, Started, ViewRead
from symbol_trader.core.leader import Leader
from symbol_trader.core.orders import Intent
from symbol_trader.core.records import Acknowledged, Snapshot, Watermark
from symbol_trader.runtime.handover import Handover
from unit.core.builders import COMMISSION, SETTINGS, SYMBOL
from unit.core.desk import TIMING, Desk
from unit.core.test_leader_contained import two_traders


def settled(desk: Desk, *orders: Intent) -> Snapshot:
    """Return the record in which a person has settled these orders."""
    snapshot = desk.record.load()
    traders = [
        replace(t, orders=tuple(replace(o, settled_by_person=o.intent in orders) for o in t.orders))
        for t in snapshot.traders
    ]
    return replace(snapshot, traders=tuple(traders))


def test_only_the_trader_whose_order_was_settled_is_tried_again() -> None:
    desk, sell, buy = two_traders()
    handover = Handover()
    handover.loaded(settled(desk))
    handover.refused = {sell.trader_id: "no", buy.trader_id: "neither"}
    handover.loaded(settled(desk, buy))
    assert handover.refused == {sell.trader_id: "no"}


def test_an_order_that_was_settled_before_does_not_unblock_its_trader() -> None:
    desk, sell, _ = two_traders()
    handover = Handover()
    handover.loaded(settled(desk, sell))
    handover.refused = {sell.trader_id: "no"}
    handover.loaded(settled(desk, sell))
    assert handover.refused == {sell.trader_id: "no"}


def canceled() -> tuple[Desk, Intent]:
    """Return a leader with a sell that a person canceled."""
    desk, sell, _ = two_traders()
    desk.end(sell, "CANCELED")
    return desk, sell


def next_leader(desk: Desk, handover: Handover) -> Leader:
    """Load the record and build the next term's leader, as a service does."""
    snapshot = desk.record.load()
    handover.loaded(snapshot)
    return Leader(
        snapshot,
        settings=SETTINGS,
        symbol=SYMBOL,
        commission=COMMISSION,
        timing=TIMING,
        new_bits=lambda: 7,
        acknowledged=handover.acknowledged,
    )


@pytest.mark.parametrize("heard", [True, False])
def test_a_word_in_session_that_did_not_come_on_record_is_noted_by_the_next_term(
    heard: bool,
) -> None:
    """Its note failed, or the term ended before the leader heard of it."""
    desk, sell = canceled()
    handover = Handover()
    handover.resource_written(desk.leader)
    if heard:
        desk.leader.handle(SettingsChanged(SETTINGS, continued=True), desk.now_ms)
    handover.term_ended(desk.leader)
    leader = next_leader(desk, handover)
    assert Acknowledged(sell.client_order_id) in leader.handle(Started(), desk.now_ms).changes


def test_a_word_outlives_terms_that_fail_as_they_begin() -> None:
    desk, sell = canceled()
    handover = Handover()
    handover.term_ended(desk.leader)
    handover.resource_written(None)
    next_leader(desk, handover)
    leader = next_leader(desk, handover)
    leader.handle(ViewRead(desk.view(), Watermark(0)), desk.now_ms)
    changes = leader.handle(Started(), desk.now_ms).changes
    desk.record.note(changes)
    assert Acknowledged(sell.client_order_id) in changes
    next_leader(desk, handover)
    assert handover.acknowledged == frozenset()


def test_a_word_before_an_order_was_canceled_does_not_mean_that() -> None:
    desk, sell, _ = two_traders()
    handover = Handover()
    handover.resource_written(desk.leader)
    desk.end(sell, "CANCELED")
    handover.term_ended(desk.leader)
    assert next_leader(desk, handover).handle(Started(), desk.now_ms).changes == []


@pytest.mark.parametrize(("read_s", "known"), [(None, False), (100.0, True), (99.0, False)])
def test_trades_that_were_read_lately_can_wait_for_a_regular_look(
    read_s: float | None, *, known: bool
) -> None:
    handover = Handover(trades_read_s=read_s)
    assert handover.trades_are_known(400.0) is known

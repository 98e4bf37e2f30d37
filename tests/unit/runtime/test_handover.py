"""What a person said is kept from one term to the next until the record shows it."""

from dataclasses import replace

from symbol_trader.core.orders import Intent
from symbol_trader.core.records import Snapshot
from symbol_trader.runtime.handover import Handover
from unit.core.desk import Desk
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

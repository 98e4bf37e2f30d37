"""A leader that is thrown away at any point goes on from the record as if nothing had been."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from simulation.memory import OrderRow
from symbol_trader.core.orders import Intent, OrderState, Side
from unit.core.builders import D
from unit.core.desk import Desk

BOUND_MS = 14_000


def newest(desk: Desk) -> Intent:
    """Return the order that was committed last."""
    return list(desk.record.orders.values())[-1].intent


LIFE: dict[str, Callable[[Desk], object]] = {
    "a price comes": lambda desk: desk.price("2"),
    "the buy is accepted": lambda desk: desk.accept(newest(desk)),
    "half of it is filled": lambda desk: desk.fill(newest(desk), "4"),
    "the rest is filled": lambda desk: desk.fill(newest(desk)),
    "the sell's reply is lost": lambda desk: desk.lose(newest(desk)),
    "the sell is found": lambda desk: desk.query(newest(desk)),
    "half of it is sold": lambda desk: desk.fill(newest(desk), "4"),
    "the price falls": lambda desk: desk.price("1.9"),
    "the rebuy is accepted": lambda desk: desk.accept(newest(desk)),
    "the rebuy is filled": lambda desk: desk.fill(newest(desk)),
    "its sell is refused": lambda desk: desk.refuse(newest(desk)),
    "a pause goes by": lambda desk: desk.wait(1_000),
    "its second sell is accepted": lambda desk: desk.accept(newest(desk)),
    "it is sold": lambda desk: desk.fill(newest(desk)),
    "the price falls further": lambda desk: desk.price("1.8"),
}


def lived(restart_before: str | None = None) -> Desk:
    """Live through it all, with every order that was sent on the exchange, or refused there."""
    desk = Desk()
    for name, event in LIFE.items():
        if name != "its sell is refused":
            for intent in desk.placed:
                desk.take(intent)
        if name == restart_before:
            desk.restart()
        event(desk)
    return desk


def facts(desk: Desk) -> list[OrderRow]:
    """Return all orders as they are on record, with neither times of intent nor reasons."""
    return [
        replace(row, intent=replace(row.intent, timestamp_ms=0), reason="")
        for row in desk.record.orders.values()
    ]


@pytest.mark.parametrize("point", [name for name in LIFE if name != "its sell is refused"])
def test_a_restart_before_any_event_leads_to_the_same_orders_in_the_same_states(
    point: str,
) -> None:
    """But for the pause after a refusal, which is forgotten, and why there was a doubt."""
    straight, restarted = lived(), lived(point)

    assert facts(restarted) == facts(straight)
    assert restarted.record.results == straight.record.results
    assert restarted.record.inventory == straight.record.inventory
    assert restarted.leader.carried == straight.leader.carried
    assert restarted.leader.profit == straight.leader.profit
    assert restarted.leader.finished == straight.leader.finished == 1
    assert [t.rebuy for t in restarted.leader.traders] == [t.rebuy for t in straight.leader.traders]


def test_it_says_what_it_takes_up() -> None:
    desk = Desk()
    desk.accept(desk.bought())
    desk.price("1.9")
    desk.accept(desk.order)
    desk.restart()

    assert desk.lines == ["starting trading", "initialising trader", "initialising trader"]
    reasons = {facts["why"] for facts in desk.said("initialising trader")}
    assert reasons == {"unfinished on record"}


def test_an_order_that_was_decided_but_never_committed_is_decided_again_the_same() -> None:
    """The process dies after the record of the fill and before the sell's intent."""
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.carry_out_changes_only(desk.execute(buy))
    desk.restart()

    sell = desk.order
    assert (sell.side, sell.attempt, sell.quantity) == (Side.SELL, 1, D("9.9"))


def test_an_order_that_was_committed_but_never_sent_is_waited_out_then_replaced() -> None:
    desk = Desk()
    sell = desk.bought()
    desk.restart()
    assert [one.intent for one in desk.leader.orders_in_doubt] == [sell]

    desk.now_ms = sell.timestamp_ms + BOUND_MS + 1
    desk.prove_absent(sell)
    assert (desk.order.attempt, desk.order.quantity) == (2, sell.quantity)
    assert desk.record.orders[sell.client_order_id].state is OrderState.ABSENT


def test_what_was_filled_while_nobody_listened_is_sold() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.execute(buy, "4")
    desk.execute(buy)
    desk.restart()

    assert desk.order.quantity == D("9.9")


def test_what_was_sold_while_nobody_listened_ends_the_cycle_and_the_next_begins() -> None:
    desk = Desk()
    sell = desk.accept(desk.bought())
    desk.execute(sell)
    desk.restart()

    assert desk.leader.finished == 1
    assert desk.said("trader finished")[0]["why"] == "sold"
    assert len(desk.leader.traders) == 1


def test_only_what_is_not_over_is_asked_for() -> None:
    desk = Desk()
    sell = desk.accept(desk.bought())
    desk.restart()

    assert [order.intent for order in desk.leader.orders_to_ask_for] == [sell]


def test_reconciling_when_nothing_happened_changes_nothing() -> None:
    desk = Desk()
    desk.accept(desk.bought())
    desk.reconcile()

    assert (desk.lines, desk.placed, desk.asked) == ([], [], [])


def test_reconciling_finds_fills_whose_reports_were_lost() -> None:
    desk = Desk()
    sell = desk.accept(desk.bought())
    desk.execute(sell, "4")
    desk.reconcile()
    assert desk.lines == ["sell partially filled"]

    desk.execute(sell)
    desk.reconcile()
    assert desk.leader.finished == 1


def test_a_trigger_refused_before_a_restart_is_judged_again_after_it() -> None:
    desk = Desk()
    desk.accept(desk.bought())
    desk.ask(chunks=1, budget=D(20))
    desk.price("1.9")
    desk.restart()
    desk.price("1.9")

    assert desk.lines == ["rebuy triggered", "all traders already started"]

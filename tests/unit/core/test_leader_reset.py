"""An exchange that was reset: it knows nothing of before, and numbers orders and trades anew."""

from dataclasses import replace
from itertools import count

import pytest

from symbol_trader.core.orders import ExecutionReport, Intent, OrderState, Side
from unit.core.builders import D, seen
from unit.core.desk import Desk

LATER_MS = 3_600_000


def reset(desk: Desk) -> None:
    """Forget all orders, and number the next ones from 1 on."""
    desk.book.clear()
    desk._order_ids, desk._trade_ids = count(1), count(1)
    desk.now_ms += LATER_MS


def with_a_missing_sell() -> tuple[Desk, Intent]:
    """Return a leader whose sell had number 2 before a reset, and is known to be missing."""
    desk = Desk()
    sell = desk.accept(desk.bought())
    reset(desk)
    desk.reconcile()
    assert desk.record.orders[sell.client_order_id].missing
    return desk, sell


def buys_on(desk: Desk) -> Intent:
    """Let another trader buy under number 1, and sell under number 2."""
    desk.price("1.99")
    desk.fill(desk.accept(desk.order))
    return desk.accept(desk.order)


@pytest.mark.parametrize("restarted", [False, True])
def test_an_order_that_turns_up_again_is_told_and_is_not_missing_any_more(
    *, restarted: bool
) -> None:
    desk = Desk()
    sell = desk.accept(desk.bought())
    resting = desk.book.pop(sell.client_order_id)
    desk.now_ms += LATER_MS
    desk.reconcile()
    desk.book[sell.client_order_id] = resting
    if restarted:
        desk.leader = desk._lead()
    desk.reconcile()
    assert desk.lines == ["sell open"]
    assert not desk.record.orders[sell.client_order_id].missing


def test_an_order_that_is_missing_is_told_once_in_each_term() -> None:
    desk, _ = with_a_missing_sell()
    desk.reconcile()
    assert not desk.lines
    desk.leader = desk._lead()
    desk.reconcile()
    assert desk.lines == ["order is missing on the exchange"]


def test_another_trader_trades_on_under_the_number_of_an_order_that_is_missing() -> None:
    desk, missing = with_a_missing_sell()
    sell = buys_on(desk)
    numbers = {row.intent.side: row.order_id for row in desk.record.of(sell.trader_id)}
    assert numbers == {Side.BUY: 1, Side.SELL: 2}
    assert desk.record.orders[missing.client_order_id].order_id == 2

    desk.restart()
    desk.execute(sell, "4")
    desk.reconcile()
    assert desk.record.orders[sell.client_order_id].executed == 4
    assert not desk.record.orders[missing.client_order_id].executed


def test_a_number_stays_with_the_newer_order_when_the_one_of_before_is_over() -> None:
    """Then others rename the newer one: it is found by its number still."""
    desk, missing = with_a_missing_sell()
    sell = buys_on(desk)
    desk.restart()
    state = desk.leader._state
    (trader, order) = state.find(missing.client_order_id) or (None, None)
    assert trader
    assert order
    state.forget(order)
    renamed = replace(desk.book[sell.client_order_id].shown(), client_order_id="web_1")
    assert state.find_seen(renamed) == state.find(sell.client_order_id)


def test_an_order_of_others_is_not_the_missing_one_whose_number_it_has() -> None:
    desk, missing = with_a_missing_sell()
    there = replace(seen(missing, "NEW"), client_order_id="web_1", order_id=2)
    desk.tell(ExecutionReport("NEW", there))
    assert desk.leader.traders[0].contradiction is None
    assert desk.leader._state.others == {2: there}
    assert desk.record.orders[missing.client_order_id].missing


def test_what_a_reset_took_is_told_before_another_order_gets_its_number() -> None:
    """The leader hears of both at once, and of the newer order first."""
    desk = Desk()
    desk.price("2")
    first = desk.accept(desk.order)
    desk.fill(first)
    sell = desk.order
    desk.lose(sell)
    desk.price("1.99")
    buy = desk.accept(desk.order)
    number = desk.record.orders[buy.client_order_id].order_id
    reset(desk)
    desk.take(sell)
    desk.book[sell.client_order_id].order_id = number or 0
    desk.reconcile()
    assert desk.record.orders[sell.client_order_id].state is OrderState.OPEN
    assert desk.record.orders[buy.client_order_id].missing


def test_a_trade_under_the_number_of_a_missing_order_is_not_its_own() -> None:
    """Others have traded under it, and the exchange says so before it is known to be missing."""
    desk = Desk()
    sell = desk.accept(desk.bought())
    fill = replace(desk.execute(sell, "4"), trade_id=1)
    there = replace(seen(sell, "FILLED", 4), order_id=2, quantity=D(4), price=D(3))
    reset(desk)
    desk.reconcile(answers={sell.client_order_id: there}, fills=(fill,))
    assert desk.leader.traders[0].contradiction
    assert not desk.record.orders[sell.client_order_id].executed

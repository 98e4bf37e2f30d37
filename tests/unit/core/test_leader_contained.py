"""One order's trouble stays with that order: the others trade on, and a person can settle it."""

from dataclasses import replace

import pytest

from symbol_trader.core.events import QueryReplied, SettingsChanged
from symbol_trader.core.orders import ExecutionReport, Intent, OrderState, Side
from symbol_trader.core.reasons import Reason
from symbol_trader.core.records import Acknowledged, TraderState
from symbol_trader.core.replies import Archived
from symbol_trader.core.settings import TradingStatus
from symbol_trader.core.trader import Trader
from unit.core.builders import D
from unit.core.desk import Desk

MINUTE_MS = 60_000


def two_traders() -> tuple[Desk, Intent, Intent]:
    """Return a leader with a sell that rests and a buy, of two traders."""
    desk = Desk()
    desk.accept(sell := desk.bought())
    desk.price("1.99")
    desk.accept(buy := desk.order)
    return desk, sell, buy


def trader_of(desk: Desk, order: Intent) -> Trader:
    return next(t for t in desk.leader.traders if t.trader_id == order.trader_id)


def contradict(desk: Desk, order: Intent) -> None:
    """Let the exchange say that an order is another one than was meant."""
    resting = desk.book[order.client_order_id]
    resting.intent = replace(resting.intent, price=order.price * 2)
    desk.report(order)


def test_a_contradiction_blocks_its_trader_by_name_and_the_others_trade_on() -> None:
    desk, sell, buy = two_traders()
    contradict(desk, sell)

    blocked = trader_of(desk, sell).block
    assert blocked
    assert blocked.reason is Reason.CONTRADICTED
    assert sell.client_order_id in blocked.message
    desk.fill(buy)
    assert desk.order.side is Side.SELL


def test_a_contradiction_that_each_look_finds_again_is_told_once() -> None:
    desk, sell, _ = two_traders()
    contradict(desk, sell)
    assert desk.said("exchange and record contradict each other")
    for _ in range(3):
        desk.reconcile()
        assert not desk.said("exchange and record contradict each other")


def test_a_contradicted_trader_keeps_its_budget_and_does_nothing() -> None:
    desk, _, buy = two_traders()
    before = desk.leader.committed_quote
    contradict(desk, buy)
    for price in ("2", "1.5", "2.5"):
        desk.price(price)
        assert all(order.trader_id != buy.trader_id for order in desk.placed)
    assert desk.leader.committed_quote >= before


def test_what_agrees_is_recorded_of_a_contradicted_trader_which_stays_blocked() -> None:
    desk, sell, _ = two_traders()
    contradict(desk, sell)
    desk.book[sell.client_order_id].intent = sell
    desk.fill(sell)
    assert desk.record.orders[sell.client_order_id].executed == sell.quantity
    assert trader_of(desk, sell).block
    assert not desk.record.results


def test_an_order_that_executed_and_is_said_not_to_have_is_a_contradiction() -> None:
    desk, sell, _ = two_traders()
    desk.fill(sell, "4")
    desk.tell(QueryReplied(sell.client_order_id, Archived()))
    assert "executed 4 on record" in (trader_of(desk, sell).contradiction or "")
    assert desk.record.orders[sell.client_order_id].state is OrderState.OPEN


def test_a_deadline_ends_a_contradicted_trader_with_what_is_on_record() -> None:
    desk, sell, buy = two_traders()
    contradict(desk, sell)
    desk.ask(status=TradingStatus.SHUTDOWN, deadline_ms=MINUTE_MS)
    desk.wait(MINUTE_MS)
    (result,) = desk.record.results
    assert (result.state, result.quantity) == (TraderState.HELD, sell.quantity)
    assert "price is" in result.reason
    assert desk.cancel.client_order_id == buy.client_order_id


def test_a_sell_that_a_person_reduced_is_sold_as_far_as_it_goes_and_the_rest_waits() -> None:
    desk, sell, _ = two_traders()
    desk.amend(sell, "4")
    assert trader_of(desk, sell).contradiction is None
    desk.restart()
    desk.fill(sell)
    blocked = trader_of(desk, sell).block
    assert blocked
    assert blocked.reason is Reason.CANCELED_BY_OTHERS
    assert not desk.placed

    desk.ask()
    assert (desk.order.side, desk.order.quantity) == (Side.SELL, sell.quantity - 4)


def test_a_buy_that_a_person_reduced_reserves_less_and_is_sold() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(buy := desk.order)
    desk.amend(buy, "4")
    assert desk.leader.committed_quote == buy.price * 4
    desk.fill(buy)
    assert (desk.order.side, desk.order.quantity) == (Side.SELL, D("3.9"))


def test_old_news_does_not_grow_a_reduced_order_again() -> None:
    desk, sell, _ = two_traders()
    resting = desk.book[sell.client_order_id]
    old = resting.shown()
    desk.amend(sell, "4")
    desk.reconcile(answers={sell.client_order_id: old})
    assert trader_of(desk, sell).orders[-1].quantity == 4


def test_an_order_that_was_renamed_is_found_by_its_id() -> None:
    desk, sell, _ = two_traders()
    fill = desk.execute(sell)
    renamed = replace(desk.book[sell.client_order_id].shown(), client_order_id="web_1")
    desk.tell(ExecutionReport("TRADE", renamed, fill))
    assert desk.record.orders[sell.client_order_id].executed == sell.quantity


@pytest.mark.parametrize("executed", ["4", "0"])
def test_an_order_that_self_trade_prevention_filled_in_part_gets_another_attempt(
    executed: str,
) -> None:
    desk, sell, _ = two_traders()
    if executed != "0":
        desk.fill(sell, executed)
    desk.book[sell.client_order_id].status = "FILLED"
    desk.report(sell, "TRADE_PREVENTION")
    assert trader_of(desk, sell).contradiction is None
    assert (desk.order.side, desk.order.quantity) == (Side.SELL, sell.quantity - D(executed))


def test_a_buy_that_prevention_ended_sells_what_was_bought() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(buy := desk.order)
    desk.fill(buy, "5")
    desk.book[buy.client_order_id].status = "FILLED"
    desk.report(buy, "TRADE_PREVENTION")
    assert (desk.order.side, desk.order.quantity) == (Side.SELL, D("4.9"))


def test_a_buy_that_prevention_ended_whole_pauses_the_next_buy() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(buy := desk.order)
    desk.book[buy.client_order_id].status = "FILLED"
    desk.report(buy, "TRADE_PREVENTION")
    desk.price("2")
    assert not desk.placed


def test_a_persons_word_after_a_cancel_by_others_is_on_record() -> None:
    desk, sell, _ = two_traders()
    desk.end(sell, "CANCELED")
    assert desk.leader.suspension
    desk.ask()
    desk.refuse(desk.order)
    desk.restart()
    assert desk.leader.suspension is None
    assert (desk.order.side, desk.order.quantity) == (Side.SELL, sell.quantity)


def test_a_word_is_noted_once() -> None:
    desk, sell, _ = two_traders()
    desk.end(sell, "CANCELED")
    word = SettingsChanged(desk.settings)
    acknowledged = Acknowledged(sell.client_order_id)
    assert acknowledged in desk.leader.handle(word, desk.now_ms).changes
    assert acknowledged not in desk.leader.handle(word, desk.now_ms).changes

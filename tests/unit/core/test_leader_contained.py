"""One order's trouble stays with that order: the others trade on, and a person can settle it."""

from dataclasses import replace

import pytest

from symbol_trader.core.decisions import Place, Query
from symbol_trader.core.events import QueryReplied, RecordRefused, SettingsChanged
from symbol_trader.core.orders import ExecutionReport, Intent, OrderState, Side
from symbol_trader.core.reasons import Reason
from symbol_trader.core.records import Acknowledged, TraderState
from symbol_trader.core.replies import Accepted, Archived, NotSent, Refused
from symbol_trader.core.settings import TradingStatus
from symbol_trader.core.trader import Trader
from symbol_trader.core.traders import acting
from symbol_trader.core.traders.by_record import CANCELS_IN_VAIN_MAX
from symbol_trader.core.traders.next_step import next_step
from symbol_trader.core.traders.steps import Step, Surroundings
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

    blocked = trader_of(desk, sell).blocker
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
    assert trader_of(desk, sell).blocker
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
    overdue(desk)
    cancels = {cancel.client_order_id: cancel for cancel in desk.canceled}
    assert set(cancels) == {sell.client_order_id, buy.client_order_id}
    desk.book[sell.client_order_id].status = "CANCELED"
    shown = desk.book[sell.client_order_id].shown()
    desk.cancel_replied(cancels[sell.client_order_id], Accepted(shown))
    (result,) = desk.record.results
    assert (result.state, result.quantity) == (TraderState.HELD, sell.quantity)
    assert "price is" in result.reason


def test_a_sell_that_a_person_reduced_is_sold_as_far_as_it_goes_and_the_rest_waits() -> None:
    desk, sell, _ = two_traders()
    desk.amend(sell, "4")
    assert trader_of(desk, sell).contradiction is None
    desk.restart()
    desk.fill(sell)
    blocked = trader_of(desk, sell).blocker
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
    assert desk.leader.paused
    desk.ask()
    desk.refuse(desk.order)
    desk.restart()
    assert desk.leader.paused is None
    assert (desk.order.side, desk.order.quantity) == (Side.SELL, sell.quantity)


def test_a_word_is_noted_once() -> None:
    desk, sell, _ = two_traders()
    desk.end(sell, "CANCELED")
    word = SettingsChanged(desk.settings)
    acknowledged = Acknowledged(sell.client_order_id)
    assert acknowledged in desk.leader.handle(word, desk.now_ms).changes
    assert acknowledged not in desk.leader.handle(word, desk.now_ms).changes


def overdue(desk: Desk) -> None:
    """Shut down, and let the deadline pass."""
    desk.ask(status=TradingStatus.SHUTDOWN, deadline_ms=MINUTE_MS)
    desk.wait(MINUTE_MS)


def confirm(desk: Desk, order: Intent) -> None:
    """Let the exchange take an order off the book, as it was asked to."""
    assert desk.cancel.client_order_id == order.client_order_id
    desk.book[order.client_order_id].status = "CANCELED"
    desk.cancel_replied(desk.cancel, Accepted(desk.book[order.client_order_id].shown()))


def bought() -> tuple[Desk, Intent]:
    """Return a leader with a buy that rests."""
    desk = Desk()
    desk.price("2")
    return desk, desk.accept(desk.order)


def only_result(desk: Desk) -> tuple[TraderState, D]:
    (result,) = desk.record.results
    return result.state, result.quantity


def test_at_a_deadline_an_order_that_is_another_than_meant_is_canceled() -> None:
    """The cancel's reply tells of another price too: the order is over all the same."""
    desk, buy = bought()
    contradict(desk, buy)
    overdue(desk)
    assert not desk.record.results
    confirm(desk, buy)
    assert only_result(desk) == (TraderState.FINISHED, D(0))
    assert desk.leader.drained


def test_at_a_deadline_a_healthy_order_of_a_contradicted_trader_is_canceled() -> None:
    desk = Desk()
    desk.price("2")
    desk.fill(desk.accept(buy := desk.order))
    desk.accept(sell := desk.order)
    desk.fill(sell, "4")
    desk.report(buy, "CANCELED", status="CANCELED")
    overdue(desk)
    confirm(desk, sell)
    assert only_result(desk) == (TraderState.HELD, sell.quantity - 4)


def test_at_a_deadline_what_executes_before_the_cancel_counts() -> None:
    desk, sell, buy = two_traders()
    contradict(desk, sell)
    desk.book[sell.client_order_id].intent = sell
    overdue(desk)
    desk.fill(sell)
    assert desk.record.results[-1].state is TraderState.FINISHED
    assert desk.record.orders[sell.client_order_id].executed == sell.quantity
    assert desk.record.orders[buy.client_order_id].executed == 0


def test_a_contradicted_order_is_not_given_up_before_its_end_is_known() -> None:
    desk, buy = bought()
    contradict(desk, buy)
    overdue(desk)
    assert desk.canceled
    for _ in range(3):
        desk.wait(1_000)
        assert not desk.canceled
        assert not desk.record.results


def test_a_contradicted_order_that_ended_before_the_cancel_is_given_up() -> None:
    """It filled at a price that cannot be: that is said, and the cycle ends as on record."""
    desk, buy = bought()
    contradict(desk, buy)
    overdue(desk)
    cancel = desk.cancel
    desk.execute(buy)
    desk.cancel_replied(cancel, Refused(-2011, "Unknown order sent."))
    desk.query(buy)
    assert only_result(desk) == (TraderState.FINISHED, D(0))


def test_a_contradicted_order_that_is_missing_is_given_up() -> None:
    desk, buy = bought()
    contradict(desk, buy)
    desk.forget(buy)
    overdue(desk)
    desk.cancel_replied(desk.cancel, Refused(-2011, "Unknown order sent."))
    desk.query(buy)
    assert not desk.record.results
    desk.reconcile()
    assert only_result(desk) == (TraderState.FINISHED, D(0))


def test_an_order_under_anothers_id_is_given_up_after_cancels_in_vain() -> None:
    """The exchange answers for its name with another order, which ends nothing of ours."""
    desk, buy = bought()
    desk.book[buy.client_order_id].order_id += 100
    desk.report(buy)
    overdue(desk)
    cancels = 0
    for _ in range(1_000):
        if desk.canceled:
            cancels += 1
            desk.cancel_replied(desk.cancel, Refused(-2011, "Unknown order sent."))
        if any(isinstance(request, Query) for request in desk.asked):
            desk.query(buy)
        if desk.record.results:
            break
        if not desk.canceled:
            desk.wait(1_000)
    assert cancels == CANCELS_IN_VAIN_MAX
    assert only_result(desk) == (TraderState.FINISHED, D(0))


def test_an_order_in_doubt_that_is_another_than_meant_is_canceled_by_name() -> None:
    desk = Desk()
    desk.price("2")
    desk.lose(buy := desk.order)
    desk.take(buy)
    desk.book[buy.client_order_id].intent = replace(buy, price=buy.price * 2)
    desk.query(buy)
    overdue(desk)
    confirm(desk, buy)
    assert only_result(desk) == (TraderState.FINISHED, D(0))


def test_an_order_that_was_given_up_and_trades_on_is_told_once_per_execution() -> None:
    desk, sell, _ = two_traders()
    contradict(desk, sell)
    overdue(desk)
    shown = replace(desk.book[sell.client_order_id].shown(), status="CANCELED")
    cancel = next(c for c in desk.canceled if c.client_order_id == sell.client_order_id)
    desk.cancel_replied(cancel, Accepted(shown))
    fill = desk.execute(sell, "4")
    desk.report(sell, "TRADE", fill)
    (said,) = desk.said("an order that was given up has executed more")
    assert (said["executed"], said["counted"]) == ("4", "0")
    desk.report(sell, "TRADE", fill)
    assert not desk.said("an order that was given up has executed more")


def test_a_request_under_way_is_waited_for_before_a_contradicted_trader_ends() -> None:
    desk, buy = bought()
    desk.fill(buy)
    sell = desk.order
    desk.report(buy, "CANCELED", status="CANCELED")
    overdue(desk)
    assert not desk.record.results
    desk.accept(sell)
    confirm(desk, sell)
    assert only_result(desk) == (TraderState.HELD, sell.quantity)


def test_an_order_that_the_record_refused_was_never_sent_and_ends_nothing() -> None:
    desk, buy = bought()
    fill = desk.execute(buy)
    report = ExecutionReport("TRADE", desk.book[buy.client_order_id].shown(), fill)
    decision = desk.leader.handle(report, desk.now_ms)
    desk.record.note(decision.changes)
    sell = next(r.intent for r in decision.requests if isinstance(r, Place))
    desk.tell(RecordRefused(buy.trader_id, "no", sell.client_order_id))
    overdue(desk)
    assert only_result(desk) == (TraderState.HELD, D("9.99"))


def test_what_fails_in_a_traders_step_stops_that_trader_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk, sell, buy = two_traders()

    def fail(trader: Trader, around: Surroundings) -> Step:
        if trader.trader_id == sell.trader_id:
            raise ZeroDivisionError("no such quantity")
        return next_step(trader, around)

    monkeypatch.setattr(acting, "next_step", fail)
    desk.wait()
    assert "no such quantity" in (trader_of(desk, sell).contradiction or "")
    desk.fill(buy)
    assert desk.order.side is Side.SELL


def test_a_cancel_that_was_not_sent_makes_a_persons_cancel_no_cancel_of_ours() -> None:
    desk, buy = bought()
    desk.ask(max_buy_age_ms=1_000)
    desk.wait(2_000)
    desk.cancel_replied(desk.cancel, NotSent(desk.now_ms + 2_000, "a ban"))
    desk.end(buy, "CANCELED")
    assert desk.leader.paused
    desk.ask()
    assert desk.leader.paused is None

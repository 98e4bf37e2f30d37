"""Unknown is not failed: an order without an answer is asked for, reserved, and never doubled."""

from dataclasses import replace

import pytest

from symbol_trader.core.decisions import CheckOnRecord, Query, Reconcile
from symbol_trader.core.orders import ExecutionReport, Intent, OrderState, Side
from symbol_trader.core.reasons import Reason
from symbol_trader.core.replies import Accepted, NotFound, Refused
from symbol_trader.core.settings import TradingStatus
from unit.core.builders import D, fill, seen
from unit.core.desk import TIMING, Desk

BOUND_MS = 14_000


def in_doubt(side: Side = Side.BUY) -> tuple[Desk, Intent]:
    """Lose the reply to an order."""
    desk = Desk()
    if side is Side.BUY:
        desk.price("2")
        order = desk.order
    else:
        order = desk.bought()
    desk.lose(order)
    return desk, order


def test_an_order_without_a_reply_is_asked_for_at_once_and_warned_about() -> None:
    desk, order = in_doubt()

    assert desk.asked == [Query(order.client_order_id)]
    assert desk.said("order in doubt")[0]["why"] == "no reply"
    assert desk.record.orders[order.client_order_id].state is OrderState.UNDECIDED
    assert [one.intent for one in desk.leader.orders_in_doubt] == [order]


def test_one_question_at_a_time_and_after_each_answer_a_pause() -> None:
    desk, order = in_doubt()
    desk.wait(9_999)
    assert not desk.asked, "the answer to the first question is still due"
    desk.wait(1)
    assert len(desk.asked) == 1

    desk.query(order)
    desk.wait(499)
    assert not desk.asked
    desk.wait(1)
    assert len(desk.asked) == 1


@pytest.mark.parametrize("side", Side)
def test_meanwhile_nothing_else_is_placed_for_the_trader_and_its_budget_stays_reserved(
    side: Side,
) -> None:
    desk, order = in_doubt(side)
    reserved = desk.leader.committed_quote
    desk.price("2")
    desk.wait(BOUND_MS * 10)

    assert not desk.placed
    assert desk.leader.committed_quote == reserved > 0
    assert order in [one.intent for one in desk.leader.orders_in_doubt]


def test_meanwhile_other_traders_go_on() -> None:
    desk = Desk()
    desk.price("2")
    desk.lose(desk.order)
    desk.price("1.9")

    assert desk.order.side is Side.BUY
    assert len(desk.leader.traders) == 2


def test_an_order_that_is_found_is_taken_up_not_placed_again() -> None:
    desk, order = in_doubt()
    desk.take(order)
    desk.query(order)
    assert desk.lines == ["buy open"]
    assert not desk.leader.orders_in_doubt

    desk.fill(order)
    assert desk.order.side is Side.SELL


def test_an_order_that_is_found_filled_is_sold_once_its_fills_are_read() -> None:
    desk, order = in_doubt()
    desk.take(order)
    desk.execute(order)
    desk.query(order)
    assert not desk.placed

    desk.fetch(order)
    assert desk.order.quantity == D("9.9")


def test_a_report_ends_the_doubt_as_well() -> None:
    desk, order = in_doubt()
    desk.take(order)
    desk.report(order)

    assert not desk.leader.orders_in_doubt


def test_a_lost_reply_after_the_report_is_no_doubt() -> None:
    desk = Desk()
    desk.price("2")
    order = desk.order
    desk.take(order)
    desk.report(order)
    desk.lose(order)

    assert not desk.leader.orders_in_doubt
    assert not desk.asked


@pytest.mark.parametrize("side", Side)
def test_absence_takes_the_bound_and_three_denials_after_it_then_a_new_id(side: Side) -> None:
    desk, order = in_doubt(side)
    desk.now_ms = order.timestamp_ms + BOUND_MS
    for _ in range(10):
        desk.reconcile()
    assert desk.leader.orders_in_doubt, "at the bound it may still appear"

    for denial in (1, 2, 3):
        assert not desk.placed, denial
        desk.now_ms += 1
        desk.reconcile()
    assert desk.said("order proved absent")[0]["order"] == order.client_order_id
    assert desk.record.orders[order.client_order_id].state is OrderState.ABSENT

    if side is Side.BUY:
        desk.price("2")
    again = desk.order
    assert (again.attempt, again.trader_id) == (2, order.trader_id)
    assert again.client_order_id != order.client_order_id


def test_queries_alone_prove_nothing_so_everything_is_looked_at() -> None:
    """What answers queries may lag behind the trades, in which a filled order shows."""
    desk, order = in_doubt()
    desk.now_ms += BOUND_MS + 1
    for _ in range(TIMING.not_found_needed * 2):
        desk.query(order)
    assert desk.asked == [Reconcile()]
    assert desk.leader.orders_in_doubt

    desk.take(order)
    desk.execute(order)
    desk.reconcile()
    assert desk.record.orders[order.client_order_id].state is OrderState.FILLED


def test_what_counts_is_the_time_that_the_exchange_reported_not_ours() -> None:
    desk, order = in_doubt()
    desk.now_ms += 10 * BOUND_MS
    denial = NotFound(order.timestamp_ms + BOUND_MS)
    for _ in range(10):
        desk.query(order, as_of_ms=denial.as_of_ms)
        desk.reconcile(answers={order.client_order_id: denial})

    assert desk.leader.orders_in_doubt


def test_denials_before_the_bound_do_not_count_towards_absence() -> None:
    desk, order = in_doubt()
    for _ in range(TIMING.not_found_needed * 2):
        desk.query(order, as_of_ms=order.timestamp_ms + 1)
    desk.now_ms += BOUND_MS + 1
    desk.reconcile()

    assert desk.leader.orders_in_doubt


def test_an_order_found_after_some_denials_is_taken_up() -> None:
    desk, order = in_doubt()
    desk.now_ms += BOUND_MS + 1
    desk.query(order)
    desk.query(order)
    desk.take(order)
    desk.query(order)

    assert [one.intent for one in desk.leader.open_orders] == [order]


def test_a_denial_of_an_order_that_awaits_its_reply_means_nothing() -> None:
    desk = Desk()
    desk.price("2")
    order = desk.order
    desk.now_ms += BOUND_MS + 1
    for _ in range(TIMING.not_found_needed):
        desk.query(order)
    desk.reconcile()

    assert desk.record.orders[order.client_order_id].state is OrderState.INTENT
    assert desk.leader.committed_quote > 0


def test_an_answer_about_an_order_of_a_finished_trader_is_ignored() -> None:
    desk, order = in_doubt()
    desk.ask(status=TradingStatus.SHUTDOWN)
    desk.now_ms += BOUND_MS + 1
    desk.prove_absent(order)
    assert desk.leader.drained

    desk.query(order)
    assert not desk.lines
    desk.fetch(order, fill(1, 10))
    assert not desk.lines
    desk.lose(order)
    assert not desk.lines


def test_a_duplicate_may_be_the_order_itself_so_it_is_asked_for() -> None:
    desk = Desk()
    desk.price("2")
    order = desk.order
    desk.reply(order, Refused(-2010, "Duplicate order sent."))

    assert desk.asked == [Query(order.client_order_id)]
    assert desk.leader.orders_in_doubt


def test_an_order_that_was_proved_absent_and_appears_is_a_contradiction() -> None:
    desk, order = in_doubt()
    desk.now_ms += BOUND_MS + 1
    desk.prove_absent(order)
    desk.take(order)
    desk.report(order)

    assert "is absent cannot become OPEN" in contradiction(desk)


def test_an_order_of_that_id_which_is_not_the_one_meant_is_a_contradiction() -> None:
    desk, order = in_doubt()
    desk.take(replace(order, quantity=D(11)))
    desk.query(order)

    assert "quantity is 11, meant was 10" in contradiction(desk)


def contradiction(desk: Desk) -> str:
    """Return why the only trader is blocked until a person has settled it."""
    (trader,) = desk.leader.traders
    assert trader.blocker
    assert trader.blocker.reason is Reason.CONTRADICTED
    assert "symbol-trader settle" in trader.blocker.message
    return trader.blocker.message


def test_a_reply_to_an_order_of_ours_that_no_trader_has_has_the_record_asked() -> None:
    desk, order = in_doubt()
    desk.take(order)
    reply = Accepted(desk.book[order.client_order_id].shown())
    other = Desk()
    other.reply(order, reply)

    assert other.asked == [CheckOnRecord(reply.order)]


def test_a_late_report_of_a_rejected_order_is_nobodys_concern() -> None:
    """It never was on the book: once its trader is over, nobody has to explain it."""
    _, order = in_doubt()
    other = Desk()
    rejected = ExecutionReport("REJECTED", seen(order, "REJECTED", 0))

    other.tell(rejected)

    assert other.asked == []

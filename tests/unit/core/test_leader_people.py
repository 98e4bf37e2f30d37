"""Others at the same account: their orders, their cancels, and what must not be there at all."""

from dataclasses import replace

import pytest

from symbol_trader.core.decisions import CheckOnRecord
from symbol_trader.core.events import UnrecordedOrdersFound
from symbol_trader.core.orders import ExchangeOrder, ExecutionReport, Side
from symbol_trader.core.reasons import Reason
from symbol_trader.core.settings import TradingStatus
from unit.core.builders import D, intent, seen
from unit.core.desk import UNRECORDED, Desk

FOREIGN = seen(intent(), "FILLED", 10, client_order_id="web_1", order_id=99)
OURS_UNKNOWN = replace(FOREIGN, client_order_id=UNRECORDED)


# A person cancels an order of ours.


def test_a_sell_canceled_by_others_waits_until_told_then_sells_the_rest() -> None:
    desk = Desk()
    sell = desk.accept(desk.bought())
    desk.fill(sell, "4")
    desk.end(sell, "CANCELED")
    assert desk.said("trader is blocked")[0]["reason"] == "CanceledByOthers"
    desk.wait(10**9)
    desk.price("2")
    assert not desk.placed

    desk.ask()
    assert (desk.order.side, desk.order.quantity) == (Side.SELL, D("5.9"))


def test_a_word_that_came_before_the_cancel_does_not_count() -> None:
    desk = Desk()
    sell = desk.accept(desk.bought())
    desk.ask()
    desk.end(sell, "CANCELED")
    assert desk.said("trader is blocked")[0]["reason"] == "CanceledByOthers"
    assert not desk.placed


def test_a_buy_canceled_by_others_waits_until_told_then_a_fresh_trader_buys() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.end(buy, "CANCELED")
    desk.price("2")
    assert not desk.placed
    assert desk.leader.paused
    assert desk.leader.committed_quote == 0

    desk.ask()
    desk.price("2")
    assert desk.order.trader_id != buy.trader_id
    assert desk.leader.paused is None


def test_a_buy_canceled_by_others_sells_what_was_filled_and_then_waits_until_told() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.fill(buy, "5")
    desk.end(buy, "CANCELED")
    desk.sold(desk.order)
    assert desk.said("trader is blocked")[0]["reason"] == "CanceledByOthers"
    assert desk.leader.paused

    desk.ask()
    assert desk.leader.finished == 1
    assert len(desk.leader.traders) == 1


def test_until_told_no_trader_follows_another_and_no_rebuy_starts_one() -> None:
    desk = Desk()
    sell = desk.accept(desk.bought("2"))
    second = desk.accept(desk.bought("1.99"))
    desk.end(second, "CANCELED")
    desk.price("1.98")
    assert desk.lines[1].startswith("an order was canceled by others")

    desk.fill(sell)
    assert [one.trader_id for one in desk.leader.traders] == [second.trader_id]

    desk.ask()
    desk.price("1.98")
    assert len(desk.leader.traders) == 2


@pytest.mark.parametrize("when", ["the buy was canceled", "what was filled is sold"])
def test_a_restart_does_not_forget_that_nobody_has_said_to_go_on(when: str) -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.fill(buy, "5")
    desk.end(buy, "CANCELED")
    desk.sold(desk.order) if when == "what was filled is sold" else desk.accept(desk.order)
    desk.restart()
    desk.price("1")

    assert desk.leader.paused
    assert not desk.placed
    assert len(desk.leader.traders) == 1


def test_a_restart_does_not_forget_that_somebody_has() -> None:
    desk = Desk()
    first = desk.accept(desk.bought())
    desk.end(first, "CANCELED")
    desk.ask()
    second = desk.accept(desk.order)
    desk.restart()
    assert desk.leader.paused is None

    desk.fill(second)
    assert desk.lines[-1] == "initialising trader"


# Orders that are not ours.


def test_others_orders_are_never_touched_nor_mentioned() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(desk.order)
    desk.tell(ExecutionReport("TRADE", FOREIGN))

    assert (desk.lines, desk.asked, desk.placed, desk.canceled) == ([], [], [], [])
    assert not desk.leader.marks(FOREIGN.client_order_id)


def test_another_installations_orders_are_none_of_others() -> None:
    """A record that was wiped, or a second one, has another mark than the orders."""
    assert Desk().leader.marks(UNRECORDED.replace("0a1b2c", "vvvvvv"))


def test_orders_of_traders_that_run_here_are_no_news() -> None:
    desk = Desk()
    desk.price("2")
    assert not desk.leader.marks(desk.order.client_order_id)
    assert desk.leader.marks(UNRECORDED)


def test_news_of_a_trader_that_nobody_knows_has_the_record_asked() -> None:
    """It may be late news of a finished trader: the record knows, this leader does not."""
    desk = Desk()
    desk.tell(ExecutionReport("TRADE", OURS_UNKNOWN))

    assert desk.asked == [CheckOnRecord(OURS_UNKNOWN)]
    assert not desk.lines


def found(desk: Desk, *unrecorded_orders: ExchangeOrder) -> None:
    """Let the record not hold these."""
    desk.tell(UnrecordedOrdersFound(unrecorded_orders))


def test_news_of_a_trader_that_the_record_does_not_hold_is_a_warning_not_a_crash() -> None:
    desk = Desk()
    found(desk, OURS_UNKNOWN)

    [line] = desk.told
    assert line.event == "order on the exchange is not on record"
    assert line.warning
    assert line.facts == {"order": UNRECORDED, "status": "FILLED"}


def test_an_order_with_our_mark_that_is_not_on_record_stops_placing() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.reconcile(unrecorded_orders=(OURS_UNKNOWN,))
    assert desk.lines == ["order on the exchange is not on record"]
    assert desk.leader.halted
    assert desk.leader.halted.reason == "RecordRolledBack"

    desk.fill(buy)
    desk.price("1.9")
    desk.wait(10**9)
    assert not desk.placed, "neither a sell nor a rebuy"
    assert UNRECORDED in desk.leader.halted.message


def test_an_unrecorded_order_is_told_of_once_and_another_one_beside_it() -> None:
    desk = Desk()
    found(desk, OURS_UNKNOWN)
    desk.reconcile(unrecorded_orders=(OURS_UNKNOWN,))
    assert not desk.lines
    other = replace(OURS_UNKNOWN, client_order_id=UNRECORDED[:-1] + "2")
    found(desk, other)
    assert len(desk.lines) == 1
    assert desk.leader.halted
    assert other.client_order_id in desk.leader.halted.message
    assert UNRECORDED in desk.leader.halted.message


def test_what_a_person_has_disowned_stops_nothing_any_more() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.reconcile(unrecorded_orders=(OURS_UNKNOWN,))
    desk.fill(buy)
    assert not desk.placed

    desk.reconcile()
    assert desk.leader.halted is None
    assert desk.order.side is Side.SELL


def test_a_stopped_leader_still_learns_and_still_drains_what_needs_no_order() -> None:
    desk = Desk()
    sell = desk.accept(desk.bought())
    desk.reconcile(unrecorded_orders=(OURS_UNKNOWN,))
    desk.ask(status=TradingStatus.SHUTDOWN)
    desk.fill(sell)

    assert desk.leader.drained


def test_an_absent_order_of_a_running_trader_that_turns_up_is_a_contradiction() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.order
    desk.lose(buy)
    desk.now_ms += 14_001
    desk.prove_absent(buy)
    desk.take(buy)
    desk.report(buy)

    (trader,) = desk.leader.traders
    assert trader.blocker
    assert trader.blocker.reason is Reason.CONTRADICTED

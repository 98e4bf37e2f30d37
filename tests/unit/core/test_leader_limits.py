"""An account's limits and halts: no buy is tried while they hold, and everything else goes on."""

from itertools import pairwise

import pytest

from symbol_trader.core.events import BuyRefused, LimitsHeard
from symbol_trader.core.limits import Halt, OnLimit
from symbol_trader.core.orders import ClientOrderId, Side
from symbol_trader.core.reasons import Reason
from symbol_trader.core.records import RefusedBuy
from symbol_trader.core.settings import TradingStatus
from unit.core.builders import NOW_MS, SETTINGS, D
from unit.core.desk import TIMING, Desk, resting_buy


def halted(on_limit: OnLimit = OnLimit.NO_BUYS) -> LimitsHeard:
    return LimitsHeard((Halt("a person says so", NOW_MS, on_limit),))


RESUMED = LimitsHeard(())


def reasons(desk: Desk) -> list[Reason]:
    return [trader.blocker.reason for trader in desk.leader.traders if trader.blocker]


# A buy that the record refuses.


def test_a_refused_buy_leaves_nothing_behind_and_is_tried_again_after_a_pause() -> None:
    desk = Desk()
    desk.limit = "MaxExposure"
    desk.price("2")
    assert [order.attempt for order in desk.past_limit] == [1]
    assert desk.said("buy refused by a limit")[0]["limit"] == "MaxExposure"
    assert desk.leader.committed_quote == 0
    assert reasons(desk) == [Reason.LIMIT_REACHED]

    desk.limit = ""
    desk.now_ms += TIMING.retry_first_ms - 1
    desk.price("2")
    assert not desk.placed
    desk.now_ms += 1
    desk.price("2")
    assert desk.order.attempt == 1, "what was neither recorded nor sent is no attempt"


def test_the_pauses_between_refused_buys_grow() -> None:
    desk = Desk()
    desk.limit = "MaxOpenCycles"
    for _ in range(600):
        desk.now_ms += 1_000
        desk.price("2")
    tried = [order.timestamp_ms for order in desk.past_limit]
    pauses = [after - before for before, after in pairwise(tried)]
    assert pauses[:3] == [1_000, 2_000, 4_000]
    assert max(pauses) == TIMING.retry_most_ms


def test_a_limit_holds_back_all_traders_of_the_symbol() -> None:
    desk = Desk()
    desk.accept(desk.bought())
    desk.limit = "MaxExposure"
    desk.price("1.9")
    assert len(desk.past_limit) == 1
    desk.price("1.8")
    assert len(desk.past_limit) == 1
    assert len(desk.leader.traders) == 2


def test_a_committed_buy_ends_the_growth_of_pauses() -> None:
    desk = Desk()
    desk.limit = "MaxOrdersPerMinute"
    for _ in range(4):
        desk.now_ms += TIMING.retry_most_ms
        desk.price("2")
    desk.limit = ""
    desk.now_ms += TIMING.retry_most_ms
    desk.price("2")
    desk.refuse(desk.order)
    desk.limit = "MaxOrdersPerMinute"
    desk.now_ms += TIMING.retry_most_ms
    desk.price("2")
    [trader] = desk.leader.traders
    assert trader.blocker
    assert trader.blocker.until_ms == desk.now_ms + TIMING.retry_first_ms


def test_what_the_record_refuses_because_of_a_halt_is_told_as_a_halt() -> None:
    desk = Desk()
    desk.limit = "Halted"
    desk.price("2")
    assert reasons(desk) == [Reason.BUYS_HALTED]


def test_a_refusal_of_an_order_that_is_not_known_says_nothing() -> None:
    desk = Desk()
    desk.tell(BuyRefused(RefusedBuy(ClientOrderId("another"), "Halted", "")))
    assert not desk.told


def test_limits_that_have_changed_are_tried_at_once() -> None:
    desk = Desk()
    desk.limit = "MaxExposure"
    desk.price("2")
    desk.limit = ""
    desk.tell(RESUMED)
    desk.price("2")
    assert desk.placed


# Halts.


@pytest.mark.parametrize("on_limit", OnLimit)
def test_nothing_buys_while_halted_and_the_halt_is_told(on_limit: OnLimit) -> None:
    desk = Desk()
    desk.tell(halted(on_limit))
    assert desk.lines[0] == "buys are halted"
    assert desk.leader.buy_limits.halted
    assert "a person says so" in desk.leader.buy_limits.halted.message
    desk.price("2")
    assert not desk.placed
    assert not desk.past_limit, "the record is not asked"
    desk.tell(RESUMED)
    assert desk.lines[0] == "buys go on"
    desk.price("2")
    assert desk.placed


def test_limits_that_are_not_read_keep_from_buying() -> None:
    desk = Desk()
    desk.tell(LimitsHeard(None))
    desk.price("2")
    assert not desk.placed
    assert reasons(desk) == [Reason.LIMITS_UNREAD]
    desk.tell(RESUMED)
    desk.price("2")
    assert desk.placed


def test_the_same_halt_is_told_once() -> None:
    desk = Desk()
    desk.tell(halted())
    desk.tell(halted())
    assert not desk.told


@pytest.mark.parametrize("on_limit", OnLimit)
def test_what_was_bought_is_sold_while_halted(on_limit: OnLimit) -> None:
    desk, buy = resting_buy()
    desk.execute(buy)
    desk.tell(halted(on_limit))
    desk.report(buy, "TRADE", desk.book[buy.client_order_id].fills[0])
    assert desk.order.side is Side.SELL
    desk.sold(desk.order)
    assert desk.leader.finished == 1


def test_open_buys_rest_where_a_halt_says_no_buys() -> None:
    desk, _ = resting_buy()
    desk.tell(halted())
    assert not desk.canceled


@pytest.mark.parametrize("on_limit", [OnLimit.CANCEL_BUYS, OnLimit.SHUTDOWN])
def test_open_buys_are_canceled_where_a_halt_says_so(on_limit: OnLimit) -> None:
    desk, buy = resting_buy()
    desk.tell(halted(on_limit))
    assert desk.cancel.client_order_id == buy.client_order_id
    desk.end(buy, "CANCELED")
    desk.price("2")
    assert not desk.placed


def test_a_partly_filled_buy_that_a_halt_cancels_is_sold() -> None:
    desk, buy = resting_buy()
    desk.fill(buy, "5")
    desk.tell(halted(OnLimit.CANCEL_BUYS))
    desk.end(buy, "CANCELED")
    assert desk.order.side is Side.SELL


def test_a_halt_that_shuts_down_ends_what_waits_starts_nothing_and_is_not_off() -> None:
    desk = Desk()
    sell = desk.accept(desk.bought())
    desk.tell(halted(OnLimit.SHUTDOWN))
    desk.price("1.9")
    assert "will not start a new trader while buys are halted" in desk.lines
    desk.fill(sell)
    assert not desk.leader.traders
    assert not desk.leader.drained
    desk.wait(60_000)
    assert not desk.leader.traders
    desk.tell(RESUMED)
    assert len(desk.leader.traders) == 1
    desk.price("2")
    assert desk.placed


def test_a_trader_without_an_order_ends_where_a_halt_shuts_down() -> None:
    desk = Desk()
    desk.tell(halted(OnLimit.SHUTDOWN))
    assert not desk.leader.traders
    assert desk.said("trader finished")[0]["why"] == "halted before it bought"


def test_a_rebuy_that_a_halt_refused_is_judged_again_once_it_is_over() -> None:
    desk = Desk()
    desk.accept(desk.bought())
    desk.tell(halted(OnLimit.SHUTDOWN))
    desk.price("1.9")
    desk.tell(RESUMED)
    desk.price("1.9")
    assert len(desk.leader.traders) == 2


def test_a_shutdown_that_a_person_asks_for_ends_while_halted() -> None:
    desk = Desk()
    sell = desk.accept(desk.bought())
    desk.tell(halted(OnLimit.SHUTDOWN))
    desk.ask(status=TradingStatus.SHUTDOWN)
    desk.fill(sell)
    assert desk.leader.drained


def test_a_halted_leader_does_not_listen_to_prices() -> None:
    desk = Desk()
    desk.tell(halted())
    desk.price("2")
    assert desk.leader.take_quietly(D(3))


def test_what_a_symbol_holds_is_known() -> None:
    desk, buy = resting_buy(SETTINGS)
    assert not desk.leader.holds_base
    desk.fill(buy)
    assert desk.leader.holds_base
    desk.sold(desk.order)
    assert not desk.leader.holds_base

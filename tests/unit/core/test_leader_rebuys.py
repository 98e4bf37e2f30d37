"""Rebuys: one more trader for each that the price has left behind, as chunks and budget allow."""

from dataclasses import replace
from typing import Any

import pytest

from symbol_trader.core.settings import TradingStatus
from unit.core.builders import SETTINGS, D
from unit.core.desk import Desk

FULL = "all traders already started"


def grown(desk: Desk, *prices: str) -> Desk:
    """Let a trader buy at each price, and its sell rest."""
    for price in prices:
        desk.accept(desk.bought(price))
    return desk


def test_a_falling_price_starts_another_trader_that_buys_at_once() -> None:
    desk = grown(Desk(), "2")
    desk.price("1.9979")
    assert not desk.placed, "1.9998 less 0.1 % is 1.9978: not below it yet"

    desk.price("1.9977")
    assert desk.lines == ["rebuy triggered", "initialising trader", "placing buy"]
    assert desk.order.price == D("1.9975")
    assert len(desk.leader.traders) == 2


def test_a_trader_triggers_once() -> None:
    desk = grown(Desk(), "2", "1.99")
    desk.price("1.99")

    assert not desk.lines


def test_a_trigger_is_spent_after_a_restart_too() -> None:
    desk = grown(Desk(), "2", "1.99")
    desk.restart()
    desk.price("1.99")

    assert len(desk.leader.traders) == 2, "the trader that it started names it as its parent"


def test_a_resting_buy_triggers_as_well() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(desk.order)
    desk.price("1.9")

    assert desk.order.price == D("1.8998")


def test_a_trader_without_an_order_triggers_nothing() -> None:
    desk = Desk()
    desk.price("2")
    desk.refuse(desk.order)
    desk.price("1")

    assert not desk.lines
    assert len(desk.leader.traders) == 1


def test_it_grows_to_chunks_and_not_beyond() -> None:
    desk = grown(Desk(), "2", "1.99", "1.98", "1.97", "1.96")
    assert len(desk.leader.traders) == 5

    desk.price("1.95")
    assert desk.lines == ["rebuy triggered", FULL]
    assert len(desk.leader.traders) == 5
    desk.price("1.90")
    assert not desk.lines, "it was judged"


def test_a_price_that_jumps_through_all_levels_starts_one_trader_at_the_new_price() -> None:
    desk = grown(Desk(), "2")
    desk.price("0.5")

    assert len(desk.leader.traders) == 2
    assert desk.order.price == D("0.4999")


def test_several_triggers_at_once_start_as_many_traders_as_there_is_room_for() -> None:
    """One bought at 1.99, another at 2.01 after the first had sold: both are left behind."""
    desk = Desk(replace(SETTINGS, chunks=3, budget=D(60)))
    sell = desk.accept(desk.bought("2"))
    desk.accept(desk.bought("1.99"))
    desk.fill(sell)
    desk.accept(desk.bought("2.01"))

    desk.price("0.5")

    assert len(desk.placed) == 1
    assert desk.lines.count("rebuy triggered") == 2
    assert desk.lines.count(FULL) == 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"chunks": 6, "budget": D(120)}, id="more chunks"),
        pytest.param({"budget": D(200)}, id="more budget"),
        pytest.param({}, id="told again"),
    ],
)
def test_a_refused_rebuy_is_judged_again_when_settings_change(change: dict[str, Any]) -> None:
    desk = grown(Desk(), "2", "1.99", "1.98", "1.97", "1.96")
    desk.price("1.95")
    desk.ask(**change)
    desk.price("1.95")

    judged = desk.said("rebuy triggered")
    assert [facts["bought_at"] for facts in judged] == ["1.9598"]
    assert len(desk.leader.traders) == desk.settings.chunks


def test_a_rebuy_refused_in_shutdown_is_judged_again_when_it_is_switched_on() -> None:
    desk = grown(Desk(), "2")
    desk.ask(status=TradingStatus.SHUTDOWN)
    desk.price("1.9")
    assert desk.lines == ["rebuy triggered", "will not start a new trader in shutdown"]

    desk.ask(status=TradingStatus.ON)
    desk.price("1.9")
    assert desk.order.price == D("1.8998")


def test_a_finished_trader_makes_room_for_one_more() -> None:
    desk = Desk(replace(SETTINGS, chunks=2, budget=D(40)))
    desk.accept(desk.bought("2"))
    sell = desk.accept(desk.bought("1.99"))
    desk.fill(sell)

    assert len(desk.leader.traders) == 2, "the one before finished"


def test_with_fewer_chunks_nobody_follows_the_one_that_finished() -> None:
    desk = Desk()
    desk.accept(desk.bought("2"))
    sell = desk.accept(desk.bought("1.99"))
    desk.ask(chunks=1)
    desk.fill(sell)

    assert len(desk.leader.traders) == 1


def test_undecided_buys_count_into_the_budget() -> None:
    """Five chunks of 20, four spent or in doubt, and the budget cut to 90: the fifth must wait."""
    desk = Desk()
    desk.accept(desk.bought("2"))
    for price in ("1.99", "1.98", "1.97"):
        desk.price(price)
        desk.lose(desk.order)
    desk.ask(budget=D(90))
    desk.price("1.96")

    [blocked] = desk.said("trader is blocked")
    assert blocked["reason"] == "BudgetSpent"
    assert not desk.placed


def test_a_trader_that_lacked_budget_buys_once_others_have_sold() -> None:
    desk = Desk(replace(SETTINGS, chunks=2, budget=D(40)))
    sell = desk.accept(desk.bought("2"))
    desk.ask(budget=D(30))
    desk.price("1.9")
    [blocked] = desk.said("trader is blocked")
    assert blocked["why"].endswith("would exceed the budget: 10.002 is left")
    desk.price("1.9")
    assert not desk.lines, "it is said once"

    desk.fill(sell)
    desk.price("1.9")
    assert desk.placed[0].quantity == D("7.8"), "a new trader has the new chunk"

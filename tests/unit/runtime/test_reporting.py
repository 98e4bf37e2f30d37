"""What a leader says of itself while it trades."""

from dataclasses import replace

import pytest

from symbol_trader.core.settings import TradingStatus
from symbol_trader.desired import Desired
from symbol_trader.report import Problem, Report
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.reporting import explained, report_trading, report_waiting
from tradingsymbol_api.conditions import LeaderReason
from unit.core.builders import SETTINGS, D
from unit.core.desk import Desk
from unit.core.test_leader_deadline import lacking_fills, step


def report(desk: Desk, *, fresh: bool = True, before: Report | None = None) -> Report:
    health = Health(lambda: 0.0)
    health.epoch, health.market_fresh = 7, fresh
    return report_trading(desk.leader, Desired("XRPUSDT", desk.settings, 3), health, before)


def test_a_trading_leader_counts_what_it_has() -> None:
    desk = Desk()
    desk.accept(desk.bought())
    said = report(desk)
    assert (said.generation, said.epoch, said.trading, said.draining) == (3, 7, True, False)
    assert (said.traders, said.open_orders, said.waits_for) == (1, 1, ())
    assert said.problems == ()


@pytest.mark.parametrize(
    ("market", "distance"),
    [
        ("2.01", "less than 1 % from the market"),
        ("2.0", "less than 1 % from the market"),
        ("2.5", "about 20 % below the market"),
        ("1.5", "about 34 % above the market"),
    ],
)
def test_a_shutdown_names_each_order_that_it_waits_for(market: str, distance: str) -> None:
    desk = Desk()
    desk.accept(sell := desk.bought())
    desk.fill(sell, "4")
    desk.ask(status=TradingStatus.SHUTDOWN)
    desk.price(market)
    (line,) = map(str, report(desk).waits_for)
    assert line == f"SELL 5.9 at 2.0059, {distance} (order 2)"


def test_a_distance_is_told_again_when_it_is_wrong_by_more_than_rounding() -> None:
    """Around half a percent rounding alone would change the status forever."""
    desk = Desk()
    desk.accept(desk.bought())
    desk.ask(status=TradingStatus.SHUTDOWN)
    told, said = [], None
    for market in ("1.9767", "1.9755", "1.9767", "1.9755", "1.94", "1.9"):
        desk.price(market)
        said = report(desk, before=said)
        told.append(said.waits_for[0].percent)
    assert told == [1, 1, 1, 1, 3, 6]


def test_before_a_price_has_come_there_is_no_distance() -> None:
    desk = Desk()
    desk.accept(desk.bought())
    desk.ask(status=TradingStatus.SHUTDOWN)
    desk.restart()
    (line,) = map(str, report(desk).waits_for)
    assert line == "SELL 9.9 at 2.0059 (order 2)"


def test_an_order_in_doubt_is_counted_whatever_else_is_wrong() -> None:
    desk = Desk()
    desk.price("2")
    desk.lose(desk.order)
    assert report(desk).orders_in_doubt == 1
    assert report(Desk()).orders_in_doubt == 0


def test_a_waiting_leader_repeats_the_figures_that_it_knew() -> None:
    desk = Desk()
    desk.accept(desk.bought())
    known = report(desk)
    desired, health = Desired("XRPUSDT", desk.settings, 4), Health(lambda: 0.0)
    problem = Problem(LeaderReason.EXCHANGE_UNREACHABLE, "away")
    waiting = report_waiting(desired, health, problem, known)
    assert (waiting.traders, waiting.open_orders, waiting.quote_asset) == (1, 1, "USDT")
    assert (waiting.generation, waiting.trading, waiting.problems) == (4, False, (problem,))
    assert waiting.loaded
    assert not report_waiting(desired, health, problem).loaded


def test_an_order_in_doubt_is_a_trouble() -> None:
    desk = Desk()
    desk.price("2")
    desk.lose(buy := desk.order)
    text = f"whether {buy.client_order_id} exists is being found out"
    assert report(desk).problems == (Problem(LeaderReason.ORDER_UNKNOWN, text),)


def test_a_resting_order_that_the_exchange_does_not_know_is_a_trouble_until_it_does() -> None:
    desk = Desk()
    desk.accept(sell := desk.bought())
    there = desk.book.pop(sell.client_order_id)
    desk.reconcile()
    assert report(desk).problems == (), "it may just have been placed"
    desk.now_ms += 14_001
    desk.reconcile()
    text = f"{sell.client_order_id} is open on record as order 2, the exchange does not know it"
    assert report(desk).problems == (Problem(LeaderReason.ORDER_MISSING, text),)

    desk.book[sell.client_order_id] = there
    desk.reconcile()
    assert report(desk).problems == ()


def test_a_contradiction_is_named_by_the_order_and_by_its_own_reason() -> None:
    desk = Desk()
    desk.accept(sell := desk.bought())
    resting = desk.book[sell.client_order_id]
    resting.intent = replace(sell, price=sell.price * 2)
    desk.report(sell)
    (problem,) = report(desk).problems
    assert problem.reason == "RecordContradicts"
    assert sell.client_order_id in problem.message
    assert "symbol-trader settle" in problem.message


def test_fills_that_cannot_be_read_have_a_reason_of_their_own() -> None:
    desk, buy = lacking_fills()
    for _ in range(60):
        step(desk, buy)
    (problem,) = report(desk).problems
    assert (problem.reason, problem.message[:16]) == ("FillsMissing", "0 of 10 executed")


def test_a_shutdown_waits_for_what_a_person_has_left_of_an_order() -> None:
    desk = Desk()
    desk.accept(sell := desk.bought())
    desk.fill(sell, "1")
    desk.amend(sell, "4")
    desk.ask(status=TradingStatus.SHUTDOWN)
    (line,) = map(str, report(desk).waits_for)
    assert line.startswith("SELL 3 at 2.0059")


def test_fees_without_a_value_are_reported() -> None:
    desk = Desk()
    desk.price("2")
    desk.fill(desk.accept(desk.order), fee_in="BNB", fee="0.000025")
    assert report(desk).unvalued_fees == (("BNB", D("0.000025")),)


def test_the_reasons_of_conditions_are_known_ones() -> None:
    desk = Desk()
    desk.price("2")
    desk.refuse(desk.order, "Account has insufficient balance for requested action.")
    assert [t.reason for t in report(desk).problems] == ["InsufficientBalance"]


def test_silence_of_the_market_is_a_trouble() -> None:
    never = Problem(LeaderReason.MARKET_DATA_STALE, "no price has come in yet")
    assert report(Desk(), fresh=False).problems == (never,)


def test_silence_of_the_market_is_told_with_when_it_began() -> None:
    health = Health(lambda: 0.0)
    health.price_received(1_700_000_000_999)
    assert health.market_fresh
    health.market_fresh = False
    said = report_trading(Desk().leader, Desired("XRPUSDT", SETTINGS, 3), health)
    since = "no price has come in since 2023-11-14T22:13:20Z"
    assert said.problems == (Problem(LeaderReason.MARKET_DATA_STALE, since),)


def test_a_loss_that_was_asked_for_is_warned_about() -> None:
    desk = Desk()
    desk.ask(profit=D("-0.01"))
    assert [t.reason for t in report(desk).problems] == ["SellsAtLoss"]


def test_a_spent_budget_is_normal_life() -> None:
    desk = Desk()
    desk.accept(desk.bought())
    desk.price("1")
    desk.ask(budget=D(21), chunks=1)
    desk.price("1")
    assert report(desk).problems == ()


@pytest.mark.parametrize(
    ("environment", "reason", "usual"),
    [
        ("testnet", LeaderReason.ORDER_MISSING, "reset about once a month"),
        ("testnet", LeaderReason.EXCHANGE_UNREACHABLE, "there is nothing to do"),
        ("demo", LeaderReason.EXCHANGE_UNREACHABLE, "away for hours at times"),
        ("demo", LeaderReason.ORDER_MISSING, ""),
        ("live", LeaderReason.ORDER_MISSING, ""),
        ("live", LeaderReason.EXCHANGE_UNREACHABLE, ""),
    ],
)
def test_what_is_usual_in_an_environment_is_said_there_alone(
    environment: str, reason: LeaderReason, usual: str
) -> None:
    other = Problem(LeaderReason.UNKNOWN_SYMBOL, "other")
    before = replace(report(Desk()), problems=(Problem(reason, "it is so"), other))

    said = explained(before, environment)

    assert said.problems[1] == other
    assert said.problems[0].message.startswith("it is so")
    assert (usual in said.problems[0].message) if usual else said == before


def test_a_key_that_was_not_checked_is_said_while_it_trades() -> None:
    health = Health(lambda: 0.0)
    health.market_fresh = True
    health.warn_of_key("not for a day")
    desk = Desk()
    said = report_trading(desk.leader, Desired("XRPUSDT", desk.settings, 3), health)
    assert said.problems == (Problem(LeaderReason.KEY_NOT_CHECKED, "not for a day"),)

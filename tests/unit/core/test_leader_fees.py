"""Commission in a third asset: valued at the time of its fill, and named until it is."""

from symbol_trader.core.decisions import PriceFee
from symbol_trader.core.events import FeePriced
from symbol_trader.core.orders import FeeValue, Intent
from symbol_trader.core.records import FeeValued
from symbol_trader.core.replies import AssetPrice
from symbol_trader.core.settings import TradingStatus
from unit.core.builders import QUOTE, D
from unit.core.desk import Desk

SECOND_MS, MINUTE_MS, HOUR_MS = 1_000, 60_000, 3_600_000


def with_fee_in_bnb() -> tuple[Desk, Intent]:
    """Return a trader that is sold, and paid for both legs in BNB."""
    desk = Desk()
    desk.price("2")
    desk.fill(desk.accept(desk.order), fee_in="BNB", fee="0.000025")
    sell = desk.accept(desk.order)
    desk.now_ms += SECOND_MS
    desk.fill(sell, fee_in="BNB", fee="0.00003")
    return desk, sell


def test_a_fee_in_a_third_asset_is_named_until_it_has_a_value() -> None:
    desk, sell = with_fee_in_bnb()
    assert sell.quantity == 10, "nothing is taken off"
    gross = D(10) * D("2.0059") - D("19.998")
    assert desk.leader.profit == gross
    assert desk.leader.unvalued_fees == (("BNB", D("0.000055")),)

    desk.wait()
    [buys, sells] = desk.asked
    [buy] = [name for name in desk.record.orders if name.endswith("-b1")]
    assert buys == PriceFee(buy, 1, "BNB", desk.now_ms - SECOND_MS)
    assert sells == PriceFee(sell.client_order_id, 2, "BNB", desk.now_ms)
    desk.asked = [buys]
    desk.tell_fee_prices("612.34")
    assert desk.leader.unvalued_fees == (("BNB", D("0.00003")),), "the other answer is due"


def test_a_fee_of_a_running_trader_is_part_of_its_profit() -> None:
    desk = Desk()
    desk.price("2")
    desk.fill(desk.accept(desk.order), fee_in="BNB", fee="0.000025")
    sell = desk.accept(desk.order)
    desk.wait()
    desk.tell_fee_prices("612.34")
    assert desk.leader.unvalued_fees == ()
    assert desk.leader.profit == 0, "it is not over"

    desk.restart()
    desk.fill(sell, fee_in=QUOTE, fee="0.02")
    [result] = desk.record.results
    assert result.profit == D("20.059") - D("19.998") - D("0.02") - D("0.0153085")


def test_a_fee_of_an_ended_trader_is_charged_late() -> None:
    desk, _ = with_fee_in_bnb()
    gross = desk.leader.profit
    desk.wait()
    for fee in list(desk.asked):
        assert isinstance(fee, PriceFee)
        desk.asked = [fee]
        desk.tell_fee_prices("612.345678912")
    assert desk.leader.profit == gross - D("0.01530864") - D("0.01837037")
    assert desk.record.results[0].profit == desk.leader.profit
    assert desk.leader.unvalued_fees == ()


def test_the_story_says_what_a_profit_lacks_and_by_what_it_falls_later() -> None:
    desk, _ = with_fee_in_bnb()
    [finished] = desk.said("trader finished")
    assert finished["profit_lacks_fees"] == "0.000055 BNB"
    desk.wait()
    asked, falls = list(desk.asked), []
    for fee in asked:
        desk.asked = [fee]
        desk.tell_fee_prices("600")
        falls += desk.said("fee of a finished trader valued")
    assert [fact["profit_falls_by"] for fact in falls] == ["0.015", "0.018"]


def test_a_value_names_price_source_and_time() -> None:
    desk, _ = with_fee_in_bnb()
    desk.wait()
    desk.asked = desk.asked[:1]
    [fee] = desk.tell_fee_prices("600")
    [value] = [
        fill.fee_value
        for order in desk.record.orders.values()
        for fill in order.fills.values()
        if fill.fee_value
    ]
    assert value == FeeValue(D("0.015"), D(600), "a test", fee.time_ms)


def test_a_restart_asks_for_what_has_no_value_yet() -> None:
    desk, _ = with_fee_in_bnb()
    desk.restart()
    assert desk.leader.unvalued_fees == (("BNB", D("0.000055")),)

    desk.wait()
    assert len(desk.asked) == 2


def test_without_a_market_it_is_asked_ever_more_rarely_and_one_fee_at_a_time() -> None:
    desk, _ = with_fee_in_bnb()
    desk.wait()
    desk.tell_fee_prices(None)
    asked = 0
    for _ in range(24 * 60):
        desk.wait(MINUTE_MS)
        asked += len(desk.tell_fee_prices(None))
    assert 24 <= asked <= 24 + 8, "once an hour, after the first ones"

    desk.wait(HOUR_MS)
    desk.tell_fee_prices("600")
    desk.wait()
    desk.tell_fee_prices("600")
    assert desk.leader.unvalued_fees == (), "one price means that there is a market"


def test_a_request_without_an_answer_is_made_again() -> None:
    desk, _ = with_fee_in_bnb()
    desk.wait()
    assert desk.asked
    desk.wait(MINUTE_MS - 1)
    assert not desk.asked
    for _ in range(2):
        desk.wait(15 * SECOND_MS)
    assert len(desk.asked) == 1


def test_few_prices_are_asked_for_at_the_same_time() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    for _ in range(10):
        desk.now_ms += 1
        desk.fill(buy, "1", fee_in="BNB")
    desk.wait()
    assert len(desk.asked) == 4
    desk.tell_fee_prices("600")
    desk.wait()
    assert len(desk.asked) == 4


def test_fills_of_one_moment_have_one_price() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    for _ in range(10):
        desk.fill(buy, "1", fee_in="BNB")
    desk.wait()
    desk.asked = desk.asked[:1]
    desk.tell_fee_prices("600")

    assert desk.leader.unvalued_fees == ()


def test_a_late_or_unwanted_price_changes_nothing() -> None:
    desk, _ = with_fee_in_bnb()
    desk.wait()
    asked = desk.asked
    desk.tell_fee_prices("600")
    desk.wait()
    desk.tell_fee_prices("600")
    profit = desk.leader.profit
    desk.asked = asked
    desk.tell_fee_prices("700")

    assert desk.leader.profit == profit


def test_a_shutdown_waits_for_the_last_fees_price_but_not_where_none_is_told() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.ask(status=TradingStatus.SHUTDOWN)
    desk.fill(buy)
    desk.fill(desk.accept(desk.order), fee_in="BNB")
    assert not desk.leader.traders
    assert not desk.leader.drained

    desk.wait()
    desk.tell_fee_prices(None)
    assert desk.leader.drained
    assert desk.leader.unvalued_fees


def test_a_shutdown_does_not_wait_where_no_price_was_told_before() -> None:
    desk = Desk()
    desk.price("2")
    buy = desk.accept(desk.order)
    desk.ask(status=TradingStatus.SHUTDOWN)
    desk.fill(buy, fee_in="BNB")
    sell = desk.accept(desk.order)
    desk.wait()
    desk.tell_fee_prices(None)
    desk.fill(sell, fee_in="BNB")
    assert desk.leader.drained


def test_a_value_is_on_record_as_a_change_of_its_own() -> None:
    desk, sell = with_fee_in_bnb()
    desk.wait()
    name = sell.client_order_id
    decision = desk.leader.handle(FeePriced(name, 2, AssetPrice(D(600), "k", 7)), desk.now_ms)
    [change] = decision.changes
    [result] = desk.record.results
    worth = FeeValue(D("0.018"), D(600), "k", 7)
    assert change == FeeValued(result.trader_id, name, 2, worth)

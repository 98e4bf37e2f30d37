"""No storms: what cannot succeed now is not tried at each event, and what is said of it is calm."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbol_trader.core.events import Banned
from symbol_trader.core.orders import Intent, OrderState, Side
from symbol_trader.core.reasons import Blocker, Reason
from symbol_trader.core.replies import BalanceChanged, NotSent
from symbol_trader.core.settings import TradingStatus, UnfilledBuys
from unit.core.builders import FILTERS, SETTINGS, SYMBOL, D
from unit.core.desk import TIMING, Desk

POOR = "Account has insufficient balance for requested action."


def blocker(desk: Desk) -> Blocker:
    [found] = [trader.blocker for trader in desk.leader.traders if trader.blocker]
    return found


# Balances.


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["XRP", "USDT", "BNB"]), st.decimals(0, 30, places=2), max_size=3
        ),
        max_size=60,
    )
)
def test_no_stream_of_account_events_leads_to_orders_that_nothing_could_pay(
    events: list[dict[str, D]],
) -> None:
    desk = Desk()
    desk.price("2")
    desk.refuse(desk.order, POOR)
    orders, enough, free = 0, 0, D(0)
    for event in events:
        enough += event.get("USDT", free) > free and event["USDT"] >= D("19.998")
        free = event.get("USDT", free)
        desk.tell(BalanceChanged(event))
        desk.price("2")
        if desk.placed:
            orders += 1
            desk.refuse(desk.order, POOR)

    assert orders == enough


def test_sixty_account_events_in_a_second_lead_to_no_order_that_lacks_balance() -> None:
    desk = Desk()
    desk.price("2")
    desk.refuse(desk.order, POOR)
    orders = 0
    for tick in range(62):
        desk.now_ms += 15
        desk.tell(BalanceChanged({"BNB": D(tick), "USDT": D(tick) / 10}))
        desk.price("2")
        orders += len(desk.placed)

    assert orders == 0


def test_what_is_free_is_given_to_as_many_as_it_is_enough_for() -> None:
    desk = Desk()
    sells = []
    for price in ("2", "1.99", "1.98"):
        desk.price(price)
        desk.fill(desk.accept(desk.order))
        sells.append(desk.order)
    for sell in sells:
        desk.refuse(sell, POOR)

    desk.tell(BalanceChanged({"XRP": D(20)}))
    assert [order.trader_id for order in desk.placed] == [one.trader_id for one in sells[:2]]


def test_a_balance_that_is_enough_and_did_not_grow_is_no_news() -> None:
    """The exchange refused with that much free: it will refuse again."""
    desk = Desk()
    desk.tell(BalanceChanged({"USDT": D(50)}))
    desk.price("2")
    desk.refuse(desk.order, POOR)
    for _ in range(10):
        desk.tell(BalanceChanged({"USDT": D(50)}))
        desk.price("2")
        assert not desk.placed


# Buys that the exchange ends.


def end_unfilled(desk: Desk, order: Intent) -> None:
    desk.accept(order)
    desk.end(order, "EXPIRED")


def test_two_hundred_prices_do_not_make_two_hundred_buys_that_the_exchange_ends() -> None:
    desk = Desk()
    placed_after_s = []
    for tick in range(200):
        desk.price("2")
        if desk.placed:
            placed_after_s.append(tick)
            end_unfilled(desk, desk.order)
        desk.wait(1_000)

    assert placed_after_s == [0, 1, 3, 7, 15, 31, 63, 123, 183]


def test_buys_that_were_ended_are_told_as_the_reason_and_pause_all_buys_of_the_symbol() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(resting := desk.order)
    desk.price("1.99")
    end_unfilled(desk, desk.order)
    desk.price("1.99")

    assert not desk.placed
    assert blocker(desk).reason is Reason.BUYS_ENDED
    assert blocker(desk).until_ms == desk.now_ms + TIMING.retry_first_ms
    desk.fill(resting)
    assert desk.order.side is Side.SELL, "sells do not wait"


def test_any_fill_ends_the_pause_of_buys() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(resting := desk.order)
    for _ in range(5):
        desk.now_ms += 60_000
        desk.price("1.99")
        end_unfilled(desk, desk.order)
    desk.price("1.99")
    assert not desk.placed

    desk.fill(resting, "1")
    desk.price("1.99")
    end_unfilled(desk, desk.order)
    desk.wait(TIMING.retry_first_ms)
    desk.price("1.99")
    assert desk.order.side is Side.BUY, "the pauses begin again"


def test_a_buy_that_was_filled_in_part_before_it_ended_pauses_nothing() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(buy := desk.order)
    desk.fill(buy, "5")
    desk.end(buy, "EXPIRED")
    desk.sold(desk.order)
    desk.price("2")
    assert desk.order.side is Side.BUY


# Messages.


@given(st.lists(st.decimals("1.9", "2.2", places=4), min_size=2, max_size=50))
def test_what_blocks_a_buy_is_told_in_words_that_hardly_follow_the_price(prices: list[D]) -> None:
    dear = replace(FILTERS, max_price=D(1))
    settings = replace(SETTINGS, chunks=2, budget=D(40))
    lacking = Desk(settings)
    lacking.accept(lacking.bought("2.3"))
    lacking.ask(budget=D(30))
    for desk in (
        Desk(replace(SETTINGS, budget=D(10))),
        Desk(symbol=replace(SYMBOL, filters=dear)),
        lacking,
    ):
        messages = set()
        for price in prices:
            desk.price(f"{price}")
            messages.add(blocker(desk).message)
        assert len(messages) <= (3 if desk.settings.budget == 10 else 1), messages


@pytest.mark.parametrize(
    ("price", "least"), [("1.99", "27"), ("1.8", "27"), ("30", "45"), ("40", "60")]
)
def test_the_least_budget_is_told_again_when_it_is_wrong_in_a_way_that_matters(
    price: str, least: str
) -> None:
    desk = Desk(replace(SETTINGS, budget=D(10)))
    desk.price("2.1")
    desk.price(price)
    assert blocker(desk).message.endswith(f"is {least} USDT")


def test_the_least_budget_that_fell_by_more_than_a_quarter_is_told_again() -> None:
    desk = Desk(replace(SETTINGS, budget=D(10)))
    desk.price("40")
    desk.price("2")
    assert blocker(desk).message.endswith("is 26 USDT")


# Bans.


def test_nothing_is_intended_while_the_exchange_has_banned_the_address() -> None:
    desk = Desk()
    until_ms = desk.now_ms + 4_000
    desk.tell(Banned(until_ms))
    for _ in range(4):
        desk.price("2")
        assert not desk.placed
        assert blocker(desk).reason is Reason.RATE_LIMITED
        assert blocker(desk).until_ms == until_ms
        desk.now_ms += 1_000
    assert desk.record.orders == {}

    desk.tell(Banned(None))
    desk.price("2")
    assert desk.order.attempt == 1


def test_a_sell_follows_right_when_a_ban_is_over() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(buy := desk.order)
    desk.tell(Banned(desk.now_ms + 1_500))
    desk.fill(buy)
    desk.wait(1_499)
    assert not desk.placed

    desk.wait(1)
    assert (desk.order.side, desk.order.attempt) == (Side.SELL, 1)


def test_nothing_is_canceled_or_asked_for_during_a_ban() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(desk.order)
    desk.price("1.99")
    order = desk.order
    desk.tell(Banned(desk.now_ms + 1_500))
    desk.lose(order)
    desk.ask(status=TradingStatus.SHUTDOWN, unfilled_buys=UnfilledBuys.CANCEL)
    desk.wait(1_499)
    assert (desk.canceled, desk.asked) == ([], [])

    desk.wait(1)
    assert desk.cancel.attempt == 1
    assert len(desk.asked) == 1


def test_an_order_that_a_ban_kept_from_being_sent_is_no_failed_attempt() -> None:
    desk = Desk()
    order = desk.bought()
    until_ms = desk.now_ms + 2_000
    desk.reply(order, NotSent(until_ms, "order.place was not sent"))

    assert desk.record.orders[order.client_order_id].state is OrderState.REFUSED
    assert desk.lines == ["order not sent"]
    assert desk.leader.traders[0].refusals == 0
    assert blocker(desk).until_ms == until_ms
    desk.wait(1_999)
    assert not desk.placed
    desk.wait(1)
    desk.refuse(desk.order)
    assert desk.said("order refused")[0]["retry_in_ms"] == TIMING.retry_first_ms


def test_a_cancel_that_a_ban_kept_from_being_sent_follows_right_after_it() -> None:
    desk = Desk()
    desk.price("2")
    desk.accept(desk.order)
    desk.ask(status=TradingStatus.SHUTDOWN, unfilled_buys=UnfilledBuys.CANCEL)
    desk.cancel_replied(desk.cancel, NotSent(desk.now_ms + 2_000, "order.cancel was not sent"))
    assert desk.asked == [], "there is nothing to find out"
    desk.wait(1_999)
    assert not desk.canceled

    desk.wait(1)
    assert desk.cancel.attempt == 2

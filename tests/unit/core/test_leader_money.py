"""The ledger of a leader: dust is carried and counts, commission lessens what it is taken from."""

from dataclasses import replace

import pytest

from symbol_trader.core.orders import Intent, Side
from symbol_trader.core.reasons import Blocker, Reason
from symbol_trader.core.records import TraderState
from symbol_trader.core.symbols import Commission, Filters, SymbolInfo
from unit.core.builders import BASE, QUOTE, SETTINGS, D
from unit.core.desk import Desk
from unit.core.money_of import cash_flow, inventory

ONE_CHUNK = replace(SETTINGS, chunks=1)


def partly(desk: Desk, quantity: str, price: str = "2") -> Intent:
    """Let the trader's buy be filled in part, and end."""
    desk.price(price)
    buy = desk.accept(desk.order)
    desk.fill(buy, quantity)
    desk.end(buy, "EXPIRED")
    return buy


# Dust.


def test_a_buy_that_brought_too_little_to_sell_is_over_and_what_it_brought_is_carried() -> None:
    desk = Desk()
    partly(desk, "2")

    [result] = desk.record.results
    assert (result.state, result.quantity) == (TraderState.FINISHED, D(0))
    assert (result.carried, result.carried_cost) == (D("1.998"), D("3.9996"))
    assert desk.leader.profit == 0, "what is left is valued at its cost"
    assert (desk.leader.carried, desk.leader.carried_cost) == (D("1.998"), D("3.9996"))


def test_dust_is_sold_with_the_next_sell_at_the_cost_it_had() -> None:
    desk = Desk()
    partly(desk, "2")
    sell = desk.bought("1.5")
    assert sell.quantity == D("15.2"), "13.3 bought, 0.0133 commission, 1.998 carried"
    desk.sold(sell)

    bought, pool = D("13.3") * D("1.4998"), D("3.9996")
    taken = (D("1.9133") * pool / D("1.998")).quantize(D("1e-8"))
    earned = D("15.2") * sell.price * D("0.999")
    assert desk.leader.profit == earned - bought - taken
    assert desk.leader.carried == D("0.0847")
    assert desk.leader.carried_cost == pool - taken


def test_the_rest_of_a_sell_can_be_dust() -> None:
    desk = Desk()
    sell = desk.accept(desk.bought())
    desk.fill(sell, "9")
    desk.end(sell, "EXPIRED")

    [result] = desk.record.results
    assert (result.state, result.quantity, result.carried) == (
        TraderState.FINISHED,
        D(0),
        D("0.99"),
    )
    assert desk.bought().quantity == D("10.9"), "0.99 and 9.99"


def test_six_buys_that_end_too_small_never_exceed_the_budget_and_are_sold_with_the_seventh() -> (
    None
):
    desk = Desk(ONE_CHUNK)
    quantities = [partly(desk, "0.4").quantity for _ in range(6)]
    assert quantities == [D(q) for q in ("50", "49.6", "49.2", "48.8", "48.4", "48")]
    assert desk.leader.carried == 6 * D("0.3996") == D("2.3976")
    assert desk.leader.carried_cost == 6 * D("0.79992")

    desk.price("2")
    buy = desk.accept(desk.order)
    assert buy.quantity == D("47.6")
    assert desk.leader.committed_quote + desk.leader.carried_cost == D("99.99")
    desk.fill(buy)
    assert desk.order.quantity == D("49.9"), "47.5524 received and 2.3976 carried make 49.95"
    desk.sold(desk.order)
    assert desk.leader.carried == D("0.05")
    assert desk.leader.profit == cash_flow(desk) + desk.leader.carried_cost

    desk.price("2")
    assert desk.order.quantity == D("49.9"), "the budget is free again, but for the 0.05"


def test_what_dust_takes_from_the_budget_is_what_the_next_buy_lacks() -> None:
    desk = Desk(ONE_CHUNK)
    partly(desk, "1.5")
    assert desk.leader.carried_cost == D("2.9997")

    desk.price("2")
    assert desk.order.quantity == D("48.5")
    assert desk.order.quantity * desk.order.price <= D("97.0003")


def test_dust_that_leaves_no_room_for_a_buy_names_the_remedy_which_works() -> None:
    desk = Desk(replace(SETTINGS, budget=D(8), chunks=1))
    partly(desk, "2")
    desk.price("2")
    assert not desk.placed
    blocker = desk.leader.traders[0].blocker
    assert isinstance(blocker, Blocker)
    assert blocker.reason is Reason.BUDGET_TOO_SMALL
    assert "larger by 3.9996 USDT works" in blocker.message

    desk.ask(budget=D("11.9996"))
    desk.price("2")
    assert desk.order.quantity * desk.order.price <= D(8)


def test_dust_survives_a_restart() -> None:
    desk = Desk(ONE_CHUNK)
    partly(desk, "1.5")
    desk.restart()

    desk.price("2")
    assert desk.order.quantity == D("48.5")
    desk.fill(desk.accept(desk.order))
    assert desk.order.quantity == D("49.9"), "48.4515 and 1.4985"


# Commission in quote and in base.


def test_commission_on_a_buy_taken_in_quote_lowers_the_profit() -> None:
    desk = Desk()
    desk.price("2")
    desk.fill(desk.accept(desk.order), fee_in=QUOTE)
    desk.fill(desk.accept(desk.order), fee_in=QUOTE)

    assert desk.leader.profit == D(10) * D("2.0059") - D("19.998") - D("0.002")


def test_commission_on_a_sell_taken_in_base_lessens_what_is_left() -> None:
    desk = Desk()
    desk.fill(desk.accept(desk.bought()), fee_in=BASE, fee="0.0099")

    assert desk.leader.carried == D("0.0801")
    cost = (D("0.0801") * D("19.998") / D("9.99")).quantize(D("1e-8"))
    assert desk.leader.carried_cost == cost
    assert desk.leader.profit == D("9.9") * D("2.0059") - D("19.998") + cost


def test_what_commission_took_beyond_what_was_carried_the_next_sell_makes_up_for() -> None:
    desk = Desk()
    desk.price("2")
    desk.fill(desk.accept(desk.order), fee_in=QUOTE)
    desk.fill(desk.accept(desk.order), fee_in=BASE, fee="0.01")
    assert desk.leader.carried == D("-0.01")
    assert desk.leader.carried_cost < 0, "it is owed"

    desk.price("2")
    desk.fill(desk.accept(desk.order), fee_in=QUOTE)
    assert desk.order.quantity == D("9.9"), "not 10, of which 0.01 would be somebody else's"
    desk.sold(desk.order)
    assert desk.leader.carried == D("0.09")
    assert desk.leader.profit == cash_flow(desk) + desk.leader.carried_cost


def test_another_attempt_to_sell_leaves_out_what_commission_took() -> None:
    desk = Desk()
    desk.price("2")
    desk.fill(desk.accept(desk.order), fee_in=QUOTE)
    sell = desk.accept(desk.order)
    desk.fill(sell, "5", fee_in=BASE, fee="0.005")
    desk.end(sell, "EXPIRED")

    assert desk.order.quantity == D("4.9")
    desk.sold(desk.order)
    assert desk.leader.carried == D("0.095")


BNB = SymbolInfo(
    "BNBUSDT",
    "BNB",
    "USDT",
    Filters(tick_size=D("0.01"), step_size=D("0.001"), min_quantity=D("0.001"), min_notional=D(5)),
)
DISCOUNTED = Commission(buy=D("0.00075"), sell=D("0.00075"))


@pytest.mark.parametrize("chunks", [1, 4])
def test_sixty_cycles_with_fees_in_the_base_asset_are_told_to_the_last_digit(chunks: int) -> None:
    asked = replace(SETTINGS, chunks=chunks, profit=D("0.01"), rebuy=D("0.01"))
    desk = Desk(asked, symbol=BNB, commission=DISCOUNTED)
    held = D(0)
    """What an account holds that has no BNB of its own."""

    def trade(order: Intent) -> D:
        if order.side is Side.SELL:
            assert order.quantity <= held, "it sells what is not the book's"
        fee = order.quantity * DISCOUNTED.buy
        desk.fill(desk.accept(order), fee_in="BNB", fee=fee)
        return (order.quantity if order.side is Side.BUY else -order.quantity) - fee

    for n in range(200):
        desk.price(f"{600 + (n * 37) % 50}")
        while desk.placed:
            [order, *_] = desk.placed
            held += trade(order)
    assert desk.leader.finished >= 60
    assert not any(trader.last_order for trader in desk.leader.traders)

    leader = desk.leader
    assert leader.carried == inventory(desk) == held
    assert D("-0.001") < held < D("0.001"), "less than a step"
    assert leader.profit == cash_flow(desk) + leader.carried_cost
    assert leader.carried_cost == 0 or 590 < leader.carried_cost / held < 660, "its cost is sane"
    assert leader.unvalued_fees == ()

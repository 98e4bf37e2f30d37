"""What a trader does next: a table of its orders, its surroundings, and the step that follows."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from symbol_trader.core.money import ZERO
from symbol_trader.core.order import Order
from symbol_trader.core.orders import OrderState, Side
from symbol_trader.core.reasons import Blocker, Reason
from symbol_trader.core.records import TraderState
from symbol_trader.core.settings import UnfilledBuys
from symbol_trader.core.strategy import OrderTerms
from symbol_trader.core.trader import Trader
from symbol_trader.core.traders.next_step import next_step
from symbol_trader.core.traders.steps import (
    CancelOrder,
    FetchFills,
    Finish,
    PlaceBuy,
    PlaceSell,
    Step,
    Surroundings,
    Wait,
)
from unit.core.builders import (
    COMMISSION,
    FILTERS,
    NOW_MS,
    SETTINGS,
    SYMBOL,
    TERMS,
    TRADER,
    D,
    cancel_of,
    fill,
    intent,
)

SPENDABLE = D(100)


def around(*, spendable: D = SPENDABLE, carried: D = ZERO, **facts: Any) -> Surroundings:
    """Describe surroundings in which nothing stands in the way, but for the facts given."""
    usual: dict[str, Any] = {
        "now_ms": NOW_MS,
        "settings": SETTINGS,
        "draining": False,
        "symbol": SYMBOL,
        "commission": COMMISSION,
        "seen": D(2),
    }
    return Surroundings(
        **(usual | facts), find_spendable=lambda: spendable, find_carried=lambda: carried
    )


DRAINING: dict[str, Any] = {"draining": True}
CANCELING: dict[str, Any] = {
    "draining": True,
    "settings": replace(SETTINGS, unfilled_buys=UnfilledBuys.CANCEL),
}
AGEING: dict[str, Any] = {"settings": replace(SETTINGS, max_buy_age_ms=1_000)}


def buy(state: OrderState, filled: D | int | str = 0, *, by_us: str = "", **facts: Any) -> Order:
    """Make a buy of 10 at 2.0, whose fills were charged 0.1 % in base."""
    order = Order(intent(Side.BUY), state, **facts)
    if by_us:
        order.cancels.append(cancel_of(order.intent, reason=by_us))
    if quantity := D(filled):
        order.add_fill(fill(1, quantity, commission=quantity * COMMISSION.buy))
    return order


def sell(
    state: OrderState,
    filled: D | int = 0,
    *,
    quantity: D | str = "9.9",
    attempt: int = 1,
    **facts: Any,
) -> Order:
    """Make a sell of 9.9 at 2.0061."""
    meant = intent(Side.SELL, attempt, quantity=D(quantity), price=D("2.0061"))
    order = Order(meant, state, **facts)
    if filled:
        order.add_fill(fill(100 + attempt, D(filled), "2.0061"))
    return order


FILLED = buy(OrderState.FILLED, 10)
REFUSAL = Blocker(Reason.ORDER_REFUSED, "no", NOW_MS + 1)


@dataclass(frozen=True)
class Row:
    """One line of the table; `blocker` and `around` are what differs from the usual."""

    orders: Sequence[Order]
    step: Step
    around: dict[str, Any] = field(default_factory=dict)
    blocker: Blocker | None = None


def blocked(
    reason: str, message: str, until_ms: int | None = NOW_MS, figure: D | None = None
) -> Wait:
    return Wait(Blocker(Reason(reason), message, until_ms, figure=figure))


PLACE_BUY = PlaceBuy(OrderTerms(D("1.9998"), D(10)))
PLACE_SELL = PlaceSell(OrderTerms(D("2.0061"), D("9.9")))
CARRIED = "too little to sell alone: carried to a later sell"


def others(side: str, order_id: int) -> Wait:
    text = f"its {side} {order_id} was canceled by others; change the resource to go on"
    return blocked("CanceledByOthers", text, None)


def finished(reason: str) -> Finish:
    return Finish(TraderState.FINISHED, reason, D(0))


BEGINNING = {
    "no order: it buys below the price": Row([], PLACE_BUY),
    "no price just now: it waits": Row([], Wait(), {"seen": None}),
    "shutdown: it ends": Row([], finished("shutdown before it bought"), DRAINING),
    "shutdown, refused before: it ends": Row(
        [buy(OrderState.REFUSED)], finished("shutdown before it bought"), DRAINING, REFUSAL
    ),
    "refused a moment ago: it waits": Row(
        [buy(OrderState.REFUSED)], Wait(REFUSAL), blocker=REFUSAL
    ),
    "refused, no price: it waits, still blocked": Row(
        [buy(OrderState.REFUSED)], Wait(REFUSAL), {"seen": None}, REFUSAL
    ),
    "refused long ago: it buys": Row(
        [buy(OrderState.REFUSED)], PLACE_BUY, {"now_ms": NOW_MS + 1}, REFUSAL
    ),
    "proved absent: it buys": Row([buy(OrderState.ABSENT)], PLACE_BUY),
    "blocked until told: it waits": Row(
        [],
        blocked("RecordRolledBack", "h", None),
        blocker=Blocker(Reason.RECORD_ROLLED_BACK, "h", None),
    ),
    "chunk below the minimum: the least budget is named": Row(
        [],
        blocked(
            "BudgetTooSmall",
            "a chunk of 20 USDT is below the exchange's minimum; the least budget that works "
            "with 5 chunks is 110 USDT",
            figure=D(110),
        ),
        {"symbol": replace(SYMBOL, filters=replace(FILTERS, min_notional=D(21)))},
    ),
    "budget spent by others: it waits": Row(
        [],
        blocked("BudgetSpent", "a buy for 20 USDT would exceed the budget: 19.9 is left"),
        {"spendable": D("19.9")},
    ),
    "dust takes from the chunk: it buys for what is left": Row(
        [],
        PlaceBuy(OrderTerms(D("1.9998"), D("8.5"))),
        {"spendable": D(17), "find_carried_cost": lambda: D(3)},
    ),
    "dust takes from the chunk, and others more: it waits for these": Row(
        [],
        blocked("BudgetSpent", "a buy for 20 USDT would exceed the budget: 16 is left"),
        {"spendable": D(16), "find_carried_cost": lambda: D(3)},
    ),
    "dust leaves too little for a buy: others may take it along": Row(
        [],
        blocked(
            "BudgetSpent",
            "19 USDT of the budget is in XRP that is too little to sell alone, and the 5 USDT "
            "left are too little to buy for",
        ),
        {"spendable": D(5), "find_carried_cost": lambda: D(19)},
    ),
    "dust leaves too little for a buy, and nobody else runs: the remedy is named": Row(
        [],
        blocked(
            "BudgetTooSmall",
            "95 USDT of the budget is in XRP that is too little to sell alone, and the 5 USDT "
            "left are too little to buy for; a budget that is larger by 95 USDT works",
        ),
        {"spendable": D(5), "find_carried_cost": lambda: D(95)},
    ),
    "budget left to the last digit: it buys": Row([], PLACE_BUY, {"spendable": D("19.998")}),
}

WAITING = {
    "intent: it waits for the reply": Row([buy(OrderState.INTENT)], Wait()),
    "in doubt: it waits": Row([buy(OrderState.UNDECIDED)], Wait(), CANCELING),
    "resting buy: it waits": Row([buy(OrderState.OPEN)], Wait()),
    "resting buy in shutdown: it waits": Row([buy(OrderState.OPEN)], Wait(), DRAINING),
    "resting buy in shutdown with Cancel: it is canceled": Row(
        [order := buy(OrderState.OPEN, 4)],
        CancelOrder(order, "shutdown cancels unfilled buys"),
        CANCELING,
    ),
    "cancel under way: it waits": Row(
        [buy(OrderState.OPEN, cancel_pending=True)], Wait(), CANCELING
    ),
    "Cancel without a shutdown: it waits": Row(
        [buy(OrderState.OPEN)], Wait(), CANCELING | {"draining": False}
    ),
    "resting sell in shutdown with Cancel: it waits": Row(
        [FILLED, sell(OrderState.OPEN)], Wait(), CANCELING
    ),
    "buy just young enough: it waits": Row(
        [buy(OrderState.OPEN)], Wait(), AGEING | {"now_ms": NOW_MS + 1_000}
    ),
    "buy too old: it is canceled": Row(
        [order := buy(OrderState.OPEN)],
        CancelOrder(order, "older than maxBuyAge"),
        AGEING | {"now_ms": NOW_MS + 1_001},
    ),
    "old sell: it waits": Row(
        [FILLED, sell(OrderState.OPEN)], Wait(), AGEING | {"now_ms": NOW_MS + 1_001}
    ),
    "over, but fills are missing: they are fetched": Row(
        [order := buy(OrderState.FILLED, 4, executed=D(10))], FetchFills(order)
    ),
}

AFTER_THE_BUY = {
    "filled: it sells what the commission left, in whole steps": Row([FILLED], PLACE_SELL),
    "filled, no price just now: it sells": Row([FILLED], PLACE_SELL, {"seen": None}),
    "filled in shutdown: it sells": Row([FILLED], PLACE_SELL, DRAINING),
    "what others carried over joins once it makes a step": Row(
        [FILLED], PlaceSell(OrderTerms(D("2.0061"), D(10))), {"carried": D("0.01")}
    ),
    "what others carried over stays where it makes no step": Row(
        [FILLED], PLACE_SELL, {"carried": D("0.0099")}
    ),
    "blocked: it waits": Row([FILLED], Wait(REFUSAL), blocker=REFUSAL),
    "its sell was refused: it sells again": Row([FILLED, sell(OrderState.REFUSED)], PLACE_SELL),
    "its sell proved absent: it sells again": Row([FILLED, sell(OrderState.ABSENT)], PLACE_SELL),
    "partly filled and expired: it sells that": Row(
        [buy(OrderState.EXPIRED, 4)], PlaceSell(OrderTerms(D("2.0061"), D("3.9")))
    ),
    "partly filled, canceled by others: it sells that": Row(
        [buy(OrderState.CANCELED, 4)], PlaceSell(OrderTerms(D("2.0061"), D("3.9")))
    ),
    "expired unfilled: it ends": Row(
        [buy(OrderState.EXPIRED)], finished("its buy was expired (by others)")
    ),
    "canceled by us: it ends and says why": Row(
        [buy(OrderState.CANCELED, by_us="too old")], finished("its buy was canceled (too old)")
    ),
    "an ending with a reason on record: it is told": Row(
        [buy(OrderState.EXPIRED, reason="so it says")],
        finished("its buy was expired (so it says)"),
    ),
    "canceled by others: it waits until told": Row(
        [buy(OrderState.CANCELED, order_id=7)], others("buy", 7)
    ),
    "canceled by others, told: it ends": Row(
        [buy(OrderState.CANCELED, acknowledged=True)], finished("its buy was canceled (by others)")
    ),
    "canceled by others in shutdown: it ends": Row(
        [buy(OrderState.CANCELED)], finished("its buy was canceled (by others)"), DRAINING
    ),
    "too little to sell: it is carried": Row([buy(OrderState.EXPIRED, 2)], finished(CARRIED)),
    "less than a step: it is carried": Row([buy(OrderState.EXPIRED, "0.1")], finished(CARRIED)),
    "others' commission has taken from it: it sells what there is": Row(
        [FILLED], PlaceSell(OrderTerms(D("2.0061"), D("9.8"))), {"carried": D("-0.1")}
    ),
    "too little alone, enough with what others carried over: it sells": Row(
        [buy(OrderState.EXPIRED, "2.5")],
        PlaceSell(OrderTerms(D("2.0061"), D("2.5"))),
        {"carried": D("0.01")},
    ),
}

AFTER_THE_SELL = {
    "sold: it ends": Row([FILLED, sell(OrderState.FILLED, D("9.9"))], finished("sold")),
    "sold in parts: it ends": Row(
        [
            FILLED,
            sell(OrderState.EXPIRED, 4),
            sell(OrderState.FILLED, D("5.9"), attempt=2, quantity="5.9"),
        ],
        finished("sold"),
    ),
    "expired: the rest is sold by another": Row(
        [FILLED, sell(OrderState.EXPIRED, 4)], PlaceSell(OrderTerms(D("2.0061"), D("5.9")))
    ),
    "the rest does not grow by what is carried over": Row(
        [FILLED, sell(OrderState.EXPIRED, 4)],
        PlaceSell(OrderTerms(D("2.0061"), D("5.9"))),
        {"carried": D(3)},
    ),
    "expired, blocked: it waits": Row(
        [FILLED, sell(OrderState.EXPIRED, 4)], Wait(REFUSAL), blocker=REFUSAL
    ),
    "expired three times: a person has to look": Row(
        [FILLED, *(sell(OrderState.EXPIRED, attempt=n) for n in (1, 2, 3))],
        blocked("SellEnded", "the exchange ended its sell 3 times", None),
    ),
    "expired twice and refused: it tries a third": Row(
        [
            FILLED,
            sell(OrderState.EXPIRED),
            sell(OrderState.EXPIRED, attempt=2),
            sell(OrderState.REFUSED, attempt=3),
        ],
        PLACE_SELL,
    ),
    "expired three times, told: it tries again": Row(
        [FILLED, *(sell(OrderState.EXPIRED, attempt=n, acknowledged=True) for n in (1, 2, 3))],
        PLACE_SELL,
    ),
    "canceled by others: it waits until told": Row(
        [FILLED, sell(OrderState.CANCELED, order_id=8)], others("sell", 8)
    ),
    "canceled by others in shutdown: it waits until told": Row(
        [FILLED, sell(OrderState.CANCELED, order_id=8)], others("sell", 8), DRAINING
    ),
    "canceled by others, told: it sells the rest": Row(
        [FILLED, sell(OrderState.CANCELED, 4, acknowledged=True)],
        PlaceSell(OrderTerms(D("2.0061"), D("5.9"))),
    ),
    "canceled by others once, sold since: it ends, whoever forgot that it was told": Row(
        [
            FILLED,
            sell(OrderState.CANCELED),
            sell(OrderState.FILLED, D("9.9"), attempt=2),
        ],
        finished("sold"),
    ),
    "its buy was canceled by others: once sold, it waits until told": Row(
        [
            buy(OrderState.CANCELED, 4, order_id=7),
            sell(OrderState.FILLED, D("3.9"), quantity="3.9"),
        ],
        others("buy", 7),
    ),
    "its buy was canceled by others, sold in shutdown: it ends": Row(
        [buy(OrderState.CANCELED, 4), sell(OrderState.FILLED, D("3.9"), quantity="3.9")],
        finished("sold"),
        DRAINING,
    ),
    "its buy was canceled by others, its sell expired: the rest is sold": Row(
        [buy(OrderState.CANCELED, 4), sell(OrderState.EXPIRED, quantity="3.9")],
        PlaceSell(OrderTerms(D("2.0061"), D("3.9"))),
    ),
    "the rest is too little: it is carried": Row(
        [FILLED, sell(OrderState.EXPIRED, D("7.5"))], finished(f"sold; the rest is {CARRIED}")
    ),
    "commission has taken from the rest: it sells what there is": Row(
        [FILLED, sell(OrderState.EXPIRED, 4)],
        PlaceSell(OrderTerms(D("2.0061"), D("5.8"))),
        {"carried": D("-0.01")},
    ),
    "sold but for what commission has taken: it ends": Row(
        [FILLED, sell(OrderState.FILLED, D("9.8"), quantity="9.9")],
        finished(f"sold; the rest is {CARRIED}"),
        {"carried": D("-0.1")},
    ),
}

TABLE = BEGINNING | WAITING | AFTER_THE_BUY | AFTER_THE_SELL


@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in TABLE.items()])
def test_the_next_step(row: Row) -> None:
    trader = Trader(TRADER, TERMS, NOW_MS, orders=list(row.orders), blocker=row.blocker)

    step = next_step(trader, around(**row.around))

    assert step == row.step


@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in TABLE.items()])
def test_deciding_changes_nothing(row: Row) -> None:
    trader = Trader(TRADER, TERMS, NOW_MS, orders=list(row.orders), blocker=row.blocker)
    before = repr(trader)

    next_step(trader, around(**row.around))

    assert repr(trader) == before


def test_a_sell_without_a_buy_is_a_mistake_in_this_program() -> None:
    trader = Trader(TRADER, TERMS, NOW_MS, orders=[sell(OrderState.EXPIRED)])

    with pytest.raises(AssertionError, match="has a buy"):
        next_step(trader, around())

"""The codec reads every message that the documentation shows."""

import json
from decimal import Decimal

import pytest

from symbol_trader.binance import events, replies, symbols
from symbol_trader.binance.envelope import Reply
from symbol_trader.binance.fields import Fields
from symbol_trader.binance.rate_limit import Counted, Use
from symbol_trader.binance.session import Announced, Answered, Retired, Revoked, Session, UserData
from symbol_trader.binance.surprises import Surprises
from symbol_trader.core.orders import ExecutionReport
from symbol_trader.core.symbols import Commission
from unit.binance import examples, payloads
from unit.binance.payloads import ORDER_ID, SYMBOL


def heard(message: object) -> tuple[object, Surprises]:
    surprises = Surprises()
    session = Session(SYMBOL, surprises)
    session.request("order.place", {})
    return session.receive(json.dumps(message)), surprises


@pytest.mark.parametrize("name", examples.ORDERS)
def test_orders_that_were_placed(name: str) -> None:
    order = replies.placed(examples.ORDERS[name], SYMBOL, ORDER_ID).order

    assert order.status == examples.ORDERS[name]["status"]


@pytest.mark.parametrize("name", examples.QUERIED)
def test_orders_that_are_asked_for(name: str) -> None:
    (order,) = replies.open_orders([examples.QUERIED[name]], SYMBOL)

    assert order == replies.order_by_id(examples.QUERIED[name], SYMBOL)
    assert order.client_order_id == examples.QUERIED[name]["clientOrderId"]


@pytest.mark.parametrize("name", examples.REPORTS)
def test_reports(name: str) -> None:
    event = {"subscriptionId": 0, "event": examples.REPORTS[name]}
    news, surprises = heard(event)

    assert isinstance(news, UserData)
    assert isinstance(news.event, ExecutionReport)
    assert (news.event.fill is not None) == (name == "trade")
    assert not any(surprises.counts.values())


@pytest.mark.parametrize("name", examples.EVENTS)
def test_other_events(name: str) -> None:
    news, surprises = heard({"subscriptionId": 0, "event": examples.EVENTS[name]})

    assert isinstance(news, UserData) == (name == "balances")
    assert not any(surprises.counts.values())


@pytest.mark.parametrize("name", examples.ENDINGS)
def test_the_end_of_a_session_and_of_a_stream(name: str) -> None:
    event = examples.ENDINGS[name]

    announced = events.is_shutdown(Fields(event, "event"))
    assert announced == (name == "the server")
    assert isinstance(heard({"event": event})[0], Announced if announced else Retired)
    assert announced or events.ending(Fields(event, "event"))


def test_errors_with_all_that_they_say() -> None:
    weight = Use(Counted.WEIGHT, 12, 6000, 60_000)
    orders = (
        Use(Counted.ORDERS, 1, 50, 10_000),
        Use(Counted.ORDERS, 9, 160_000, 86_400_000),
    )
    uses = (*orders, weight)
    poor = Reply(400, None, -2010, "Account has insufficient balance.", uses=uses)
    limited = Reply(
        429,
        None,
        -1003,
        "Too much request weight used.",
        examples.T + 1_000,
        examples.T,
        uses=uses,
    )
    assert heard(examples.ERRORS["poor"])[0] == Answered(1, poor)
    assert heard(examples.ERRORS["limited"])[0] == Answered(1, limited)
    assert isinstance(heard(examples.ERRORS["revoked"])[0], Revoked)
    assert heard(examples.ERRORS["not understood"])[0] is None


def test_a_symbol_with_all_its_filters() -> None:
    info = symbols.symbol_info(examples.EXCHANGE_INFO, SYMBOL)

    assert (info.filters.max_orders, info.filters.exchange_max_orders) == (200, 1000)
    assert info.filters.max_position == Decimal(1000)
    assert [percent.minutes for percent in info.filters.percents] == [5]
    assert symbols.unknown_filters(examples.EXCHANGE_INFO, SYMBOL) == {}


def test_a_pair_without_fees() -> None:
    """Zero-fee pairs have rates of zero; tax may be asked for all the same."""
    none = payloads.rates("0.00000000", "0.00000000", "0.00000000", "0.00000000")
    tax = none | {"seller": "0.00010000"}
    free = {"standardCommission": none, "specialCommission": none, "taxCommission": none}

    assert replies.commission(free) == Commission(Decimal(0), Decimal(0))
    taxed = replies.commission(free | {"taxCommission": tax})
    assert taxed == Commission(Decimal(0), Decimal("0.0001"))


@pytest.mark.parametrize(
    "discount",
    [
        {"enabledForAccount": True, "enabledForSymbol": True, "discount": "0.25000000"},
        {"enabledForAccount": False, "enabledForSymbol": False, "discount": "0.75000000"},
        None,
    ],
)
def test_a_discount_changes_no_rate_that_is_reckoned_with(discount: object) -> None:
    """It ends with the BNB; a fee that turns out lower than assumed does no harm."""
    rates = payloads.commission() | {"discount": discount}

    assert replies.commission(rates) == replies.commission(payloads.commission())


def test_why_the_exchange_ended_an_order_is_kept() -> None:
    reason = "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"
    placed = replies.placed(examples.ORDERS["price range"], SYMBOL, ORDER_ID).order
    report = events.execution_report(
        Fields(examples.REPORTS["expired by the price range"], "event")
    )

    assert (placed.expiry_reason, report.order.expiry_reason) == (reason, reason)
    limit = replies.placed(examples.ORDERS["with all conditional fields"], SYMBOL, ORDER_ID).order
    assert limit.expiry_reason == ""


def test_a_result_that_is_not_asked_for_is_counted_and_nothing_else() -> None:
    news, surprises = heard({"id": 99, "status": 200, "result": examples.AMENDED})

    assert news is None
    assert sum(surprises.counts.values()) == 1

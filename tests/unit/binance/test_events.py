"""What the streams push becomes the core's news; what does not concern the symbol is left out."""

from decimal import Decimal

import pytest

from symbol_trader.binance import events
from symbol_trader.binance.fields import Fields, PayloadError
from symbol_trader.core.orders import NO_ASSET, ExchangeOrder, ExecutionReport, Fill, Side
from symbol_trader.core.replies import BalanceChanged, Price
from unit.binance import payloads
from unit.binance.payloads import CANCEL_ID, ORDER_ID, POSITION, SYMBOL, TRADE_REPORT


def news(payload: object) -> object:
    return events.user_event(Fields(payload, "event"), SYMBOL)


def test_an_order_that_was_taken() -> None:
    assert news(payloads.report()) == ExecutionReport(
        execution_type="NEW",
        order=ExchangeOrder(
            client_order_id=ORDER_ID,
            order_id=101,
            side=Side.BUY,
            price=Decimal("0.5"),
            quantity=Decimal(40),
            status="NEW",
            executed=Decimal(0),
            executed_quote=Decimal(0),
            time_ms=1_700_000_000_123,
        ),
    )


def test_a_trade_carries_its_fill() -> None:
    report = news(TRADE_REPORT)

    assert isinstance(report, ExecutionReport)
    assert report.order.executed == Decimal(10)
    assert report.order.executed_quote == Decimal(5)
    assert report.fill == Fill(
        order_id=101,
        trade_id=777,
        price=Decimal("0.5"),
        quantity=Decimal(10),
        quote_quantity=Decimal(5),
        commission=Decimal("0.01"),
        commission_asset="XRP",
        is_maker=True,
        time_ms=1_700_000_002_000,
    )


def test_a_trade_free_of_charge_needs_no_asset() -> None:
    report = news({**TRADE_REPORT, "n": "0", "N": None})

    assert isinstance(report, ExecutionReport)
    assert report.fill is not None
    assert (report.fill.commission, report.fill.commission_asset) == (Decimal(0), NO_ASSET)


def test_a_charge_without_an_asset_is_refused() -> None:
    with pytest.raises(PayloadError, match=r"event\.N: a commission without its asset"):
        news({**TRADE_REPORT, "N": None})


def test_a_cancel_names_the_order_and_itself() -> None:
    report = news(payloads.report(x="CANCELED", X="CANCELED", c=CANCEL_ID, C=ORDER_ID))

    assert isinstance(report, ExecutionReport)
    assert report.order.client_order_id == ORDER_ID
    assert report.cancel_id == CANCEL_ID


def test_an_order_that_expired_keeps_its_id() -> None:
    report = news(payloads.report(x="EXPIRED", X="EXPIRED"))

    assert isinstance(report, ExecutionReport)
    assert (report.order.client_order_id, report.cancel_id) == (ORDER_ID, None)


def test_an_amended_order_is_known_by_the_id_it_was_placed_with() -> None:
    report = news(payloads.report(x="REPLACED", c="new-id", C=ORDER_ID))

    assert isinstance(report, ExecutionReport)
    assert (report.order.client_order_id, report.cancel_id) == (ORDER_ID, None)


def test_an_amended_order_has_the_quantity_that_it_has_now() -> None:
    report = news(payloads.report(x="REPLACED", c="new-id", C=ORDER_ID, q="15.00000000"))
    later = news({**TRADE_REPORT, "c": "new-id", "q": "15.00000000"})

    assert isinstance(report, ExecutionReport)
    assert (report.order.quantity, report.order.order_id) == (Decimal(15), 101)
    assert isinstance(later, ExecutionReport)
    assert (later.order.client_order_id, later.order.order_id) == ("new-id", 101)


def test_what_self_trade_prevention_took_away_is_told() -> None:
    prevention = {"v": 3, "A": "25.00000000", "B": "5.00000000", "u": 1, "U": 2, "pl": "5.0"}
    ended = news(payloads.report(x="TRADE_PREVENTION", X="FILLED", z="15.0", Z="7.5", **prevention))
    expired = news(payloads.report(x="TRADE_PREVENTION", X="EXPIRED_IN_MATCH", **prevention))

    assert isinstance(ended, ExecutionReport)
    assert isinstance(expired, ExecutionReport)
    assert (ended.execution_type, ended.order.status, ended.fill) == (
        "TRADE_PREVENTION",
        "FILLED",
        None,
    )
    assert (ended.order.quantity, ended.order.executed) == (Decimal(40), Decimal(15))
    assert ended.order.prevented == Decimal(25)
    assert (expired.order.status, expired.order.prevented) == ("EXPIRED_IN_MATCH", Decimal(25))


def test_balances_after_a_change() -> None:
    assert news(POSITION) == BalanceChanged({"USDT": Decimal(950)}, {"USDT": Decimal(30)})


@pytest.mark.parametrize(
    "payload",
    [
        payloads.report(s="BTCUSDT"),
        {"e": "balanceUpdate", "E": 1, "a": "USDT", "d": "100.0", "T": 1},
        {"e": "listStatus", "E": 1},
        {"e": "somethingNew"},
    ],
    ids=["another-symbol", "a-difference", "lists", "unheard-of"],
)
def test_what_is_no_news_of_the_symbol(payload: object) -> None:
    assert news(payload) is None


@pytest.mark.parametrize("field", ["s", "x", "c", "C", "i", "S", "p", "q", "X", "z", "Z", "O"])
def test_a_report_that_lacks_a_field_names_it(field: str) -> None:
    payload = payloads.report()
    del payload[field]

    with pytest.raises(PayloadError, match=rf"event\.{field}: missing"):
        news(payload)


@pytest.mark.parametrize("field", ["p", "q", "z", "Z", "L", "l", "Y"])
def test_no_amount_of_a_report_is_negative(field: str) -> None:
    with pytest.raises(PayloadError, match=rf"event\.{field}: a number that is not negative"):
        news(TRADE_REPORT | {field: "-0.00000001"})


def test_a_report_may_leave_the_original_id_empty() -> None:
    assert news(payloads.report() | {"C": None}) == news(payloads.report())


def test_a_public_trade() -> None:
    event = Fields(payloads.public_trade(9, "0.5012"), "event")

    assert events.public_trade(event) == Price(9, Decimal("0.5012"), 1_700_000_003_001)


@pytest.mark.parametrize("payload", [{"result": None, "id": 1}, {"e": "aggTrade"}])
def test_what_is_no_public_trade(payload: object) -> None:
    assert events.public_trade(Fields(payload, "event")) is None


def test_the_end_of_a_stream_has_a_reason() -> None:
    event = Fields({"e": "eventStreamTerminated", "E": 1}, "event")
    assert events.ending(event) == "the exchange ended the user data stream"
    assert not events.is_shutdown(event)


def test_an_announced_end_is_not_the_end_yet() -> None:
    event = Fields({"e": "serverShutdown", "E": 1}, "event")
    assert events.is_shutdown(event)
    assert events.ending(event) is None
    assert not events.is_shutdown(Fields({"id": 1}, "event"))


def test_reports_of_one_execution_have_one_mark() -> None:
    reports = (payloads.report(), TRADE_REPORT, payloads.report(E=1), payloads.report(I=56))
    marks = [events.mark(Fields(payload, "event")) for payload in reports]
    assert marks[0] == marks[2]
    assert len(set(marks)) == 3


def test_a_mark_can_be_remembered_whatever_is_in_it() -> None:
    strange = payloads.report(I={"not": "a number"}, t=[])
    assert len({events.mark(Fields(strange, "event"))}) == 1


def test_balances_are_marked_by_their_time_and_what_they_say() -> None:
    mark = events.mark(Fields(POSITION, "event"))
    assert mark is not None
    assert mark.updated_ms == POSITION["u"]
    assert mark == events.mark(Fields({**POSITION, "E": 1}, "event"))
    assert mark != events.mark(Fields({**POSITION, "B": []}, "event"))
    locked = {**POSITION, "B": [{"a": "USDT", "f": "950.00000000", "l": "1"}]}
    assert mark != events.mark(Fields(locked, "event"))


def test_what_says_of_no_execution_and_no_time_has_no_mark() -> None:
    assert events.mark(Fields({"e": "balanceUpdate"}, "event")) is None


@pytest.mark.parametrize("payload", [{}, {"e": "trade"}])
def test_everything_else_is_not_the_end(payload: object) -> None:
    assert events.ending(Fields(payload, "event")) is None

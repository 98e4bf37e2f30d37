"""Reading a TradingSymbol: what is accepted, what is refused, and how the refusal reads."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tradingsymbol_api.spec import FieldError, InvalidResourceError, TradingSymbol, parse_resource
from tradingsymbol_api.values import (
    AtDeadline,
    DeletionPolicy,
    TradingStatus,
    UnfilledBuys,
    parse_duration,
    parse_fraction,
    parse_signed_fraction,
)

EXAMPLE = """
apiVersion: tradingsymbol.dev/v1alpha1
kind: TradingSymbol
metadata: {name: xrpusdt}
spec:
  status: on
  symbol: XRPUSDT
  exchange: paper
  budget: 100
  chunks: 5
  buyDownInterval: 0.01%
  profitInterval: 0.1%
  rebuyInterval: 0.1%
  maxBuyAge: 12h
  shutdown: {unfilledBuys: Wait, deadline: 24h, atDeadline: Hold}
  deletionPolicy: Stop
"""


def parse(text: str, **options: bool) -> TradingSymbol:
    return parse_resource(yaml.safe_load(text), **options)


def with_spec(**spec: Any) -> dict[str, Any]:
    """Make a resource with a budget and the given fields."""
    return {
        "apiVersion": "tradingsymbol.dev/v1alpha1",
        "kind": "TradingSymbol",
        "metadata": {"name": "xrpusdt"},
        "spec": {"budget": 100, **spec},
    }


def problems(document: object, **options: bool) -> dict[str, str]:
    """List the problems of a document that must be refused, by field."""
    with pytest.raises(InvalidResourceError) as caught:
        parse_resource(document, **options)
    return {problem.field: problem.message for problem in caught.value.problems}


def test_every_field_of_the_documented_example_is_read() -> None:
    spec = parse(EXAMPLE, refuse_unknown=True).spec

    assert spec.status is TradingStatus.ON
    assert spec.symbol == "XRPUSDT"
    assert spec.exchange == "paper"
    assert spec.budget == Decimal(100)
    assert spec.chunks == 5
    assert spec.buy_down_interval == Decimal("0.0001")
    assert spec.profit_interval == Decimal("0.001")
    assert spec.rebuy_interval == Decimal("0.001")
    assert spec.max_buy_age == timedelta(hours=12)
    assert spec.shutdown.unfilled_buys is UnfilledBuys.WAIT
    assert spec.shutdown.deadline == timedelta(hours=24)
    assert spec.shutdown.at_deadline is AtDeadline.HOLD
    assert spec.deletion_policy is DeletionPolicy.STOP


def test_a_budget_is_all_that_must_be_given() -> None:
    symbol = parse_resource(with_spec())

    assert symbol.symbol == "XRPUSDT"
    assert symbol.spec.status is TradingStatus.OFF
    assert symbol.spec.exchange == "paper"
    assert symbol.spec.chunks == 5
    assert symbol.spec.buy_down_interval == Decimal("0.0001")
    assert symbol.spec.max_buy_age is None
    assert symbol.spec.shutdown.deadline is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("on", TradingStatus.ON),
        ("off", TradingStatus.OFF),
        ('"on"', TradingStatus.ON),
        ('"off"', TradingStatus.OFF),
        ("true", TradingStatus.ON),
        ("false", TradingStatus.OFF),
        ("shutdown", TradingStatus.SHUTDOWN),
    ],
)
def test_a_status_may_be_written_bare_or_in_quotes(written: str, meant: TradingStatus) -> None:
    document = yaml.safe_load(f"budget: 1\nstatus: {written}")

    assert parse_resource(with_spec(**document)).spec.status is meant


@pytest.mark.parametrize("value", ["banana", "ON", "", 1, 0, None, [], "True"])
def test_any_other_status_is_refused_with_the_choices(value: object) -> None:
    message = problems(with_spec(status=value))["spec.status"]

    assert message == f"must be one of on, off, shutdown, not {value!r}"


@pytest.mark.parametrize(
    ("written", "amount"),
    [(100, "100"), ("100", "100"), ("0.5", "0.5"), ("00.10", "0.10"), (10**15 - 1, "9" * 15)],
)
def test_a_budget_is_an_integer_or_text(written: object, amount: str) -> None:
    assert parse_resource(with_spec(budget=written)).spec.budget == Decimal(amount)


@pytest.mark.parametrize(
    "value",
    [0, -1, 10**15, 100.5, True, "0", "0.0", "-5", "1e3", "", "1,5", ".5", "5.", "1" * 16, None],
)
def test_a_budget_that_is_no_exact_amount_above_zero_is_refused(value: object) -> None:
    assert problems(with_spec(budget=value))["spec.budget"].startswith("must be an amount")


def test_a_missing_budget_is_named() -> None:
    document = with_spec()
    del document["spec"]["budget"]

    assert problems(document) == {"spec.budget": "is required"}


@pytest.mark.parametrize("value", [1, 100])
def test_chunks_reach_from_one_to_a_hundred(value: int) -> None:
    assert parse_resource(with_spec(chunks=value)).spec.chunks == value


@pytest.mark.parametrize("value", [0, 101, -1, "5", 2.0, True, None])
def test_other_chunks_are_refused(value: object) -> None:
    rule = "must be a whole number from 1 to 100"

    assert problems(with_spec(chunks=value)) == {"spec.chunks": rule}


@pytest.mark.parametrize(
    ("text", "fraction"),
    [("0", "0"), ("0%", "0"), ("0.001", "0.001"), ("0.1%", "0.001"), ("99.9%", "0.999")],
)
def test_an_interval_is_a_percentage_or_a_decimal(text: str, fraction: str) -> None:
    assert parse_fraction(text) == Decimal(fraction)
    assert parse_signed_fraction(text) == Decimal(fraction)
    assert parse_signed_fraction(f"-{text}") == -Decimal(fraction)


@pytest.mark.parametrize(
    "value",
    ["100%", "1", "1.0", "250%", "", "%", "1.5", "abc", "+1%", " 1%", "1 %", "1%\n", 0.1, 0, None],
)
@pytest.mark.parametrize("field", ["buyDownInterval", "rebuyInterval", "profitInterval"])
def test_no_interval_is_a_hundred_percent_or_a_number(field: str, value: object) -> None:
    assert "100 %" in problems(with_spec(**{field: value}))[f"spec.{field}"]


@pytest.mark.parametrize("field", ["buyDownInterval", "rebuyInterval"])
def test_only_the_profit_may_be_negative(field: str) -> None:
    assert list(problems(with_spec(**{field: "-0.1%"}))) == [f"spec.{field}"]
    assert parse_resource(with_spec(profitInterval="-0.1%")).spec.profit_interval == Decimal(
        "-0.001"
    )


@given(st.decimals(min_value=0, max_value="99.9999999999", places=10))
def test_a_percentage_is_a_hundredth_exactly(percentage: Decimal) -> None:
    assert parse_fraction(f"{percentage:f}%") * 100 == percentage


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("12h", 43200), ("90m", 5400), ("1h30m", 5400), ("45s", 45), ("1h0m5s", 3605)],
)
def test_a_duration_is_in_hours_minutes_and_seconds(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", ["", "0h", "0h0m", "12", "1d", "-1h", "30m1h", "1.5h", 720, None])
def test_any_other_duration_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="must be a duration above 0"):
        parse_duration(value)


@given(st.integers(1, 999999), st.integers(0, 999999), st.integers(0, 999999))
def test_a_duration_adds_up(hours: int, minutes: int, seconds: int) -> None:
    expected = timedelta(hours=hours, minutes=minutes, seconds=seconds)

    assert parse_duration(f"{hours}h{minutes}m{seconds}s") == expected


@pytest.mark.parametrize(
    ("field", "value", "choices"),
    [
        ("deletionPolicy", "stop", "Stop, CancelOrders, Drain"),
        ("shutdown.unfilledBuys", "Sell", "Wait, Cancel"),
        ("shutdown.atDeadline", "Wait", "Hold, Sell"),
    ],
)
def test_a_choice_lists_what_there_is(field: str, value: str, choices: str) -> None:
    outer, _, inner = field.partition(".")
    spec = {outer: {inner: value}} if inner else {outer: value}

    assert problems(with_spec(**spec)) == {
        f"spec.{field}": f"must be one of {choices}, not {value!r}"
    }


NO_SYMBOLS = [
    *("xrpusdt", "XRPUSDt", "币安人生usdt", "XRP-USDT", "XRP/USDT", "XRP\\USDT", "XRP.USDT", ".."),
    *(
        "",
        "A" * 51,
        "XRP USDT",
        "XRP\u00a0USDT",
        "XRP\u200bUSDT",
        "XRPUSDT\n",
        "XRP\x00",
        "🚀USDT",
        5,
    ),
]


@pytest.mark.parametrize("symbol", ["XRPUSDT", "币安人生USDT", "สุขUSDT", "A" * 50, "1"])
def test_a_symbol_is_of_any_letters_that_the_exchange_lists(symbol: str) -> None:
    assert parse_resource(with_spec(symbol=symbol)).symbol == symbol


@pytest.mark.parametrize("symbol", NO_SYMBOLS)
def test_a_symbol_is_written_as_the_exchange_writes_it(symbol: object) -> None:
    assert list(problems(with_spec(symbol=symbol))) == ["spec.symbol"]


@pytest.mark.parametrize("name", ["xrp-usdt", "a" * 51])
def test_a_name_that_is_no_symbol_needs_one(name: str) -> None:
    document = with_spec() | {"metadata": {"name": name}}

    assert problems(document)["spec.symbol"].startswith("must be given")
    document["spec"]["symbol"] = "XRPUSDT"
    assert parse_resource(document).symbol == "XRPUSDT"


@pytest.mark.parametrize("name", ["", "a" * 53, "XRP", "a.b", "-a", "a-", "a_b"])
def test_names_have_limits(name: str) -> None:
    assert list(problems(with_spec() | {"metadata": {"name": name}})) == ["metadata.name"]


@pytest.mark.parametrize("exchange", ["", "Paper", "-x", "a" * 64, "a_b", None])
def test_an_exchange_is_a_name(exchange: object) -> None:
    assert list(problems(with_spec(exchange=exchange))) == ["spec.exchange"]


def test_all_problems_are_told_at_once() -> None:
    found = problems(with_spec(chunks=0, budget="0", status="x", shutdown={"deadline": "1d"}))

    assert sorted(found) == ["spec.budget", "spec.chunks", "spec.shutdown.deadline", "spec.status"]


def test_a_problem_reads_as_a_sentence() -> None:
    with pytest.raises(InvalidResourceError, match=r"^spec\.chunks must be a whole number"):
        parse_resource(with_spec(chunks=0))
    assert str(FieldError("spec.budget", "is required")) == "spec.budget is required"


@pytest.mark.parametrize("document", [None, [], "text", {}, {"spec": None}, {"spec": {}}])
def test_what_is_no_resource_at_all_is_refused(document: object) -> None:
    assert problems(document)


def test_another_kind_or_version_is_refused() -> None:
    other = with_spec() | {"apiVersion": "tradingsymbol.dev/v2", "kind": "Pod"}

    assert problems(other) == {
        "apiVersion": "must be 'tradingsymbol.dev/v1alpha1'",
        "kind": "must be 'TradingSymbol'",
    }


def test_a_misspelt_field_of_a_file_is_refused() -> None:
    document = with_spec(bugdet=5, shutdown={"until": "1h"}) | {"sepc": {}}

    assert sorted(problems(document, refuse_unknown=True)) == [
        "sepc",
        "spec.bugdet",
        "spec.shutdown.until",
    ]


def test_a_field_of_a_later_version_does_not_stop_a_leader() -> None:
    assert parse_resource(with_spec(invented="later")).spec.budget == Decimal(100)


def test_what_kubernetes_adds_is_no_mistake() -> None:
    document = with_spec() | {"status": {"traders": 5}}
    document["metadata"] |= {"uid": "u", "generation": 7, "labels": {}, "managedFields": []}

    metadata = parse_resource(document, refuse_unknown=True).metadata

    assert (metadata.uid, metadata.generation, metadata.namespace) == ("u", 7, "default")

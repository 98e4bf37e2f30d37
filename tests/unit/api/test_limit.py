"""Reading a TradingLimit: what is accepted, what is refused, and how the refusal reads."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import yaml

from tradingsymbol_api.limit import (
    LimitUsage,
    TradingLimitSpec,
    TradingLimitStatus,
    parse_limit,
)
from tradingsymbol_api.spec import InvalidResourceError
from tradingsymbol_api.values import Drawdown, OnLimit, Resume

EXAMPLE = """
apiVersion: tradingsymbol.dev/v1alpha1
kind: TradingLimit
metadata: {name: all}
spec:
  exchange: binance
  quoteAsset: USDT
  halt: true
  maxExposure: 2000
  maxDailyLoss: "50.5"
  maxDrawdown: 10%
  maxOpenCycles: 40
  maxOrdersPerMinute: 60
  cooldown: 30m
  onLimit: Shutdown
  resume: NextDay
  resumedAt: "2026-01-31T12:00:00Z"
"""


def with_spec(**spec: Any) -> dict[str, Any]:
    """Make a limit with the given fields."""
    return {
        "apiVersion": "tradingsymbol.dev/v1alpha1",
        "kind": "TradingLimit",
        "metadata": {"name": "all"},
        "spec": {"exchange": "binance", **spec},
    }


def spec_of(**spec: Any) -> TradingLimitSpec:
    return parse_limit(with_spec(**spec)).spec


def problems(document: object) -> dict[str, str]:
    """List the problems of a document that must be refused, by field."""
    with pytest.raises(InvalidResourceError) as caught:
        parse_limit(document, refuse_unknown=True)
    return {problem.field: problem.message for problem in caught.value.problems}


def test_every_field_is_read() -> None:
    spec = parse_limit(yaml.safe_load(EXAMPLE), refuse_unknown=True).spec

    assert spec.exchange == "binance"
    assert spec.quote_asset == "USDT"
    assert spec.halt
    assert spec.max_exposure == Decimal(2000)
    assert spec.max_daily_loss == Decimal("50.5")
    assert spec.max_drawdown == Drawdown(fraction=Decimal("0.1"))
    assert spec.drawdown_amount == Decimal(200)
    assert spec.max_open_cycles == 40
    assert spec.max_orders_per_minute == 60
    assert spec.cooldown == timedelta(minutes=30)
    assert spec.on_limit is OnLimit.SHUTDOWN
    assert spec.resume is Resume.NEXT_DAY
    assert spec.resumed_at == datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_what_is_not_given_is_not_limited() -> None:
    spec = spec_of()

    assert not spec.halt
    assert (spec.on_limit, spec.resume) == (OnLimit.NO_BUYS, Resume.MANUAL)
    amounts = (spec.max_exposure, spec.max_daily_loss, spec.max_drawdown, spec.drawdown_amount)
    assert amounts == (None, None, None, None)
    assert (spec.max_open_cycles, spec.max_orders_per_minute, spec.cooldown) == (None, None, None)
    assert spec.quote_asset is None


def test_the_exchange_must_be_named() -> None:
    """A default would limit an account that nobody meant."""
    document = with_spec()
    del document["spec"]["exchange"]

    assert problems(document) == {"spec.exchange": "is required"}


@pytest.mark.parametrize(
    ("written", "amount"),
    [(200, "200"), ("200.50", "200.50"), ("10%", "1"), ("0.5%", "0.05"), ("100%", "10")],
)
def test_a_drawdown_is_an_amount_or_a_percentage_of_the_exposure(
    written: object, amount: str
) -> None:
    assert spec_of(maxDrawdown=written, maxExposure=10).drawdown_amount == Decimal(amount)


def test_an_amount_needs_no_exposure_and_a_percentage_does() -> None:
    assert spec_of(maxDrawdown=200).drawdown_amount == Decimal(200)
    assert problems(with_spec(maxDrawdown="10%")) == {
        "spec.maxDrawdown": (
            "is a percentage of maxExposure: give maxExposure, too, or an amount of quote currency"
        )
    }


@pytest.mark.parametrize("value", [0, -1, "0%", "0.0%", "101%", "100.5%", "10 %", 0.1, True])
def test_any_other_drawdown_is_refused(value: object) -> None:
    message = problems(with_spec(maxDrawdown=value, maxExposure=10))["spec.maxDrawdown"]
    assert message.startswith("must be an amount of quote currency above 0")
    assert "or a percentage of maxExposure" in message


@pytest.mark.parametrize("value", ["true", "on", 1, 0, None])
def test_a_halt_is_true_or_false(value: object) -> None:
    """Whoever writes something else must hear of it: nothing may look halted that is not."""
    assert problems(with_spec(halt=value)) == {"spec.halt": "must be true or false, without quotes"}


@pytest.mark.parametrize("field", ["maxOpenCycles", "maxOrdersPerMinute"])
@pytest.mark.parametrize("value", [0, 100_001, "5", 2.0, True])
def test_numbers_have_bounds(field: str, value: object) -> None:
    rule = "must be a whole number from 1 to 100000"
    assert problems(with_spec(**{field: value})) == {f"spec.{field}": rule}


@pytest.mark.parametrize("value", ["usdt", "US-DT", "", 1])
def test_a_quote_asset_is_written_as_the_exchange_does(value: object) -> None:
    rule = "must be the name of an asset as the exchange writes it: USDT, not usdt"
    assert problems(with_spec(quoteAsset=value)) == {"spec.quoteAsset": rule}


def test_all_that_is_wrong_is_named_at_once() -> None:
    found = problems(
        with_spec(maxExposure=0, maxDailyLoss=-1, cooldown="soon", onLimit="Sell", maxLoss=5)
    )
    assert sorted(found) == [
        "spec.cooldown",
        "spec.maxDailyLoss",
        "spec.maxExposure",
        "spec.maxLoss",
        "spec.onLimit",
    ]
    assert found["spec.onLimit"] == "must be one of NoBuys, CancelBuys, Shutdown, not 'Sell'"
    assert found["spec.maxLoss"] == "is not a field of a TradingLimit"


def test_a_symbol_is_no_limit() -> None:
    document = {**with_spec(), "kind": "TradingSymbol"}
    assert problems(document) == {"kind": "must be 'TradingLimit'"}


def test_a_status_says_what_is_used_since_when_and_who_has_heard() -> None:
    """Its rows are told apart by limit and quote asset, which is never missing."""
    number = LimitUsage(limit="maxOpenCycles", used="3", left="37", most="40")
    amount = LimitUsage(
        limit="maxExposure",
        quote_asset="USDT",
        used="2000",
        left="0",
        most="2000",
        reached_since="2026-01-01T00:00:00Z",
    )
    status = TradingLimitStatus(leaders=20, leaders_heard=19, usage=(number, amount))

    written = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert written["leadersHeard"] == status.leaders_heard == 19
    assert [row["quoteAsset"] for row in written["usage"]] == ["", "USDT"]
    assert written["usage"][1]["reachedSince"] == amount.reached_since
    assert TradingLimitStatus.model_validate(written) == status


@pytest.mark.parametrize("moment", ["yesterday", "2026-01-31T12:00:00", 7])
def test_a_moment_says_its_zone(moment: object) -> None:
    found = problems(with_spec(resumedAt=moment))
    assert found == {"spec.resumedAt": "must be a moment such as 2026-01-31T12:00:00Z"}

"""What accounts and symbols pay: standard, special and tax, by role and side, as it is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from paper_exchange.commissions import check_known, commission_of, read_commissions
from paper_exchange.core.engine import Rules
from paper_exchange.core.errors import ConfigError
from paper_exchange.core.fees import BnbFees, Commission, CommissionKey, FeeRates
from unit.paper_exchange.builders import D, Market
from unit.paper_exchange.clients import Client

FULL = Commission(
    standard=FeeRates(D("0.0001"), D("0.0002"), D("0.0003"), D("0.0004")),
    special=FeeRates(D("0.01"), D("0.02"), D("0.03"), D("0.04")),
    tax=FeeRates(D("0.00112"), D("0.00114"), D("0.00118"), D("0.00116")),
)
FREE = Commission(FeeRates())
VIP = Commission(FeeRates(D("0.0002"), D("0.0004")))


def paid(**rules: Any) -> list[tuple[str, Any, str]]:
    """Return what a buying maker and a selling taker pay for 100 at 10: account, amount, asset."""
    market = Market(Rules(trades_only=False, **rules), bnb=100)
    market.place("BUY", "10.00", 100, account="b")
    market.place("SELL", "10.00", 100)
    fills = market.state.books["XRPUSDT"].fills
    return [(fill.account, fill.commission, fill.commission_asset) for fill in fills]


def test_role_and_side_add_up_over_all_three_parts() -> None:
    assert paid(fees=FULL) == [
        ("a", 1000 * (D("0.0006") + D("0.06") + D("0.0023")), "USDT"),
        ("b", 100 * (D("0.0004") + D("0.04") + D("0.0023")), "XRP"),
    ]


def test_in_bnb_the_standard_part_alone_is_discounted() -> None:
    bnb = BnbFees(everyone=True, discount=D("0.25"), prices={"USDT": D(250)})
    assert paid(fees=FULL, bnb_fees=bnb) == [
        ("a", 4 * (D("0.0006") / 4 + D("0.06") + D("0.0023")), "BNB"),
        ("b", 4 * (D("0.0004") / 4 + D("0.04") + D("0.0023")), "BNB"),
    ]


def test_a_symbol_without_fees_costs_nobody_anything() -> None:
    assert paid(commissions={(None, "XRPUSDT"): FREE}) == [("a", 0, "USDT"), ("b", 0, "XRP")]
    assert paid(commissions={(None, "ETHUSDT"): FREE})[0][1] == 1


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        ({("a", None): VIP}, "0.4"),
        ({("a", None): VIP, (None, "XRPUSDT"): FREE}, "0"),
        ({("a", "XRPUSDT"): VIP, (None, "XRPUSDT"): FREE}, "0.4"),
        ({("b", None): VIP}, "1"),
    ],
)
def test_the_most_special_case_counts(
    cases: dict[CommissionKey, Commission], expected: str
) -> None:
    assert paid(commissions=cases)[0][1] == D(expected)


def test_what_is_paid_is_what_is_told() -> None:
    client = Client(commissions={("a", "XRPUSDT"): FULL, ("a", None): VIP})
    told = client.signed("account.commission", symbol="XRPUSDT")["result"]
    assert told["standardCommission"] == {
        "maker": "0.00010000",
        "taker": "0.00020000",
        "buyer": "0.00030000",
        "seller": "0.00040000",
    }
    assert told["specialCommission"]["seller"] == "0.04000000"
    assert told["taxCommission"]["buyer"] == "0.00118000"
    other = client.signed("account.commission", symbol="XRPUSDT", key="key-b")["result"]
    assert other["standardCommission"]["taker"] == "0.00100000"
    account = client.signed("account.status")["result"]
    assert account["commissionRates"] == {
        "maker": "0.00020000",
        "taker": "0.00040000",
        "buyer": "0.00000000",
        "seller": "0.00000000",
    }
    assert (account["makerCommission"], account["takerCommission"]) == (2, 4)


def test_a_test_order_is_told_the_rates_of_its_side() -> None:
    client = Client(fees=FULL)
    terms = {"symbol": "XRPUSDT", "side": "SELL", "type": "MARKET", "quantity": "100"}
    told = client.signed("order.test", computeCommissionRates=True, **terms)["result"]
    assert told["standardCommissionForOrder"] == {"maker": "0.00050000", "taker": "0.00060000"}
    assert told["specialCommissionForOrder"] == {"maker": "0.05000000", "taker": "0.06000000"}
    assert told["taxCommissionForOrder"] == {"maker": "0.00228000", "taker": "0.00230000"}


class TestFile:
    def read(self, folder: Path, content: Any) -> dict[CommissionKey, Commission]:
        path = folder / "commissions.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return read_commissions(path)

    def test_rows_are_for_accounts_symbols_or_both(self, tmp_path: Path) -> None:
        rows = [
            {"symbol": "XRPUSDT"},
            {"account": "a", "standardCommission": {"maker": "0.0002", "taker": "0.0004"}},
            {"account": "a", "symbol": "XRPUSDT", "taxCommission": {"seller": "0.01"}},
        ]
        assert self.read(tmp_path, rows) == {
            (None, "XRPUSDT"): FREE,
            ("a", None): VIP,
            ("a", "XRPUSDT"): Commission(FeeRates(), tax=FeeRates(seller=D("0.01"))),
        }

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            ("{", "not a file of commissions"),
            ({}, "a list of commissions is expected"),
            ([5], "a commission must be an object: 5"),
            ([{"symbol": 5}], "symbol must be a name: 5"),
            ([{"standard": {}}], "unknown standard; known: standardCommission"),
            ([{"taxCommission": 1}], "taxCommission must be an object of maker, taker"),
            ([{"taxCommission": {"fee": 1}}], "taxCommission must be an object of maker, taker"),
            ([{"taxCommission": {"maker": "x"}}], "taxCommission.maker is not a number: 'x'"),
            ([{"taxCommission": {"maker": "1"}}], "must be less than 1 in all"),
        ],
    )
    def test_what_is_wrong_in_it_is_named(self, tmp_path: Path, content: Any, why: str) -> None:
        with pytest.raises(ConfigError, match=f"commissions.json: .*{why}"):
            self.read(tmp_path, content)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="nowhere: not a file of commissions"):
            read_commissions(tmp_path / "nowhere")


def test_a_commission_of_nobody_or_of_nothing_is_refused() -> None:
    check_known([("a", None), (None, "X"), (None, None)], ["a"], ["X"])
    with pytest.raises(ConfigError, match="unknown account: z; known: a"):
        check_known([("z", None)], ["a"], [])
    with pytest.raises(ConfigError, match="unknown symbol: Z; known: XRPUSDT, BTCUSDT"):
        Client(commissions={(None, "Z"): FREE})


def test_parts_that_are_not_given_are_nothing() -> None:
    assert commission_of({}) == FREE

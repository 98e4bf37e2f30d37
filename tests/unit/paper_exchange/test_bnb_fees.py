"""Commission in BNB: its price, its discount, and what happens where there is too little of it."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paper_exchange import journal
from paper_exchange.accounts import (
    AccountConfig,
    Key,
    check_accounts,
    parse_prices,
    read_accounts,
)
from paper_exchange.core.engine import Rules
from paper_exchange.core.errors import ConfigError, ExchangeError
from paper_exchange.core.events import Position
from paper_exchange.core.fees import BnbFees, Commission, FeeRates
from paper_exchange.core.money import ZERO
from paper_exchange.core.orders import Fill, OrderType, Side
from paper_exchange.core.symbols import Symbol
from paper_exchange.shell.admin_client import AdminRefusedError, call
from paper_exchange.shell.server import serve
from unit.paper_exchange.builders import BNB, FUNDS, XRP, XRPBNB, Amount, D, Market
from unit.paper_exchange.clients import CONFIG, Client
from unit.paper_exchange.clients import FUNDS as CLIENT_FUNDS
from unit.paper_exchange.sockets import socket, trade

AT_600 = {"USDT": D(600)}
STANDARD = FeeRates(D("0.001"), D("0.001"))
ON_TOP = Commission(
    STANDARD,
    special=FeeRates(D("0.003"), D("0.003")),
    tax=FeeRates(D("0.002"), D("0.002")),
)


def paying(
    bnb: Amount = 1,
    prices: Mapping[str, Decimal] = AT_600,
    *,
    fees: Commission | None = None,
    more: tuple[Symbol, ...] = (),
    **settings: Any,
) -> Market:
    """Make a market whose accounts pay in BNB."""
    owed = BnbFees(**{"everyone": True, "prices": prices, **settings})
    rules = Rules(fees=fees or Commission(), trades_only=False, bnb_fees=owed)
    return Market(rules, more=more, bnb=bnb)


def charged(market: Market, symbol: Symbol = XRP) -> list[tuple[Decimal, str]]:
    return [(f.commission, f.commission_asset) for f in fills(market, symbol)]


def fills(market: Market, symbol: Symbol = XRP) -> list[Fill]:
    return market.state.books[symbol.name].fills


def test_a_buys_fee_is_taken_in_bnb_at_the_configured_price_with_the_discount() -> None:
    market = paying()
    market.place("BUY", "10.00", 60)
    market.sell("9.00", 60)
    assert charged(market) == [(D("0.00075"), "BNB")]  # 600 * 0.001 * 0.75 / 600
    assert market.balance("a", "XRP") == (FUNDS + 60, 0)
    assert market.balance("a", "BNB") == (1 - D("0.00075"), 0)


def test_a_sells_fee_is_taken_in_bnb_and_the_quote_is_received_whole() -> None:
    market = paying()
    market.place("SELL", "10.00", 60)
    market.buy("11.00", 60)
    assert charged(market) == [(D("0.00075"), "BNB")]
    assert market.balance("a", "USDT") == (FUNDS + 600, 0)


def test_the_exchanges_own_market_in_bnb_says_its_price() -> None:
    market = paying(more=(BNB,))
    market.trade("500.00", 1, seller_aggressed=True, symbol=BNB)
    market.place("BUY", "10.00", 60)
    market.sell("9.00", 60)
    assert charged(market) == [(D("0.0009"), "BNB")]


def test_tax_and_special_commission_have_no_discount() -> None:
    market = paying(fees=ON_TOP)
    market.place("BUY", "10.00", 60)
    market.sell("9.00", 60)
    assert charged(market) == [(D("0.00575"), "BNB")]


def test_tax_and_special_commission_are_charged_on_the_received_asset_too() -> None:
    market = Market(fees=ON_TOP)
    market.place("BUY", "10.00", 60)
    market.sell("9.00", 60)
    assert charged(market) == [(D("0.36"), "XRP")]


def test_the_bnb_runs_out_and_the_full_fee_is_taken_from_what_is_received() -> None:
    market = paying("0.001")
    for _ in range(2):
        market.place("BUY", "10.00", 60)
        market.sell("9.00", 60)
    assert charged(market) == [(D("0.00075"), "BNB"), (D("0.06"), "XRP")]
    assert market.balance("a", "BNB") == (D("0.00025"), 0)


def test_without_a_price_the_fee_is_taken_from_what_is_received() -> None:
    market = paying(prices={"BTC": D("0.006")})
    market.place("BUY", "10.00", 60)
    market.sell("9.00", 60)
    assert charged(market) == [(D("0.06"), "XRP")]


def test_only_accounts_that_want_it_pay_in_bnb() -> None:
    market = paying(everyone=False, accounts={"b": True})
    market.place("SELL", "10.00", 60, account="b")
    market.place("BUY", "10.00", 60)
    assert charged(market) == [(D("0.06"), "XRP"), (D("0.00075"), "BNB")]


class TestBnbIsTraded:
    def test_a_buy_of_bnb_pays_from_what_it_receives(self) -> None:
        market = paying(0, more=(BNB,))
        market.place("BUY", "500.00", 2, symbol=BNB)
        market.trade("400.00", 2, seller_aggressed=True, symbol=BNB)
        assert charged(market, BNB) == [(D("0.0015"), "BNB")]  # of the quantity itself
        assert market.balance("a", "BNB") == (2 - D("0.0015"), 0)

    def test_a_sell_of_bnb_pays_from_the_bnb_that_are_left(self) -> None:
        market = paying(3, more=(BNB,))
        market.place("SELL", "500.00", 2, symbol=BNB)
        market.trade("501.00", 2, seller_aggressed=False, symbol=BNB)
        assert charged(market, BNB) == [(D("0.0015"), "BNB")]
        assert market.balance("a", "BNB") == (1 - D("0.0015"), 0)
        assert market.balance("a", "USDT") == (FUNDS + 1000, 0)

    def test_a_sell_of_all_bnb_pays_in_quote(self) -> None:
        market = paying(2, more=(BNB,))
        market.place("SELL", "500.00", 2, symbol=BNB)
        market.trade("501.00", 2, seller_aggressed=False, symbol=BNB)
        assert charged(market, BNB) == [(D(1), "USDT")]

    def test_a_market_sell_leaves_the_bnb_that_its_later_matches_pay(self) -> None:
        market = paying("2.0005", more=(BNB,))
        for _ in range(2):
            market.place("BUY", "500.00", 1, account="b", symbol=BNB)
        market.place("SELL", 0, 2, symbol=BNB, type=OrderType.MARKET)
        mine = [f for f in fills(market, BNB) if f.account == "a"]
        assert [(f.commission, f.commission_asset) for f in mine] == [(D("0.5"), "USDT")] * 2
        assert market.balance("a", "BNB") == (D("0.0005"), 0)

    def test_a_buy_with_bnb_pays_in_bnb_at_par(self) -> None:
        market = paying("0.7", more=(XRPBNB,), prices={})
        for _ in range(2):
            market.place("SELL", "0.0100", 30, account="b", symbol=XRPBNB)
        market.place("BUY", 0, 60, symbol=XRPBNB, type=OrderType.MARKET)
        mine = [f for f in fills(market, XRPBNB) if f.account == "a"]
        assert [(f.commission, f.commission_asset) for f in mine] == [(D("0.000225"), "BNB")] * 2


def test_a_position_tells_the_bnb_that_were_paid() -> None:
    market = paying()
    market.place("BUY", "10.00", 60)
    market.sell("9.00", 60)
    (position,) = [e for e in market.last.events if isinstance(e, Position)]
    assert dict(position.balances)["BNB"].free == 1 - D("0.00075")


moves = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from(list(Side)),
        st.sampled_from(list(OrderType)),
        st.sampled_from([D("0.25"), D("0.5"), D(1), D("1.5")]),
        st.sampled_from([D(499), D(500), D(501)]),
    ),
    min_size=4,
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(moves)
def test_no_balance_of_bnb_is_overdrawn_and_every_fee_leaves_it(script: list[Any]) -> None:
    market = paying(1, more=(BNB,))
    market.trade("500.00", 1, seller_aggressed=True, symbol=BNB)
    for account, side, kind, quantity, price in script:
        limit = ZERO if kind is OrderType.MARKET else price
        try:
            market.place(side, limit, quantity, account=account, symbol=BNB, type=kind)
        except ExchangeError:
            continue
        for owner in market.state.accounts.values():
            assert all(b.free >= 0 and b.locked >= 0 for b in owner.balances.values())
    bnb = {"a": D(1), "b": D(1)}
    for fill in fills(market, BNB):
        bnb[fill.account] += fill.quantity if fill.side is Side.BUY else -fill.quantity
        bnb[fill.account] -= fill.commission if fill.commission_asset == "BNB" else ZERO
    assert {n: market.state.accounts[n].of("BNB").total for n in "ab"} == bnb


class TestTold:
    def client(self, **settings: Any) -> Client:
        owners = (
            AccountConfig("a", (Key("key-a", "secret-a"),), (*CLIENT_FUNDS, ("BNB", D(1)))),
            AccountConfig("b", (Key("key-b", "secret-b"),), CLIENT_FUNDS, bnb_fees=False),
        )
        fees = BnbFees(**{"everyone": True, "prices": AT_600, **settings})
        return Client(accounts=owners, bnb_fees=fees)

    def test_the_discount_is_told_as_it_is(self) -> None:
        client = self.client()
        shown = client.signed("account.commission", symbol="XRPUSDT")["result"]["discount"]
        assert shown == {
            "enabledForAccount": True,
            "enabledForSymbol": True,
            "discountAsset": "BNB",
            "discount": "0.75000000",
        }
        others = client.signed("account.commission", key="key-b", symbol="XRPUSDT")["result"]
        assert not others["discount"]["enabledForAccount"]

    def test_a_symbol_without_a_price_of_bnb_has_no_discount(self) -> None:
        shown = self.client(prices={}).signed("account.commission", symbol="XRPUSDT")["result"]
        assert not shown["discount"]["enabledForSymbol"]

    def test_replies_and_trades_name_the_fee_that_was_taken(self) -> None:
        client = self.client()
        client.order("SELL", "0.5", "100", newOrderRespType="ACK")
        client.trade("0.5", "1000", seller_aggressed=False)
        (trade_row,) = client.signed("myTrades", symbol="XRPUSDT")["result"]
        assert (trade_row["commission"], trade_row["commissionAsset"]) == ("0.00006250", "BNB")
        bought = client.order("BUY", "0.6", "100")["result"]["fills"]
        assert {fill["commissionAsset"] for fill in bought} <= {"BNB"}


async def test_an_administrator_turns_it_on_and_the_journal_agrees(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    async with serve(replace(CONFIG, journal=path)) as exchange, socket(exchange) as client:
        await client.signed("userDataStream.subscribe.signature")
        shown = await call(
            exchange.admin_url, "bnb-fees", {"pay": "on", "account": "a", "price": "600"}
        )
        assert shown["accounts"] == {"a": True}
        await call(exchange.admin_url, "balance", {"asset": "BNB", "free": "1"})
        await client.order("BUY", "0.5", "100")
        trade(exchange, "0.4", "100")
        reports = [await client.event() for _ in range(6)]
        (told,) = [event for event in reports if event.get("x") == "TRADE"]
        assert (told["n"], told["N"]) == ("0.00006250", "BNB")
        told_bnb = [
            row["f"]
            for event in reports
            if event["e"] == "outboundAccountPosition"
            for row in event["B"]
            if row["a"] == "BNB"
        ]
        assert told_bnb == ["1.00000000", "0.99993750"]
        audit = journal.read(path)
        assert audit.balances["a", "BNB"].free == D("0.9999375")
        assert [fill.commission_asset for fill in audit.fills] == ["BNB"]
        with pytest.raises(AdminRefusedError, match="on or off"):
            await call(exchange.admin_url, "bnb-fees", {"pay": "maybe"})


def test_prices_are_read_with_or_without_their_asset() -> None:
    assert parse_prices("") == {}
    assert parse_prices("600") == {"USDT": D(600)}
    assert parse_prices("USDT=600,BTC=0.006") == {"USDT": D(600), "BTC": D("0.006")}
    with pytest.raises(ConfigError, match="more than 0"):
        parse_prices("0")


def test_an_accounts_file_says_who_pays_in_bnb(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    row = '[{"keys": [{"apiKey": "k", "secret": "s"}], "balances": {}, "bnbFees": %s}]'
    path.write_text(row % "true")
    accounts = read_accounts(path)
    check_accounts(accounts)
    assert accounts[0].bnb_fees is True
    path.write_text(row % '"yes"')
    with pytest.raises(ConfigError, match="bnbFees"):
        read_accounts(path)

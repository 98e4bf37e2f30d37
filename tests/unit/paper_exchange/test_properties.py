"""Whatever happens: money is conserved, volume is never shared out twice, replay equals live."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from paper_exchange.core import interventions
from paper_exchange.core.engine import Rules
from paper_exchange.core.entries import decode, encode
from paper_exchange.core.errors import ExchangeError
from paper_exchange.core.events import Step
from paper_exchange.core.fees import Commission, FeeRates
from paper_exchange.core.money import ZERO
from paper_exchange.core.orders import Order, OrderStatus, OrderType, SelfTrade, Side, TimeInForce
from paper_exchange.core.state import Book
from paper_exchange.core.symbols import Symbol
from unit.paper_exchange.builders import ETH, FUNDS, XRP, D, Market, content, replayed

prices = st.sampled_from([Decimal(n) / 100 for n in range(996, 1005)])
quantities = st.integers(1, 400).map(lambda n: Decimal(n) / 10)
volumes = st.integers(1, 10_000).map(lambda n: Decimal(n) / 1000)  # finer than a step
symbols = st.sampled_from([XRP, ETH])


@dataclass(frozen=True)
class Act:
    """One thing that happens to the market."""

    name: str
    args: tuple[Any, ...]

    def on(self, market: Market) -> None:
        getattr(self, self.name)(market, *self.args)

    def place(self, market: Market, account: str, side: Side, more: dict[str, Any]) -> None:
        price = 0 if more["type"] is OrderType.MARKET else more["price"]
        rest = {key: value for key, value in more.items() if key not in {"price", "quantity"}}
        market.place(side, price, more["quantity"], account=account, **rest)

    def by_value(self, market: Market, account: str, side: Side, value: Decimal) -> None:
        market.place(side, 0, 0, account=account, type=OrderType.MARKET, quote=value)

    def trade(
        self,
        market: Market,
        price: Decimal,
        quantity: Decimal,
        seller_aggressed: bool,
        symbol: Symbol,
    ) -> None:
        market.trade(price, quantity, seller_aggressed=seller_aggressed, symbol=symbol)

    def quote(
        self, market: Market, bid: Decimal, spread: Decimal, sizes: tuple[Decimal, Decimal]
    ) -> None:
        market.quote(bid, sizes[0], bid + spread, sizes[1])

    def cancel(self, market: Market, pick: int) -> None:
        orders = [o for book in market.state.books.values() for o in book.orders.values()]
        if orders:
            market.cancel(orders[pick % len(orders)])

    def amend(self, market: Market, pick: int, quantity: Decimal, name: str) -> None:
        if order := pick_open(market, pick):
            market.keep(interventions.amend(market.engine, 0, order, quantity, name)[1])

    def prevent(self, market: Market, pick: int, quantity: Decimal, end: OrderStatus) -> None:
        if order := pick_open(market, pick):
            step = interventions.prevent(
                market.engine, 0, order, quantity, counter_order_id=0, end=end
            )
            market.keep(step)

    def deposit(self, market: Market, account: str, amount: Decimal) -> None:
        market.keep(market.engine.deposit(0, account, "XRP", amount))


def pick_open(market: Market, pick: int) -> Order | None:
    resting = (side for book in market.state.books.values() for side in book.resting.values())
    orders = [order for side in resting for order in side.values()]
    return orders[pick % len(orders)] if orders else None


accounts = st.sampled_from("ab")
sides = st.sampled_from(list(Side))
acts = st.one_of(
    st.builds(
        lambda *args: Act("place", args),
        accounts,
        sides,
        st.fixed_dictionaries(
            {
                "price": prices,
                "quantity": quantities,
                "type": st.sampled_from(list(OrderType)),
                "tif": st.sampled_from(list(TimeInForce)),
                "self_trade": st.sampled_from(list(SelfTrade)),
                "symbol": symbols,
            }
        ),
    ),
    st.builds(lambda *args: Act("by_value", args), accounts, sides, quantities),
    st.builds(lambda *args: Act("trade", args), prices, volumes, st.booleans(), symbols),
    st.builds(
        lambda *args: Act("quote", args),
        prices,
        st.integers(1, 20).map(lambda n: Decimal(n) / 100),
        st.tuples(volumes, volumes),
    ),
    st.builds(lambda *args: Act("cancel", args), st.integers(0, 1000)),
    st.builds(
        lambda *args: Act("amend", args),
        st.integers(0, 1000),
        quantities,
        st.sampled_from(["o-1", "n-1", "n-2"]),
    ),
    st.builds(
        lambda *args: Act("prevent", args),
        st.integers(0, 1000),
        quantities,
        st.sampled_from([OrderStatus.FILLED, OrderStatus.EXPIRED_IN_MATCH]),
    ),
    st.builds(lambda *args: Act("deposit", args), accounts, quantities),
)
scripts = st.lists(acts, min_size=15, max_size=40)
rates = st.sampled_from([ZERO, D("0.001"), D("0.00012345")])
rules = st.builds(
    Rules,
    fees=st.builds(Commission, st.builds(FeeRates, rates, rates)),
    trades_only=st.booleans(),
    queue_multiple=st.sampled_from([ZERO, D(1)]),
    participation=st.sampled_from([D(1), D("0.3")]),
    typical_trade=st.just({"XRPUSDT": D(3), "ETHUSDT": D(3)}),
    trade_groups=st.sampled_from([{}, {"a": 1, "b": 1}]),
)


def run(given_rules: Rules, script: list[Act]) -> Market:
    market = Market(given_rules)
    for act in script:
        before = content(market.state)
        try:
            act.on(market)
        except ExchangeError:
            assert content(market.state) == before, "a refusal changes nothing"
        check(market)
    return market


def check(market: Market) -> None:
    for account in market.state.accounts.values():
        for balance in account.balances.values():
            assert balance.free >= 0
            assert balance.locked >= 0
    for book in market.state.books.values():
        for order in book.orders.values():
            assert 0 <= order.executed <= order.quantity
            assert (
                order.executed % (XRP if order.symbol == XRP.name else ETH).filters.step_size == 0
            )
            assert order.is_open == (order.order_id in book.resting[order.side])
            ended = order.quantity > 0 and order.executed + order.prevented == order.quantity
            assert ended == (order.status in {OrderStatus.FILLED, OrderStatus.EXPIRED_IN_MATCH})
            if order.executed == order.quantity > 0:
                assert order.status is OrderStatus.FILLED


def transferred(book: Book) -> Iterator[tuple[str, str, Decimal]]:
    """Yield what prevented matches moved: account, asset, amount."""
    for match in book.prevented_matches:
        if not match.entry.transferred:
            continue
        buys = book.orders[match.entry.taker_order_id].side is Side.BUY
        for who, sign in zip(match.accounts, (1, -1) if buys else (-1, 1), strict=True):
            yield who, book.base, sign * match.entry.quantity
            yield who, book.quote, -sign * match.entry.price * match.entry.quantity


@settings(max_examples=150, deadline=None)
@given(rules, scripts)
def test_locked_is_what_open_orders_reserve_and_totals_are_what_fills_say(
    given_rules: Rules, script: list[Act]
) -> None:
    market = run(given_rules, script)
    expected: dict[tuple[str, str], Decimal] = {}
    deposits = [act.args for act in script if act.name == "deposit"]
    for name in "ab":
        for asset in ("XRP", "ETH", "USDT"):
            given_now = sum((a for who, a in deposits if who == name and asset == "XRP"), ZERO)
            expected[name, asset] = FUNDS + given_now
    locked = dict.fromkeys(expected, ZERO)
    for book in market.state.books.values():
        for fill in book.fills:
            sign = 1 if fill.side is Side.BUY else -1
            expected[fill.account, book.base] += sign * fill.quantity
            expected[fill.account, book.quote] -= sign * fill.price * fill.quantity
            expected[fill.account, fill.commission_asset] -= fill.commission
        for who, asset, amount in transferred(book):
            expected[who, asset] += amount
        for order in book.orders.values():
            if order.is_open and order.side is Side.BUY:
                locked[order.account, book.quote] += order.price * order.remaining
            elif order.is_open:
                locked[order.account, book.base] += order.remaining
    for (name, asset), total in expected.items():
        balance = market.state.accounts[name].of(asset)
        assert (balance.total, balance.locked) == (total, locked[name, asset])


@settings(max_examples=150, deadline=None)
@given(rules, scripts)
def test_a_state_rebuilt_from_the_journal_is_the_live_state(
    given_rules: Rules, script: list[Act]
) -> None:
    market = run(given_rules, script)
    written = [decode(encode(entry)) for entry in market.entries]
    assert content(replayed(written)) == content(market.state)


@settings(max_examples=100, deadline=None)
@given(rules, scripts, prices, volumes, st.booleans())
def test_one_trade_fills_no_more_than_its_volume_in_priority(
    given_rules: Rules, script: list[Act], price: Decimal, quantity: Decimal, seller_aggressed: bool
) -> None:
    market = run(given_rules, script)
    book = market.state.books["XRPUSDT"]
    side = Side.BUY if seller_aggressed else Side.SELL
    before = dict(book.resting[side])
    seen = len(book.fills)
    market.trade(price, quantity, seller_aggressed=seller_aggressed)
    fills = book.fills[seen:]
    assert sum((fill.quantity for fill in fills), ZERO) <= quantity * given_rules.participation
    assert sum((trade.quantity for trade in market.last.trades), ZERO) == quantity
    assert all(fill.price == before[fill.order_id].price and fill.is_maker for fill in fills)
    ranks = [rank(before[fill.order_id]) for fill in fills]
    assert ranks == sorted(ranks)
    for order in before.values():  # nobody is served before a better-placed order is satisfied
        if fills and rank(order) < ranks[-1] and order.price != price:
            assert book.orders[order.order_id].status is OrderStatus.FILLED


@settings(max_examples=100, deadline=None)
@given(rules, scripts)
def test_public_trade_ids_are_consecutive_and_fills_carry_them(
    given_rules: Rules, script: list[Act]
) -> None:
    market = Market(given_rules)
    ids: dict[str, list[int]] = {"XRPUSDT": [], "ETHUSDT": []}
    for act in script:
        market.last = Step(0)
        try:
            act.on(market)
        except ExchangeError:
            continue
        for trade in market.last.trades:
            ids[trade.symbol].append(trade.trade_id)
    for symbol, seen in ids.items():
        assert seen == list(range(1, len(seen) + 1))
        fill_ids = {fill.trade_id for fill in market.state.books[symbol].fills}
        assert fill_ids <= set(seen)


@settings(max_examples=60, deadline=None)
@given(rules, scripts)
def test_the_same_happenings_have_the_same_outcome(given_rules: Rules, script: list[Act]) -> None:
    assert run(given_rules, script).entries == run(given_rules, script).entries


def rank(order: Order) -> tuple[Decimal, int]:
    return (-order.price if order.side is Side.BUY else order.price, order.order_id)

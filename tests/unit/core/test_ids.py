"""Client order ids: ours, unmistakable, and never the same twice."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbol_trader.core import ids
from symbol_trader.core.orders import ClientOrderId, Side, TraderId

BINANCE = re.compile(r"^[a-zA-Z0-9-_]{1,36}$")
INSTALLATION = "0a1b2c"

bits = st.integers(0, 2**ids.TRADER_BITS - 1)
installations = st.text(ids.ALPHABET, min_size=6, max_size=6)
attempts = st.integers(1, 9_999)
neighbours = st.tuples(
    st.sampled_from(["000000", "000001"]),
    st.sampled_from([0, 1, 2**60]),
    st.sampled_from(Side),
    st.sampled_from([1, 11, 111]),
)
"""Few values, so that two orders often share all parts but one."""
orders = st.tuples(installations, bits, st.sampled_from(Side), attempts)
Order = tuple[str, int, Side, int]


def named(order: Order) -> str:
    installation, number, side, attempt = order
    return ids.client_order_id(installation, ids.trader_id(number), side, attempt)


@given(order=orders, cancel=attempts)
def test_every_id_is_one_that_the_exchange_takes(order: Order, cancel: int) -> None:
    order_id = ids.client_order_id(order[0], ids.trader_id(order[1]), order[2], order[3])

    assert BINANCE.fullmatch(order_id)
    assert BINANCE.fullmatch(ids.cancel_id(order_id, cancel))


@given(one=orders | neighbours, other=orders | neighbours)
def test_different_orders_have_different_ids(one: Order, other: Order) -> None:
    assert (named(one) == named(other)) == (one == other)


@given(
    one=orders | neighbours,
    other=orders | neighbours,
    first=st.integers(0, 9_999),
    second=st.integers(0, 9_999),
)
def test_cancels_differ_from_orders_and_from_each_other(
    one: Order, other: Order, first: int, second: int
) -> None:
    """A cancel numbered 0 stands for the order itself."""

    def request(order: Order, cancel: int) -> str:
        order_id = ids.client_order_id(order[0], ids.trader_id(order[1]), order[2], order[3])
        return ids.cancel_id(order_id, cancel) if cancel else order_id

    same = (one, first) == (other, second)
    assert (request(one, first) == request(other, second)) == same
    assert (request(one, first) == request(one, second)) == (first == second)


@given(number=bits, other=bits)
def test_a_trader_is_named_by_all_of_its_bits(number: int, other: int) -> None:
    assert int(ids.trader_id(number), 32) == number
    assert (ids.trader_id(number) == ids.trader_id(other)) == (number == other)


@given(order=orders, cancel=attempts)
def test_orders_and_cancels_of_every_installation_are_marked(order: Order, cancel: int) -> None:
    assert ids.is_marked(named(order))
    assert ids.is_marked(ids.cancel_id(ClientOrderId(named(order)), cancel))


@given(order=orders, cancel=attempts)
def test_a_name_of_ours_stands_for_its_order(order: Order, cancel: int) -> None:
    name = ClientOrderId(named(order))
    assert ids.order_of(name) == ids.order_of(ids.cancel_id(name, cancel)) == name


@pytest.mark.parametrize(
    "foreign",
    [
        "web_1234567890",
        "tsym-0a1b2c",
        "tsym-0a1b2c-short-b1",
        "xtsym-0a1b2c-0000000000001-b1",
        "tsym-0A1B2C-0000000000001-b1",
        "tsym-0a1b2c-0000000000001-",
        "",
    ],
)
def test_other_peoples_ids_are_not_ours(foreign: str) -> None:
    assert not ids.is_marked(foreign)
    assert ids.order_of(foreign) is None


def test_an_id_can_be_read_by_people() -> None:
    order = ids.client_order_id(INSTALLATION, TraderId("0000000000001"), Side.SELL, 2)

    assert order == "tsym-0a1b2c-0000000000001-s2"
    assert ids.cancel_id(order, 1) == "tsym-0a1b2c-0000000000001-s2c1"

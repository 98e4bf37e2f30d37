"""Signatures are those that Binance documents, byte for byte."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbol_trader.binance.signing import Credentials, Params, payload, signature, signed

BINANCE_EXAMPLE: Params = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01000000",
    "price": "52000.00",
    "recvWindow": 100,
    "timestamp": 1645423376532,
}
BINANCE_CREDENTIALS = Credentials(
    key="vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
    secret="NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
)


def test_the_published_example() -> None:
    full = signed(BINANCE_EXAMPLE, BINANCE_CREDENTIALS)

    assert full["signature"] == "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"
    assert full["apiKey"] == BINANCE_CREDENTIALS.key


def test_the_payload_of_the_published_example() -> None:
    text = payload({**BINANCE_EXAMPLE, "apiKey": BINANCE_CREDENTIALS.key})

    assert text == (
        f"apiKey={BINANCE_CREDENTIALS.key}&price=52000.00&quantity=0.01000000&recvWindow=100"
        "&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT"
    )


def test_a_short_vector() -> None:
    text = payload({"timestamp": 1_700_000_000_000, "apiKey": "testkey"})

    assert text == "apiKey=testkey&timestamp=1700000000000"
    assert (
        signature(text, "testsecret")
        == "48cbcce71a191f99c246d525914cd0cd234b643d77e0870e96742a910350ba70"
    )


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (False, "false"), (5, "5")])
def test_values_are_signed_as_they_stand_in_json(value: bool | int, text: str) -> None:
    assert payload({"x": value}) == f"x={text}"


def test_nothing_is_percent_encoded() -> None:
    assert payload({"symbols": '["A B","C/D"]'}) == 'symbols=["A B","C/D"]'


@given(st.dictionaries(st.text(min_size=1), st.text()), st.randoms())
def test_the_order_of_parameters_does_not_matter(params: dict[str, str], random: Random) -> None:
    names = list(params)
    random.shuffle(names)

    assert payload({name: params[name] for name in names}) == payload(params)


def test_credentials_do_not_show() -> None:
    assert BINANCE_CREDENTIALS.key not in repr(BINANCE_CREDENTIALS)
    assert BINANCE_CREDENTIALS.secret not in repr(BINANCE_CREDENTIALS)

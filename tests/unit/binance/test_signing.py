"""Signatures are those that Binance documents, byte for byte."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbol_trader.binance.keys import HmacKey
from symbol_trader.binance.signing import Params, payload, signed, signed_query

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
BINANCE_KEY = HmacKey(
    api_key="vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
    secret="NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
)


def test_the_published_example() -> None:
    full = signed(BINANCE_EXAMPLE, BINANCE_KEY)

    assert full["signature"] == "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"
    assert full["apiKey"] == BINANCE_KEY.api_key


def test_the_payload_of_the_published_example() -> None:
    text = payload({**BINANCE_EXAMPLE, "apiKey": BINANCE_KEY.api_key})

    assert text == (
        f"apiKey={BINANCE_KEY.api_key}&price=52000.00&quantity=0.01000000&recvWindow=100"
        "&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT"
    )


def test_a_short_vector() -> None:
    text = payload({"timestamp": 1_700_000_000_000, "apiKey": "testkey"})

    assert text == "apiKey=testkey&timestamp=1700000000000"
    assert (
        HmacKey("testkey", "testsecret").sign(text)
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


def test_the_published_example_of_letters_beyond_ascii() -> None:
    symbol = "".join(chr(0xFF10 + digit) for digit in range(1, 7))  # full-width 1 to 6
    params: Params = {
        **BINANCE_EXAMPLE,
        "symbol": symbol,
        "side": "BUY",
        "quantity": "1.00000000",
        "price": "0.10000000",
        "recvWindow": 5000,
    }

    assert signed(params, BINANCE_KEY)["signature"] == (
        "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd"
    )


@pytest.mark.parametrize("changed", ["price", "symbol", "timestamp"])
def test_a_wrong_byte_makes_another_signature(changed: str) -> None:
    right = signed(BINANCE_EXAMPLE, BINANCE_KEY)["signature"]
    wrong: Params = {**BINANCE_EXAMPLE, changed: f"{BINANCE_EXAMPLE[changed]}1"}

    assert signed(wrong, BINANCE_KEY)["signature"] != right


def test_the_published_example_of_rest() -> None:
    """The order of the parameters is that in which they are sent."""
    names = (
        "symbol",
        "side",
        "type",
        "timeInForce",
        "quantity",
        "price",
        "recvWindow",
        "timestamp",
    )
    order = {**BINANCE_EXAMPLE, "quantity": 1, "price": "0.1", "timestamp": 1499827319559}
    order |= {"side": "BUY", "recvWindow": 5000, "symbol": "LTCBTC"}

    assert signed_query({name: order[name] for name in names}, BINANCE_KEY) == (
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
        "&timestamp=1499827319559"
        "&signature=c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    )


def test_a_query_is_percent_encoded_before_it_is_signed() -> None:
    query = signed_query({"symbol": "\u5e01/ +", "timestamp": 1}, BINANCE_KEY)
    text, _, signature = query.partition("&signature=")

    assert text == "symbol=%E5%B8%81%2F%20%2B&timestamp=1"
    assert signature == BINANCE_KEY.sign(text)

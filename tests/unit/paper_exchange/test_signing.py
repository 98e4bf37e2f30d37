"""Signatures: documented vectors, clients' quirks, and JSON that keeps its numbers' text."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from paper_exchange.protocol import signing
from paper_exchange.protocol.text import NumberText, dumps, echo, loads

SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
PUBLISHED: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01000000",
    "price": "52000.00",
    "recvWindow": 100,
    "timestamp": 1645423376532,
    "apiKey": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
}
PUBLISHED_SIGNATURE = "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"


BY_SECRET = signing.by_secret(SECRET)


def received(params: dict[str, Any]) -> Any:
    return loads(json.dumps(params))


def test_the_published_example_verifies() -> None:
    params = received({**PUBLISHED, "signature": PUBLISHED_SIGNATURE})
    assert signing.is_signed(params, BY_SECRET)
    assert signing.is_signed({**params, "signature": PUBLISHED_SIGNATURE.upper()}, BY_SECRET)


def test_the_second_vector_verifies() -> None:
    params = {"apiKey": "testkey", "timestamp": "1700000000000"}
    assert signing.payload(params) == "apiKey=testkey&timestamp=1700000000000"
    assert signing.sign("testsecret", signing.payload(params)) == (
        "48cbcce71a191f99c246d525914cd0cd234b643d77e0870e96742a910350ba70"
    )


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_every_parameter_is_signed(name: str) -> None:
    changed = {**PUBLISHED, name: f"{PUBLISHED[name]}0", "signature": PUBLISHED_SIGNATURE}
    assert not signing.is_signed(received(changed), BY_SECRET)
    missing = {key: value for key, value in PUBLISHED.items() if key != name}
    signed = {**missing, "signature": PUBLISHED_SIGNATURE}
    assert not signing.is_signed(received(signed), BY_SECRET)


@pytest.mark.parametrize("signature", [None, "", "nonsense", "é", 5])
def test_a_signature_that_is_none_is_refused(signature: object) -> None:
    assert not signing.is_signed(received({**PUBLISHED, "signature": signature}), BY_SECRET)


@pytest.mark.parametrize("number", ["0.00100", "1e-05", "50000.10", "5", "-0", "1E+3"])
def test_a_bare_number_is_signed_as_it_was_written(number: str) -> None:
    params = loads(f'{{"quantity":{number}}}')
    assert signing.payload(params) == f"quantity={number}"


def test_booleans_and_lists_have_one_text() -> None:
    params = loads('{"b":true,"a":false,"c":["X","Y"]}')
    assert signing.payload(params) == 'a=false&b=true&c=["X","Y"]'


@pytest.mark.parametrize("encode", [urlencode, lambda pairs: urlencode(pairs, quote_via=quote)])
def test_a_percent_encoded_payload_is_accepted_too(encode: Any) -> None:
    params = {"apiKey": "k", "newClientOrderId": "a.b:c/1 d", "timestamp": "1"}
    params["signature"] = signing.sign("s", encode(sorted(params.items())))
    assert signing.is_signed(params, signing.by_secret("s"))
    assert not signing.is_signed(params, signing.by_secret("other"))


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ('"5"', "5"), ("null", None), ('"é"', "é"), ("-7", -7), ("[]", None)],
)
def test_an_id_is_echoed_with_its_type(text: str, value: object) -> None:
    echoed = echo(loads(text))
    assert echoed == value
    assert type(echoed) is type(value)


def test_numbers_are_told_from_strings() -> None:
    assert isinstance(loads("0.10"), NumberText)
    assert not isinstance(loads('"0.10"'), NumberText)


def test_json_is_compact_and_readable() -> None:
    assert dumps({"a": ["é", 1]}) == '{"a":["é",1]}'

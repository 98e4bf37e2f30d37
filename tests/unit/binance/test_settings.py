"""Settings refuse what could not be dialled or logged."""

from typing import Any

import pytest

from symbol_trader.binance.settings import BinanceSettings


def settings(**changes: Any) -> BinanceSettings:
    values = {
        "api_url": "wss://ws-api.example:443/ws-api/v3",
        "stream_url": "wss://stream.example:9443/",
        "symbol": "XRPUSDT",
    }
    return BinanceSettings(**{**values, **changes})


def test_streams_are_named_in_lower_case() -> None:
    assert settings().trade_stream_url == "wss://stream.example:9443/ws/xrpusdt@trade"


@pytest.mark.parametrize(
    "url",
    [
        "https://exchange.example",
        "exchange.example",
        "wss://",
        "wss://user:pass@exchange.example",
        "wss://exchange.example?x=1",
        "wss://exchange.example#x",
        "wss://exchange..example",
        "wss://exchange.example:99999",
        "wss://exchange.example:0",
    ],
)
@pytest.mark.parametrize("name", ["api_url", "stream_url"])
def test_a_url_that_will_not_do(name: str, url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|empty|Port") as caught:
        settings(**{name: url})

    assert "pass" not in str(caught.value)


def test_letters_beyond_a_to_z_are_percent_encoded_in_a_stream_s_address() -> None:
    address = settings(symbol="币安USDT").trade_stream_url
    assert address.endswith("/ws/%E5%B8%81%E5%AE%89usdt@trade")

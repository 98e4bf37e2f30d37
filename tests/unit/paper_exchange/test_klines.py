"""Candlesticks: of the exchange's own trades, by the clock that fills are told in."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from paper_exchange.core.candles import KEPT, MINUTE, SECOND, Candles
from paper_exchange.core.fees import BnbFees
from paper_exchange.shell.assembly import open_venue
from paper_exchange.shell.server import serve
from unit.paper_exchange.clients import CONFIG, START, Client, D, error

FIRST = START - START % MINUTE
"""The minute in which a client's clock stands."""
AT_600 = BnbFees(prices={"USDT": D(600)})


def klines(client: Client, **params: Any) -> Any:
    return client.call("klines", **{"symbol": "XRPUSDT", "interval": "1m", **params})["result"]


@pytest.fixture
def client() -> Client:
    return Client()


def trade_at(client: Client, second: int, price: str, quantity: str = "1", **more: Any) -> None:
    client.now = FIRST + second * SECOND
    client.trade(price, quantity, **more)


def test_the_minute_of_a_fill_is_found_by_the_time_that_it_was_told_with(client: Client) -> None:
    client.order("BUY", "0.5", "100")
    trade_at(client, 90, "0.4", "100")
    (fill,) = client.signed("myTrades", symbol="XRPUSDT")["result"]
    minute = fill["time"] - fill["time"] % MINUTE
    (row,) = klines(client, startTime=minute, endTime=fill["time"])
    assert row[0] == minute == FIRST + MINUTE
    assert row[1:6] == ["0.50000000"] * 4 + ["100.00000000"]


def test_a_candle_says_what_traded(client: Client) -> None:
    trade_at(client, 0, "0.5", "10")
    trade_at(client, 1, "0.7", "20", seller_aggressed=False)
    trade_at(client, 59, "0.4", "30")
    assert klines(client) == [
        [
            FIRST,
            *("0.50000000", "0.70000000", "0.40000000", "0.40000000"),
            "60.00000000",
            FIRST + MINUTE - 1,
            "31.00000000",
            3,
            *("20.00000000", "14.00000000"),
            "0",
        ]
    ]


def test_an_interval_without_trades_repeats_the_price_before_it(client: Client) -> None:
    trade_at(client, 0, "0.5")
    trade_at(client, 125, "0.6")
    rows = klines(client)
    assert [(row[0] - FIRST, row[4], row[8]) for row in rows] == [
        (0, "0.50000000", 1),
        (MINUTE, "0.50000000", 0),
        (2 * MINUTE, "0.60000000", 1),
    ]


@pytest.mark.parametrize(
    ("interval", "closes"),
    [
        ("1s", 301),
        ("1m", 6),
        ("3m", 2),
        ("5m", 2),
        ("15m", 1),
        ("1h", 1),
        ("1d", 1),
    ],
)
def test_every_interval_begins_where_its_length_divides_the_clock(
    interval: str, closes: int
) -> None:
    client = Client()
    day = START - START % (1440 * MINUTE)
    for minute in range(6):
        client.now = day + minute * MINUTE
        client.trade(f"0.{minute + 1}", "1")
    rows = klines(client, interval=interval)
    assert len(rows) == closes
    assert rows[0][0] == day
    assert (rows[0][1], rows[-1][4]) == ("0.10000000", "0.60000000")
    assert sum(row[8] for row in rows) == 6


class TestPages:
    @pytest.fixture
    def client(self) -> Client:
        client = Client()
        for minute in range(6):
            trade_at(client, 60 * minute, f"0.{minute + 1}")
        return client

    @pytest.mark.parametrize(
        ("asked", "minutes"),
        [
            ({"limit": 2}, [4, 5]),
            ({"startTime": FIRST + MINUTE, "limit": 2}, [1, 2]),
            ({"startTime": FIRST + 1, "limit": 1}, [1]),  # the first that opens from then on
            ({"endTime": FIRST + 2 * MINUTE, "limit": 2}, [1, 2]),
            ({"endTime": FIRST + 2 * MINUTE - 1, "limit": 1}, [1]),
            ({"startTime": FIRST + MINUTE, "endTime": FIRST + 3 * MINUTE}, [1, 2, 3]),
            ({"startTime": FIRST + 9 * MINUTE}, []),
            ({"endTime": FIRST - 1}, []),
            ({"startTime": 0, "limit": 1}, [0]),
        ],
    )
    def test_a_page_is_what_its_times_and_limit_say(
        self, client: Client, asked: dict[str, int], minutes: list[int]
    ) -> None:
        assert [(row[0] - FIRST) // MINUTE for row in klines(client, **asked)] == minutes

    def test_a_page_from_long_ago_is_found_at_once(self, client: Client) -> None:
        assert klines(client, interval="1s", startTime=0, limit=1)[0][0] == FIRST

    def test_a_page_is_no_longer_than_the_exchange_allows(self, client: Client) -> None:
        client.api.page_limit = 3
        assert len(klines(client)) == 3


def test_memory_is_bounded() -> None:
    candles = Candles()
    for second in range(KEPT[SECOND] + 50):
        candles.trade(second * SECOND, D(1), D(1), buyer_is_maker=True)
    for minute in range(100, KEPT[MINUTE] + 200):
        candles.trade(minute * MINUTE, D(1), D(1), buyer_is_maker=True)
    assert len(list(candles.of(SECOND))) == KEPT[SECOND]
    assert len(list(candles.of(MINUTE))) == KEPT[MINUTE]


class TestConfiguredPrice:
    def test_it_stands_for_a_market_that_is_not_there(self) -> None:
        client = Client(bnb_fees=AT_600)
        rows = klines(client, symbol="BNBUSDT", startTime=FIRST - MINUTE, endTime=FIRST)
        assert [(row[0], row[1], row[4], row[8]) for row in rows] == [
            (FIRST - MINUTE, "600.00000000", "600.00000000", 0),
            (FIRST, "600.00000000", "600.00000000", 0),
        ]
        assert client.call("ticker.price", symbol="BNBUSDT")["result"] == {
            "symbol": "BNBUSDT",
            "price": "600.00000000",
        }

    @pytest.mark.parametrize("method", ["klines", "ticker.price"])
    def test_other_symbols_stay_unknown(self, method: str) -> None:
        client = Client(bnb_fees=AT_600)
        for name in ("BNBBTC", "ETHUSDT"):
            assert error(client.call(method, symbol=name, interval="1m"))[0] == -1121


def test_an_interval_that_is_not_there_is_refused(client: Client) -> None:
    refused = client.call("klines", symbol="XRPUSDT", interval="1M")
    assert error(refused) == (-1120, "Invalid interval.")


def test_own_trades_are_in_the_candles_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    client = Client(journal=path)
    client.order("SELL", "0.5", "10", newOrderRespType="ACK")
    client.order("BUY", "0.5", "10", key="key-b")
    before = klines(client)
    client.venue.journal.close()
    again = open_venue(replace(CONFIG, journal=path), lambda: client.now)
    client.api.venue = again
    assert klines(client) == before
    assert before[0][8] == 1
    again.journal.close()


async def test_candles_are_read_over_http_too() -> None:
    async with serve(replace(CONFIG, bnb_fees=AT_600)) as exchange:
        url = f"http://{exchange.config.host}:{exchange.port}/api/v3/klines"
        query = f"{url}?symbol=BNBUSDT&interval=1m&limit=1"
        text = await asyncio.to_thread(lambda: urlopen(query).read())
        ((_, price, *_),) = json.loads(text)
        assert price == "600.00000000"

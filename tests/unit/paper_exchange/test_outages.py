"""What a running exchange does to all its clients: TLS, limits, maintenance, resets, rules."""

import asyncio
import json
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from paper_exchange.core.errors import ConfigError
from paper_exchange.protocol.limits import LimitSettings
from paper_exchange.shell import admin_cli, cli
from paper_exchange.shell.admin_client import AdminRefusedError, call
from paper_exchange.shell.server import PaperExchange, serve
from unit.paper_exchange.clients import CONFIG
from unit.paper_exchange.sockets import Socket, socket, trade


@pytest.fixture
async def exchange() -> AsyncIterator[PaperExchange]:
    async with serve(CONFIG) as running:
        yield running


async def refused_by(url: str, **options: Any) -> InvalidStatus:
    """Return how a handshake is refused."""
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url, **options):
            pass
    return refused.value


async def code_of_the_end(connection: Any) -> int | None:
    """Return by which code a connection is closed, having read what comes before."""
    try:
        while True:
            await connection.recv()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


class TestLimits:
    async def test_connections_beyond_the_limit_are_refused_with_the_time_to_wait(self) -> None:
        async with serve(replace(CONFIG, limits=LimitSettings(connections=1))) as exchange:
            async with socket(exchange):
                refused = await refused_by(exchange.api_url)
            async with connect(f"{exchange.stream_url}/ws"):
                pass
        assert refused.response.status_code == 429
        assert json.loads(refused.response.body)["code"] == -1034
        assert 0 < int(refused.response.headers["Retry-After"]) <= 300

    async def test_a_stream_that_sends_too_much_is_closed(self) -> None:
        async with serve(replace(CONFIG, limits=LimitSettings(messages=1))) as exchange:
            async with connect(f"{exchange.stream_url}/ws") as stream:
                for number in range(3):  # of which two are within one second
                    await stream.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
                assert await code_of_the_end(stream) == 1008
            async with connect(f"{exchange.stream_url}/ws"):
                pass

    async def test_an_address_whose_streams_do_it_again_is_banned(self) -> None:
        limits = LimitSettings(messages=1, ban_after=1)
        async with serve(replace(CONFIG, limits=limits)) as exchange:
            async with connect(f"{exchange.stream_url}/ws") as other:
                for _ in range(2):
                    async with connect(f"{exchange.stream_url}/ws") as stream:
                        for _ in range(3):
                            await stream.send('{"method":"LIST_SUBSCRIPTIONS","id":1}')
                        assert await code_of_the_end(stream) == 1008
                assert await code_of_the_end(other) == 1008
            assert (await refused_by(f"{exchange.stream_url}/ws")).response.status_code == 418
            async with connect(exchange.api_url):
                pass

    async def test_a_banned_address_loses_all_of_its_connections(self) -> None:
        limits = LimitSettings(weight=30, ban_after=1)
        async with serve(replace(CONFIG, limits=limits)) as exchange:
            async with socket(exchange) as client, connect(exchange.api_url) as other:
                statuses = [(await client.call("exchangeInfo"))["status"] for _ in range(3)]
                assert statuses == [200, 429, 418]
                assert await code_of_the_end(client.connection) == 1008
                assert await code_of_the_end(other) == 1008
            refused = await refused_by(exchange.api_url)
            async with connect(f"{exchange.stream_url}/ws"):
                pass  # the market streams are another service
        assert refused.response.status_code == 418
        assert 0 < int(refused.response.headers["Retry-After"]) <= 120

    async def test_an_administrator_sees_and_changes_them(self, exchange: PaperExchange) -> None:
        shown = await call(exchange.admin_url, "limits", {})
        assert shown["connections"] == 300
        shown = await call(exchange.admin_url, "limits", {"limits": {"ordersADay": "7"}})
        assert (shown["ordersADay"], shown["weight"]) == (7, 6000)
        assert exchange.api.limits.settings.orders_a_day == 7

    async def test_a_connection_lives_as_long_as_it_may(self, exchange: PaperExchange) -> None:
        await call(exchange.admin_url, "connection-life", {"seconds": 0.01})
        async with connect(exchange.api_url) as connection:
            assert await code_of_the_end(connection) == 1000


class TestMaintenance:
    async def test_everything_is_down_until_it_ends(self, exchange: PaperExchange) -> None:
        async with socket(exchange) as client, connect(f"{exchange.stream_url}/ws") as stream:
            await client.call("ping")
            await call(exchange.admin_url, "maintenance", {"ms": 14_400_000})
            assert json.loads(await client.connection.recv())["event"]["e"] == "serverShutdown"
            assert json.loads(await stream.recv())["e"] == "serverShutdown"
            assert await code_of_the_end(client.connection) == 1001
            assert await code_of_the_end(stream) == 1001
        for url in (exchange.api_url, f"{exchange.stream_url}/ws"):
            refused = await refused_by(url)
            assert refused.response.status_code == 503
            assert json.loads(refused.response.body) == {
                "code": -1016,
                "msg": "This service is no longer available.",
            }
        assert await status_of(exchange, "/api/v3/ping") == 503
        assert await status_of(exchange, "/healthz") == 200
        await call(exchange.admin_url, "maintenance", {"ms": 0})
        async with socket(exchange) as client:
            assert (await client.call("ping"))["status"] == 200

    async def test_it_ends_by_itself_and_the_market_goes_on(self, exchange: PaperExchange) -> None:
        ended = asyncio.Event()
        exchange.player.resume = ended.set  # type: ignore[method-assign]  # what the end calls
        exchange.player._anchor = (0.0, 0)  # a manual market has nothing to play
        await call(exchange.admin_url, "maintenance", {"ms": 20})
        assert exchange.player.paused
        await ended.wait()
        async with socket(exchange) as client:
            assert (await client.call("ping"))["status"] == 200

    async def test_trading_alone_can_be_suspended(self, exchange: PaperExchange) -> None:
        exchange.venue.engine.status["BTCUSDT"] = exchange.venue.engine.status["BTCUSDT"].HALT
        async with socket(exchange) as client:
            await call(exchange.admin_url, "maintenance", {"ms": 60_000, "kind": "trading"})
            shown = (await client.call("exchangeInfo"))["result"]["symbols"]
            assert {symbol["status"] for symbol in shown} == {"BREAK"}
            assert (await client.order("BUY", "0.5", "100"))["error"]["code"] == -2010
            await call(exchange.admin_url, "maintenance", {"ms": 0, "kind": "trading"})
            assert (await client.order("BUY", "0.5", "100"))["status"] == 200
        assert str(exchange.venue.engine.status["BTCUSDT"]) == "HALT"

    @pytest.mark.parametrize(
        ("params", "why"),
        [
            ({"ms": -1}, "ms must not be negative: -1; 0 ends"),
            ({"ms": 1, "kind": "all"}, "kind must be down or trading: 'all'"),
        ],
    )
    async def test_what_makes_no_sense_is_refused(
        self, exchange: PaperExchange, params: dict[str, Any], why: str
    ) -> None:
        with pytest.raises(AdminRefusedError, match=why):
            await call(exchange.admin_url, "maintenance", params)


async def status_of(exchange: PaperExchange, path: str) -> int:
    def get() -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{exchange.port}{path}") as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code

    return await asyncio.to_thread(get)


class TestReset:
    async def test_orders_trades_and_balances_begin_anew_and_keys_stay(
        self, exchange: PaperExchange
    ) -> None:
        async with socket(exchange) as client:
            account = (await client.signed("account.status"))["result"]["uid"]
            await client.order("BUY", "0.5", "100", newClientOrderId="mine")
            trade(exchange, "0.4", "1000")
            await client.order("BUY", "0.3", "100")
            await call(exchange.admin_url, "deposit", {"asset": "USDT", "amount": "77"})
            await call(exchange.admin_url, "reset", {})
            assert await code_of_the_end(client.connection) == 1001
        async with socket(exchange) as client:
            for named in ({"orderId": 1}, {"origClientOrderId": "mine"}):
                told = await client.signed("order.status", symbol="XRPUSDT", **named)
                assert told["error"]["code"] == -2013
            for method in ("openOrders.status", "allOrders", "myTrades"):
                assert (await client.signed(method, symbol="XRPUSDT"))["result"] == []
            told = (await client.signed("account.status"))["result"]
            assert told["uid"] == account
            assert {(b["asset"], b["free"], b["locked"]) for b in told["balances"]} == {
                (asset, "1000.00000000", "0.00000000") for asset in ("USDT", "XRP", "BTC")
            }
            assert (await client.call("trades.recent", symbol="XRPUSDT"))["result"] == []
            placed = await client.order("BUY", "0.3", "100", newClientOrderId="mine")
            assert placed["result"]["orderId"] == 1
            trade(exchange, "0.2", "500")
            trades = (await client.signed("myTrades", symbol="XRPUSDT"))["result"]
            assert [row["id"] for row in trades] == [1]


class TestRules:
    """What the administrator's commands for rules do, by what clients are told then."""

    async def test_price_ranges_and_reference_prices(self, exchange: PaperExchange) -> None:
        given = {"symbol": "XRPUSDT", "multipliers": {"bidLimitMultUp": "1.5"}}
        await call(exchange.admin_url, "price-range", given)
        await call(exchange.admin_url, "reference-price", {"symbol": "XRPUSDT", "price": "0.5"})
        async with socket(exchange) as client:
            told = (await client.call("executionRules", symbol="XRPUSDT"))["result"]
            assert told["symbolRules"][0]["rules"][0]["bidLimitMultUp"] == "1.5"
            told = (await client.call("referencePrice", symbol="XRPUSDT"))["result"]
            assert told["referencePrice"] == "0.50000000"
            await call(exchange.admin_url, "price-range", {"symbol": "XRPUSDT"})
            await call(exchange.admin_url, "reference-price", {"symbol": "XRPUSDT"})
            told = (await client.call("executionRules", symbol="XRPUSDT"))["result"]
            assert told["symbolRules"][0]["rules"] == []
            told = (await client.call("referencePrice", symbol="XRPUSDT"))["result"]
            assert told["referencePrice"] is None

    async def test_modes_of_self_trade_prevention(self, exchange: PaperExchange) -> None:
        given = {"symbol": "XRPUSDT", "default": "NONE", "allowed": ["NONE", "DECREMENT"]}
        await call(exchange.admin_url, "self-trade", given)
        async with socket(exchange) as client:
            placed = await client.order("BUY", "0.5", "100")
            assert placed["result"]["selfTradePreventionMode"] == "NONE"
            refused = await client.order(
                "BUY", "0.5", "100", selfTradePreventionMode="EXPIRE_MAKER"
            )
            assert refused["error"]["code"] == -1013
            shown = (await client.call("exchangeInfo"))["result"]["symbols"][0]
            assert shown["allowedSelfTradePreventionModes"] == ["NONE", "DECREMENT"]

    async def test_commission_of_an_account_on_a_symbol(self, exchange: PaperExchange) -> None:
        given = {"account": "a", "symbol": "XRPUSDT", "parts": {"taxCommission": {"buyer": "0.1"}}}
        await call(exchange.admin_url, "commission", given)
        async with socket(exchange) as client:
            told = (await client.signed("account.commission", symbol="XRPUSDT"))["result"]
            assert told["taxCommission"]["buyer"] == "0.10000000"
            assert told["standardCommission"]["maker"] == "0.00000000"
            await call(exchange.admin_url, "commission", given | {"parts": {}})
            told = (await client.signed("account.commission", symbol="XRPUSDT"))["result"]
            assert told["standardCommission"]["maker"] == "0.00100000"

    async def test_filters_of_symbols_of_the_exchange_and_of_assets(
        self, exchange: PaperExchange
    ) -> None:
        for symbol, changes in (
            ("XRPUSDT", {"MAX_POSITION": {"maxPosition": "1100"}, "MAX_NUM_ORDERS": None}),
            ("exchange", {"EXCHANGE_MAX_NUM_ORDERS": {"maxNumOrders": "1"}}),
            ("assets", {"USDT": "90"}),
        ):
            await call(exchange.admin_url, "filters", {"symbol": symbol, "filters": changes})
        async with socket(exchange) as client:
            told = [(await client.order("BUY", "0.5", q))["error"]["msg"] for q in ("181", "100.1")]
            assert told == ["Filter failure: MAX_ASSET", "Filter failure: MAX_POSITION"]
            await client.order("BUY", "0.5", "50")
            refused = await client.order("BUY", "0.5", "10")
            assert refused["error"] == {
                "code": -2010,
                "msg": "Filter failure: EXCHANGE_MAX_NUM_ORDERS",
            }

    @pytest.mark.parametrize(
        ("command", "params", "why"),
        [
            ("price-range", {"multipliers": {"up": "1"}}, "unknown multiplier up; known: bidLim"),
            ("price-range", {"multipliers": [1]}, "multipliers must be an object"),
            ("price-range", {"multipliers": {"bidLimitMultUp": "x"}}, "is not a number: 'x'"),
            ("reference-price", {"price": "0"}, "price must be positive"),
            ("self-trade", {"default": "MAYBE"}, "unknown mode 'MAYBE'; known: NONE"),
            ("self-trade", {"default": "NONE", "allowed": ["DECREMENT"]}, "one of the allowed"),
            ("commission", {"account": "z"}, "unknown account 'z'; known: a, b"),
            ("commission", {"symbol": "Z"}, "Invalid symbol"),
            ("commission", {"parts": {"tax": {}}}, "unknown tax; known: standardCommission"),
            ("limits", {"limits": {"weights": 1}}, "unknown limit weights; known: weight"),
            ("limits", {"limits": {"weight": "-1"}}, "weight must not be negative"),
            ("connection-life", {"seconds": 0}, "seconds must be positive"),
            ("filters", {"filters": {"MAX_FUN": {}}}, "unknown filter fields MAX_FUN; known: PRIC"),
            ("filters", {"filters": {"PRICE_FILTER": None}}, "cannot be taken away"),
        ],
    )
    async def test_what_cannot_be_is_refused_with_its_name(
        self, exchange: PaperExchange, command: str, params: dict[str, Any], why: str
    ) -> None:
        given = {"symbol": "XRPUSDT", **params}
        with pytest.raises(AdminRefusedError, match=why):
            await call(exchange.admin_url, command, given)
        await call(exchange.admin_url, "status", {})  # the next command is answered


class TestCommandLine:
    @pytest.mark.parametrize(
        ("arguments", "command", "params"),
        [
            (
                "filters XRPUSDT tickSize=0.01 MAX_POSITION.maxPosition=5 MAX_NUM_ORDERS=off",
                "filters",
                {
                    "symbol": "XRPUSDT",
                    "filters": {
                        "tickSize": "0.01",
                        "MAX_POSITION": {"maxPosition": "5"},
                        "MAX_NUM_ORDERS": None,
                    },
                },
            ),
            (
                "price-range XRPUSDT bidLimitMultUp=1.05",
                "price-range",
                {"symbol": "XRPUSDT", "multipliers": {"bidLimitMultUp": "1.05"}},
            ),
            ("reference-price XRPUSDT", "reference-price", {"symbol": "XRPUSDT"}),
            (
                "self-trade XRPUSDT NONE NONE DECREMENT",
                "self-trade",
                {"symbol": "XRPUSDT", "default": "NONE", "allowed": ["NONE", "DECREMENT"]},
            ),
            (
                "commission --symbol XRPUSDT --standard maker=0,taker=0",
                "commission",
                {
                    "symbol": "XRPUSDT",
                    "parts": {"standardCommission": {"maker": "0", "taker": "0"}},
                },
            ),
            ("limits weight=5", "limits", {"limits": {"weight": "5"}}),
            ("connection-life 2.5", "connection-life", {"seconds": 2.5}),
            ("maintenance 500", "maintenance", {"ms": 500, "kind": "down"}),
            ("reset", "reset", {}),
        ],
    )
    def test_a_command_says_what_was_asked(
        self,
        arguments: str,
        command: str,
        params: dict[str, Any],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        asked: list[Any] = []

        async def listen(_: str, name: str, given: dict[str, Any]) -> dict[str, Any]:
            asked.append((name, given))
            return {}

        monkeypatch.setattr(admin_cli, "call", listen)
        result = CliRunner().invoke(cli.main, ["admin", *arguments.split()])
        assert (result.exit_code, asked) == (0, [(command, params)])

    def test_what_is_no_pair_is_named(self) -> None:
        result = CliRunner().invoke(cli.main, ["admin", "limits", "weight"])
        assert result.exit_code == 2
        assert "'weight' is not NAME=VALUE" in result.output


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make a certificate for this machine, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", key, "-out", cert, "-days", "1", "-subj", "/CN=paper",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


@pytest.fixture(scope="module")
def secret_key(pair: tuple[Path, Path]) -> Path:
    """Make the same key with a password."""
    path = pair[1].with_name("secret.pem")
    subprocess.run(
        ["openssl", "ec", "-in", pair[1], "-out", path, "-aes128", "-passout", "pass:word"],
        check=True, capture_output=True,
    )  # fmt: skip
    return path


class TestTls:
    async def test_requests_streams_and_rest_are_served_over_tls_alone(
        self, pair: tuple[Path, Path]
    ) -> None:
        cert, key = pair
        trusting = ssl.create_default_context(cafile=str(cert))
        async with serve(replace(CONFIG, tls_cert=cert, tls_key=key)) as exchange:
            assert exchange.api_url.startswith("wss://127.0.0.1:")
            async with connect(exchange.api_url, ssl=trusting) as connection:
                placed = await Socket(connection).order("BUY", "0.5", "100")
                assert placed["status"] == 200
            async with connect(f"{exchange.stream_url}/ws", ssl=trusting) as stream:
                await stream.send('{"method":"LIST_SUBSCRIPTIONS","id":1}')
                assert json.loads(await stream.recv()) == {"result": [], "id": 1}
            url = f"https://127.0.0.1:{exchange.port}/api/v3/time"
            assert await asyncio.to_thread(read, url, trusting)
            with pytest.raises(ssl.SSLCertVerificationError):  # nobody vouches for it
                async with connect(exchange.api_url, ssl=ssl.create_default_context()):
                    pass
            with pytest.raises(InvalidMessage):
                async with connect(exchange.api_url.replace("wss", "ws"), open_timeout=5):
                    pass

    async def test_what_cannot_be_served_with_is_named(
        self, pair: tuple[Path, Path], secret_key: Path, tmp_path: Path
    ) -> None:
        cert = pair[0]
        with pytest.raises(ConfigError, match="TLS needs both"):
            replace(CONFIG, tls_cert=cert)
        for bad_cert, bad_key in ((cert, cert), (cert, tmp_path / "none"), (cert, secret_key)):
            with pytest.raises(ConfigError, match=r"cannot be served with .*cert\.pem \(tls-cert"):
                async with serve(replace(CONFIG, tls_cert=bad_cert, tls_key=bad_key)):
                    pass


def read(url: str, context: ssl.SSLContext) -> bytes:
    with urllib.request.urlopen(url, context=context) as answer:
        return bytes(answer.read())

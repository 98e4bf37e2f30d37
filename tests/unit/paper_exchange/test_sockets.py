"""The exchange over real sockets, with a plain WebSocket client."""

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from socket import has_dualstack_ipv6
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from paper_exchange import journal
from paper_exchange.market.synthetic import Synthetic
from paper_exchange.shell import outbox, server
from paper_exchange.shell.admin_client import AdminRefusedError, call
from paper_exchange.shell.server import PaperExchange, serve
from unit.paper_exchange.clients import ACCOUNTS, CONFIG, D
from unit.paper_exchange.sockets import socket, trade


@pytest.fixture
async def exchange() -> AsyncIterator[PaperExchange]:
    async with serve(CONFIG) as running:
        yield running


async def http(exchange: PaperExchange, path: str) -> tuple[int, str]:
    def get() -> tuple[int, str]:
        url = f"http://127.0.0.1:{exchange.port}{path}"
        try:
            with urllib.request.urlopen(url) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    return await asyncio.to_thread(get)


async def test_an_order_lives_from_new_to_filled(exchange: PaperExchange) -> None:
    async with socket(exchange) as client:
        await client.signed("userDataStream.subscribe.signature")
        placed = await client.order("BUY", "0.5", "100", newClientOrderId="mine")
        assert placed["result"]["status"] == "NEW"
        assert (await client.event())["x"] == "NEW"
        assert (await client.event())["e"] == "outboundAccountPosition"
        for volume, status in (("40", "PARTIALLY_FILLED"), ("80", "FILLED")):
            trade(exchange, "0.49", volume)
            report = await client.event()
            assert (report["x"], report["X"], report["c"]) == ("TRADE", status, "mine")
            assert (await client.event())["e"] == "outboundAccountPosition"


async def test_a_cancel_is_answered_and_reported(exchange: PaperExchange) -> None:
    async with socket(exchange) as client:
        await client.signed("userDataStream.subscribe.signature")
        await client.order("BUY", "0.5", "100", newClientOrderId="mine")
        canceled = await client.signed("order.cancel", symbol="XRPUSDT", orderId=1)
        assert canceled["result"]["status"] == "CANCELED"
        kinds = [(await client.event()).get("x") for _ in range(4)]
        assert kinds == ["NEW", None, "CANCELED", None]


async def test_events_go_to_every_connection_of_the_account_and_to_no_other(
    exchange: PaperExchange,
) -> None:
    async with socket(exchange) as one, socket(exchange) as two, socket(exchange) as other:
        for client, key in ((one, "key-a"), (two, "key-a2"), (other, "key-b")):
            await client.signed("userDataStream.subscribe.signature", key=key)
        await one.order("BUY", "0.5", "100")
        assert (await one.event())["x"] == "NEW"
        assert (await two.event())["x"] == "NEW"
        await other.call("ping")
        assert other.events == []


async def test_a_late_request_is_refused(exchange: PaperExchange) -> None:
    async with socket(exchange) as client:
        late = int(time.time() * 1000) - 6000
        reply = await client.signed("account.status", timestamp=late)
        assert reply["error"]["code"] == -1021


async def test_options_of_the_url_are_kept(exchange: PaperExchange) -> None:
    async with socket(exchange, "?returnRateLimits=false&timeUnit=microsecond") as client:
        reply = await client.call("time")
        assert "rateLimits" not in reply
        assert reply["result"]["serverTime"] > 10**15


async def test_a_connection_costs_weight(exchange: PaperExchange) -> None:
    async with socket(exchange) as client:
        assert (await client.call("ping"))["rateLimits"][0]["count"] == 3


async def test_rubbish_does_not_end_the_connection(exchange: PaperExchange) -> None:
    async with socket(exchange) as client:
        await client.connection.send("rubbish")
        assert json.loads(await client.connection.recv())["error"]["code"] == -1135
        await client.connection.send(b'{"id":4,"method":"ping"}')
        assert json.loads(await client.connection.recv())["id"] == 4


async def test_trades_are_streamed_raw_and_combined(exchange: PaperExchange) -> None:
    base = exchange.stream_url
    async with (
        connect(f"{base}/ws/xrpusdt@trade") as raw,
        connect(f"{base}/stream?streams=xrpusdt@trade") as combined,
        connect(f"{base}/stream/ws/7") as later,
    ):
        await later.send(json.dumps({"method": "SUBSCRIBE", "params": ["xrpusdt@trade"], "id": 1}))
        assert json.loads(await later.recv()) == {"result": None, "id": 1}
        before = time.time() * 1000
        trade(exchange, "0.5", "10")
        event = json.loads(await raw.recv())
        assert json.loads(await combined.recv()) == {"stream": "xrpusdt@trade", "data": event}
        assert json.loads(await later.recv()) == event
        assert before - 1 <= event["T"] <= event["E"] <= time.time() * 1000


async def test_plain_http_is_answered(exchange: PaperExchange) -> None:
    assert await http(exchange, "/healthz") == (200, "ok\n")
    status, body = await http(exchange, "/api/v3/exchangeInfo?symbol=XRPUSDT")
    assert (status, json.loads(body)["symbols"][0]["symbol"]) == (200, "XRPUSDT")
    assert await http(exchange, "/api/v3/ping") == (200, "{}")
    status, body = await http(exchange, "/api/v3/ticker/price?symbol=NOPE")
    assert (status, json.loads(body)["code"]) == (400, -1121)
    assert (await http(exchange, "/api/v3/account"))[0] == 404
    assert (await http(exchange, "/nothing"))[0] == 404
    status, body = await http(exchange, "/ws?timeUnit=NANOSECOND")
    assert (status, json.loads(body)["code"]) == (400, -1194)


async def test_websockets_are_refused_elsewhere(exchange: PaperExchange) -> None:
    with pytest.raises(InvalidStatus):
        await connect(f"{exchange.stream_url}/elsewhere")


async def test_a_stop_is_announced_to_everyone() -> None:
    async with serve(CONFIG) as exchange:
        api = await connect(exchange.api_url)
        raw = await connect(f"{exchange.stream_url}/ws")
        combined = await connect(f"{exchange.stream_url}/stream")
    assert json.loads(await api.recv())["event"]["e"] == "serverShutdown"
    assert json.loads(await raw.recv())["e"] == "serverShutdown"
    assert json.loads(await combined.recv())["stream"] == "!serverShutdown"
    for connection in (api, raw, combined):
        with pytest.raises(ConnectionClosed):
            await connection.recv()


async def test_the_server_pings_and_drops_who_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A bare TCP client that completes the handshake and then only listens."""
    assert (server.PING_INTERVAL, server.PONG_TIMEOUT) == (20, 60)
    monkeypatch.setattr(server, "PING_INTERVAL", 0.05)
    monkeypatch.setattr(server, "PONG_TIMEOUT", 0.05)
    monkeypatch.setattr(server, "CLOSE_TIMEOUT", 0.05)
    async with serve(CONFIG) as exchange:
        reader, writer = await asyncio.open_connection("127.0.0.1", exchange.port)
        writer.write(
            b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        await reader.readuntil(b"\r\n\r\n")
        ping = await reader.readexactly(1)
        rest = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        await writer.wait_closed()
    assert ping == b"\x89"
    assert b"keepalive ping timeout" in rest


async def test_a_connection_ends_after_its_life() -> None:
    async with serve(replace(CONFIG, connection_life=0.1)) as exchange, socket(exchange) as client:
        with pytest.raises(ConnectionClosed):
            await client.connection.recv()


async def test_a_connection_that_does_not_read_is_cut_off(
    exchange: PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MOST_UNSENT", 5)
    async with connect(f"{exchange.stream_url}/ws/xrpusdt@trade") as connection:
        await connection.ping()
        for _ in range(20):  # nothing is sent before the loop runs again
            trade(exchange, "0.5", "10")
        received = [message async for message in until_closed(connection)]
        assert len(received) < 20


async def until_closed(connection: ClientConnection) -> AsyncIterator[str | bytes]:
    with suppress(ConnectionClosed):
        while True:
            yield await connection.recv()


async def test_a_journal_that_cannot_be_written_stops_the_exchange(tmp_path: Path) -> None:
    config = replace(CONFIG, journal=tmp_path / "journal.jsonl")
    stop = asyncio.Event()
    async with serve(config) as exchange, socket(exchange) as client:

        def fail(*_: object) -> None:
            raise journal.JournalError("disk full")

        exchange.venue.journal.append = fail  # type: ignore[assignment, method-assign]  # replaced for the test
        with pytest.raises(ConnectionClosed):
            await client.order("BUY", "0.5", "100")
        with pytest.raises(journal.JournalError, match="disk full"):
            await exchange.serve_until(stop)


async def test_a_restart_goes_on_where_it_stopped(tmp_path: Path) -> None:
    config = replace(CONFIG, journal=tmp_path / "journal.jsonl")
    async with serve(config) as first, socket(first) as client:
        await client.order("BUY", "0.5", "100", newClientOrderId="mine")
        trade(first, "0.49", "40")
        before = (await client.signed("account.status"))["result"]
    async with serve(config) as second, socket(second) as client:
        assert (await client.signed("account.status"))["result"] == before
        trade(second, "0.49", "40")
        trades = (await client.signed("myTrades", symbol="XRPUSDT"))["result"]
        assert [row["id"] for row in trades] == [1, 2]
        price = await client.call("ticker.price", symbol="XRPUSDT")
        assert price["result"]["price"] == "0.50000000"
        placed = await client.order("BUY", "0.5", "100")
        assert placed["result"]["orderId"] == 2
    audit = journal.read(tmp_path / "journal.jsonl")
    assert [fill.quantity for fill in audit.fills] == [40, 40]


class TestAdmin:
    async def test_status_says_who_and_where(self, exchange: PaperExchange) -> None:
        trade(exchange, "0.5", "10")
        status = await call(exchange.admin_url, "status")
        assert status["instance"] == exchange.venue.instance
        assert status["symbols"]["XRPUSDT"]["lastTradeId"] == 1
        assert status["paused"]
        assert not status["ended"]
        assert set(status["accounts"]) == {"a", "b"}

    async def test_a_chosen_trade_happens(self, exchange: PaperExchange) -> None:
        async with connect(f"{exchange.stream_url}/ws/xrpusdt@trade") as stream:
            params = {"symbol": "XRPUSDT", "price": "0.5", "quantity": "10", "side": "SELL"}
            assert await call(exchange.admin_url, "trade", params) == {"lastTradeId": 1}
            event = json.loads(await stream.recv())
            assert (event["p"], event["q"], event["m"]) == ("0.50000000", "10.00000000", True)

    async def test_an_order_is_ended_as_the_exchange_would(self, exchange: PaperExchange) -> None:
        async with socket(exchange) as client:
            await client.signed("userDataStream.subscribe.signature")
            await client.order("BUY", "0.5", "100")
            ended = await call(exchange.admin_url, "expire", {"symbol": "XRPUSDT", "orderId": 1})
            assert ended["status"] == "EXPIRED"
            kinds = [(await client.event()).get("x") for _ in range(3)]
            assert kinds == ["NEW", None, "EXPIRED"]

    async def test_balances_are_set_and_reported(self, exchange: PaperExchange) -> None:
        async with socket(exchange) as client:
            await client.signed("userDataStream.subscribe.signature", key="key-b")
            wanted = {"account": "b", "asset": "USDT", "free": "7.5"}
            shown = await call(exchange.admin_url, "balance", wanted)
            assert shown["free"] == "7.5"
            event = await client.event()
            assert (event["e"], event["d"]) == ("balanceUpdate", "-992.50000000")
            more = {"account": "b", "asset": "USDT", "amount": "2.5"}
            assert (await call(exchange.admin_url, "deposit", more))["free"] == "10.0"

    async def test_a_halted_symbol_refuses_orders(self, exchange: PaperExchange) -> None:
        params = {"symbol": "XRPUSDT", "status": "HALT"}
        assert await call(exchange.admin_url, "symbol-status", params) == {"status": "HALT"}
        async with socket(exchange) as client:
            refused = await client.order("BUY", "0.5", "100")
            assert refused["error"]["msg"] == "Market is closed."
            wanted = {"symbol": "XRPUSDT", "price": "1", "quantity": "1", "side": "BUY"}
            with pytest.raises(AdminRefusedError, match="the symbol does not trade"):
                await call(exchange.admin_url, "trade", wanted)
            info = await client.call("exchangeInfo", symbol="XRPUSDT")
            assert info["result"]["symbols"][0]["status"] == "HALT"

    @pytest.mark.parametrize(
        ("command", "params", "message"),
        [
            ("nonsense", {}, "unknown command"),
            ("trade", {}, "malformed"),
            (
                "trade",
                {"symbol": "NOPE", "price": "1", "quantity": "1", "side": "BUY"},
                "Invalid symbol",
            ),
            (
                "trade",
                {"symbol": "XRPUSDT", "price": "0", "quantity": "1", "side": "BUY"},
                "price must be positive",
            ),
            (
                "trade",
                {"symbol": "XRPUSDT", "price": "0.00001", "quantity": "1", "side": "BUY"},
                "price must be a multiple of 0.0001",
            ),
            (
                "trade",
                {"symbol": "XRPUSDT", "price": "1", "quantity": "0.01", "side": "BUY"},
                "quantity must be a multiple of 0.1",
            ),
            (
                "trade",
                {"symbol": "XRPUSDT", "price": "1", "quantity": "1", "side": "HOLD"},
                "malformed",
            ),
            ("expire", {"symbol": "XRPUSDT", "orderId": 9}, "no such order"),
            ("deposit", {"account": "x", "asset": "USDT", "amount": "1"}, "unknown account"),
            ("deposit", {"asset": "USDT", "amount": "-5000"}, "insufficient balance"),
            ("speed", {"speed": "0"}, "speed must be positive"),
        ],
    )
    async def test_what_cannot_be_done_is_refused(
        self, exchange: PaperExchange, command: str, params: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(AdminRefusedError, match=message):
            await call(exchange.admin_url, command, params)

    async def test_a_running_market_must_be_paused_first(self) -> None:
        config = replace(
            CONFIG, source=Synthetic(("XRPUSDT",), 1), accounts=ACCOUNTS, speed=D("0.01")
        )
        async with serve(config) as exchange:
            with pytest.raises(AdminRefusedError, match="pause it first"):
                await call(exchange.admin_url, "step", {"count": 1})
            assert await call(exchange.admin_url, "pause") == {"paused": True}
            before = exchange.venue.engine.state.position
            assert await call(exchange.admin_url, "step", {"count": 5}) == {"trades": 5}
            assert exchange.venue.engine.state.position == before + 5
            assert await call(exchange.admin_url, "speed", {"speed": "100"}) == {"speed": "100"}
            assert await call(exchange.admin_url, "resume") == {"paused": False}

    async def test_it_listens_on_loopback_even_if_the_exchange_does_not(self) -> None:
        async with serve(replace(CONFIG, host="0.0.0.0")) as exchange:
            assert exchange.admin_url.startswith("ws://127.0.0.1:")
            assert await call(exchange.admin_url, "status")

    @pytest.mark.parametrize("ipv6", [True, False])
    async def test_it_serves_on_every_address_and_no_admin_there(
        self, monkeypatch: pytest.MonkeyPatch, *, ipv6: bool
    ) -> None:
        if not ipv6:
            monkeypatch.setattr("socket.has_dualstack_ipv6", lambda: False)
        async with serve(replace(CONFIG, host="::")) as exchange:
            for host in ("127.0.0.1", "[::1]")[: 1 + (ipv6 and has_dualstack_ipv6())]:
                async with connect(f"ws://{host}:{exchange.port}/ws-api/v3"):
                    pass
            assert await call(exchange.admin_url, "status")

    async def test_nobody_there_is_said(self) -> None:
        with pytest.raises(AdminRefusedError, match="no answer"):
            await call("ws://127.0.0.1:1", "status")

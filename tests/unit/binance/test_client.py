"""The client against a scripted server: faults, races, and what is written how often."""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.http11 import Response

from symbol_trader.binance.client import GAP_PAGES_MAX, BinanceExchange
from symbol_trader.binance.envelope import Reply
from symbol_trader.binance.errors import RateLimited, unreachable
from symbol_trader.binance.keys import HmacKey
from symbol_trader.binance.pacing import ConnectionLimit, ConnectionPacer
from symbol_trader.binance.rate_limit import RateLimit
from symbol_trader.binance.session import Answered
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.binance.signing import payload
from symbol_trader.binance.surprises import Surprise, Surprises
from symbol_trader.core.orders import ExchangeOrder, ExecutionReport
from symbol_trader.core.replies import (
    Accepted,
    Archived,
    AssetPrice,
    BalanceChanged,
    NotFound,
    NotSent,
    Price,
    Refused,
    TradeGap,
    Unknown,
)
from symbol_trader.core.symbols import DEFAULT_COMMISSION, Commission
from symbol_trader.core.times import utc
from symbol_trader.errors import BadCredentials, Unavailable, UnknownSymbol
from unit.binance import payloads
from unit.binance.payloads import CANCEL, INTENT, ORDER_ID, POSITION, SYMBOL, TRADE_REPORT
from unit.binance.scripted import (
    Answer,
    Request,
    ScriptedExchange,
    both,
    hang_up,
    push,
    raw,
    refuse,
    refusing,
    reply,
    scripted,
    send,
    silence,
)

NOT_JSON = raw("{")
NO_ID = raw('{"id": null, "status": 200}')
NO_ANSWERS = (silence, NOT_JSON, NO_ID)
"""Scripts after which a request waits until it gives up."""

API_SECRET = "the-secret-that-must-not-show"
API_KEY = "the-key-that-must-not-show"
KEY = HmacKey(API_KEY, API_SECRET)


def settings_for(url: str, **changes: Any) -> BinanceSettings:
    quick = {
        "request_timeout_s": 5.0,
        "close_timeout_s": 0.2,
        "retry_first_s": 0.001,
        "clock_samples": 1,
    }
    return BinanceSettings(
        **{
            "api_url": url,
            "stream_url": "ws://127.0.0.1:1",
            "symbol": SYMBOL,
            **quick,
            **changes,
        }
    )


def client_of(
    url: str,
    clock: Callable[[], int] = time.monotonic_ns,
    surprises: Surprises | None = None,
    **changes: Any,
) -> BinanceExchange:
    settings = settings_for(url, **changes)
    return BinanceExchange(
        settings, KEY, monotonic_ns=clock, random=lambda: 0.5, surprises=surprises
    )


@asynccontextmanager
async def opened(exchange: ScriptedExchange, **changes: Any) -> AsyncIterator[BinanceExchange]:
    client = client_of(exchange.url, **changes)
    await client.open()
    try:
        yield client
    finally:
        await client.close()


def impatient(client: BinanceExchange) -> None:
    """Shorten the time-out of a session that is open: opening takes what it takes."""
    client._line.current.link._settings = settings_for(
        client._settings.api_url, request_timeout_s=0.05
    )


@pytest.fixture
async def exchange() -> AsyncIterator[ScriptedExchange]:
    async with scripted() as server:
        yield server


# --- orders and cancels: once -----------------------------------------------------------------


async def test_an_order_carries_its_intent_and_a_signature_that_verifies(
    exchange: ScriptedExchange,
) -> None:
    exchange.on("order.place", reply(payloads.filled()))

    async with opened(exchange) as client:
        outcome = await client.place(INTENT)

    assert isinstance(outcome, Accepted)
    assert [fill.trade_id for fill in outcome.fills] == [7, 8]
    (params,) = exchange.asked("order.place")
    sign = params.pop("signature")
    assert sign == KEY.sign(payload(params))
    assert params["timestamp"] == INTENT.timestamp_ms
    assert params["recvWindow"] == INTENT.recv_window_ms


async def test_a_cancel_carries_its_intent(exchange: ScriptedExchange) -> None:
    exchange.on("order.cancel", reply(payloads.canceled()))

    async with opened(exchange) as client:
        outcome = await client.cancel(CANCEL)

    assert isinstance(outcome, Accepted)
    (params,) = exchange.asked("order.cancel")
    assert (params["origClientOrderId"], params["newClientOrderId"]) == (
        CANCEL.client_order_id,
        CANCEL.cancel_id,
    )
    assert params["timestamp"] == CANCEL.timestamp_ms


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (silence, "no reply to order.place in 0.05 s"),
        (hang_up, "was lost"),
        (NOT_JSON, "no reply to order.place"),
        (NO_ID, "no reply to order.place"),
        (reply({"symbol": SYMBOL}), "unreadable payload: order.place"),
        (reply(payloads.placed(clientOrderId="another")), "was expected, not 'another'"),
        (refuse(500, -1000), "-1000"),
        (refuse(504, -2010), "status 504"),
        (refuse(408, -1007), "-1007"),
        (refuse(400, -1006), "-1006"),
        (refuse(400, -2010, "Duplicate order sent."), "on the order book already"),
    ],
    ids=[
        "reply lost",
        "disconnect",
        "not json",
        "no id",
        "cut reply",
        "other order",
        "500",
        "504",
        "-1007",
        "-1006",
        "duplicate",
    ],
)
async def test_an_order_without_a_clear_answer_is_unknown_and_never_sent_again(
    exchange: ScriptedExchange, answer: Answer, why: str
) -> None:
    exchange.on("order.place", answer)

    async with opened(exchange) as client:
        if answer in NO_ANSWERS:
            impatient(client)
        outcome = await client.place(INTENT)

    assert isinstance(outcome, Unknown)
    assert why in outcome.why
    assert len(exchange.asked("order.place")) == 1


@pytest.mark.parametrize("answer", [hang_up, refuse(500, -1000)], ids=["disconnect", "500"])
async def test_a_cancel_without_a_clear_answer_is_unknown_and_never_sent_again(
    exchange: ScriptedExchange, answer: Answer
) -> None:
    exchange.on("order.cancel", answer)

    async with opened(exchange) as client:
        assert isinstance(await client.cancel(CANCEL), Unknown)

    assert len(exchange.asked("order.cancel")) == 1


async def test_an_order_that_came_too_late_is_refused_not_sent_again_and_the_clock_is_measured(
    exchange: ScriptedExchange,
) -> None:
    exchange.on("order.place", refuse(400, -1021, "Timestamp outside of the recvWindow."))

    async with opened(exchange) as client:
        await exchange.heard("time")
        outcome = await client.place(INTENT)
        await exchange.heard("time")

    assert outcome == Refused(-1021, "Timestamp outside of the recvWindow.")
    assert len(exchange.asked("order.place")) == 1


async def test_a_cancel_of_what_is_no_longer_open_is_refused(exchange: ScriptedExchange) -> None:
    exchange.on("order.cancel", refuse(400, -2011, "Unknown order sent."))

    async with opened(exchange) as client:
        assert await client.cancel(CANCEL) == Refused(-2011, "Unknown order sent.")


async def test_replies_may_overtake_each_other(exchange: ScriptedExchange) -> None:
    held: list[Request] = []

    async def hold(request: Request) -> None:
        held.append(request)

    async def release(request: Request) -> None:
        await reply(payloads.canceled())(request)
        await reply(payloads.placed())(held[0])

    exchange.on("order.place", hold)
    exchange.on("order.cancel", release)

    async with opened(exchange) as client:
        placing = asyncio.create_task(client.place(INTENT))
        await exchange.heard("order.place")
        canceled = await client.cancel(CANCEL)
        placed = await placing

    assert isinstance(canceled, Accepted)
    assert canceled.order.status == "CANCELED"
    assert isinstance(placed, Accepted)
    assert placed.order.status == "NEW"


async def test_a_late_reply_is_dropped_with_a_line_in_the_log(
    exchange: ScriptedExchange, caplog: pytest.LogCaptureFixture
) -> None:
    late: list[Request] = []

    async def hold(request: Request) -> None:
        late.append(request)

    exchange.on("order.place", hold)
    exchange.on("account.status", reply(payloads.account()))

    async with opened(exchange) as client:
        impatient(client)
        assert isinstance(await client.place(INTENT), Unknown)
        client._line.current.link._settings = client._settings
        caplog.set_level(logging.INFO)
        await reply(payloads.placed())(late[0])
        await client.account()

    assert "a reply to a request that is over" in caplog.text


async def test_two_replies_to_one_order_are_one_outcome(exchange: ScriptedExchange) -> None:
    answer = reply(payloads.placed())
    exchange.on("order.place", both(answer, answer))
    exchange.on("account.status", reply(payloads.account()))

    async with opened(exchange) as client:
        assert isinstance(await client.place(INTENT), Accepted)
        await client.account()


async def test_a_disconnect_leaves_every_waiting_order_unknown(exchange: ScriptedExchange) -> None:
    exchange.on("order.place", silence, silence, hang_up)

    async with opened(exchange) as client:
        outcomes = await asyncio.gather(*(client.place(INTENT) for _ in range(3)))

    assert all(isinstance(outcome, Unknown) for outcome in outcomes)


async def test_an_order_given_to_an_ended_session_is_not_sent(exchange: ScriptedExchange) -> None:
    async with opened(exchange) as client:
        exchange.connections[-1].transport.abort()
        with pytest.raises(Unavailable):
            await anext(client.user_events())

        outcome = await client.place(INTENT)

    assert isinstance(outcome, Unknown)
    assert "was not sent" in outcome.why
    assert exchange.asked("order.place") == []


async def test_an_order_given_to_a_session_that_was_never_opened_is_not_sent() -> None:
    outcome = await client_of("ws://127.0.0.1:1").place(INTENT)

    assert outcome == Unknown("order.place was not sent: not open")


async def test_an_order_whose_writing_fails_is_unknown(
    exchange: ScriptedExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Return whether anything left this machine is not known then."""

    async def fail(_: str) -> None:
        raise ConnectionClosedError(None, None)

    async with opened(exchange) as client:
        monkeypatch.setattr(client._line.current.link._socket, "send", fail)
        outcome = await client.place(INTENT)

    assert isinstance(outcome, Unknown)
    assert "was lost" in outcome.why


async def test_a_placing_that_is_cancelled_leaves_no_trace(exchange: ScriptedExchange) -> None:
    exchange.on("order.place", silence)
    exchange.on("account.status", reply(payloads.account()))

    async with opened(exchange) as client:
        placing = asyncio.create_task(client.place(INTENT))
        request = await exchange.heard("order.place")
        placing.cancel()
        client._line.current.link._hear(
            Answered(request.id, Reply(200, payloads.placed()))
        )  # just then
        with pytest.raises(asyncio.CancelledError):
            await placing

        assert (await client.account()).uid == "354937868"


# --- limits -----------------------------------------------------------------------------------


NOW_MS = 1_700_000_000_000
SOON_MS, LATE_MS = NOW_MS + 2_000, NOW_MS + 60_000
"""Ends of bans, within a reader's patience and beyond it."""


@asynccontextmanager
async def opened_at(exchange: ScriptedExchange, **changes: Any) -> AsyncIterator[BinanceExchange]:
    """Open a session for which it stays `NOW_MS`."""
    exchange.on("time", reply({"serverTime": NOW_MS}))
    async with opened(exchange, clock=lambda: 0, **changes) as client:
        yield client


async def test_while_the_exchange_limits_requests_nothing_is_sent(
    exchange: ScriptedExchange,
) -> None:
    exchange.on("account.status", refuse(429, -1003, "Too much", retryAfter=LATE_MS))

    async with opened_at(exchange) as client:
        assert client.held_until_ms() is None
        until = f"account.status was not sent: the exchange limits requests until {utc(LATE_MS)}"
        for words in ("-1003 Too much", until):
            with pytest.raises(RateLimited, match=words) as caught:
                await client.account()
            assert caught.value.retry_in_s == 60
        placed = await client.place(INTENT)
        canceled = await client.cancel(CANCEL)
        assert client.held_until_ms() == LATE_MS

    why = "was not sent: the exchange limits requests for now"
    assert placed == NotSent(LATE_MS, f"order.place {why}")
    assert canceled == NotSent(LATE_MS, f"order.cancel {why}")
    assert len(exchange.asked("account.status")) == 1
    assert exchange.asked("order.place") == exchange.asked("order.cancel") == []


async def test_an_order_that_runs_into_a_ban_is_refused_and_the_next_is_not_sent(
    exchange: ScriptedExchange,
) -> None:
    exchange.on("order.place", refuse(418, -1003, "banned", retryAfter=SOON_MS))

    async with opened_at(exchange) as client:
        assert await client.place(INTENT) == Refused(-1003, "banned")
        assert isinstance(await client.place(INTENT), NotSent)
        assert client.held_until_ms() == SOON_MS

    assert len(exchange.asked("order.place")) == 1


async def test_orders_are_sent_again_when_a_ban_is_over(exchange: ScriptedExchange) -> None:
    now_ns = 0
    exchange.on("time", reply({"serverTime": NOW_MS}))
    exchange.on(
        "order.place",
        refuse(418, -1003, "banned", retryAfter=SOON_MS),
        reply(payloads.placed()),
    )

    async with opened(exchange, clock=lambda: now_ns) as client:
        await client.place(INTENT)
        now_ns = 2_000_000_000
        assert client.now_ms() == SOON_MS
        assert client.held_until_ms() is None
        assert isinstance(await client.place(INTENT), Accepted)


async def test_reading_goes_on_when_a_short_ban_is_over(exchange: ScriptedExchange) -> None:
    """It is waited out inside, and no longer, however much weight the reply says is used."""
    used = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 60 * 24}
    until_ms = 0

    async def ban(request: Request) -> None:
        nonlocal until_ms
        until_ms = int(time.time() * 1000) + 50
        error = {"code": -1003, "msg": "banned", "data": {"retryAfter": until_ms}}
        limits = [used | {"limit": 6000, "count": 6001}]
        await send(request.connection, id=request.id, status=418, error=error, rateLimits=limits)

    exchange.on("account.status", ban, ban, reply(payloads.account()))

    async with opened(exchange, retry_first_s=60.0) as client:
        assert (await client.account()).uid == "354937868"

    *_, last = exchange.asked("account.status")
    assert last["timestamp"] >= until_ms


async def test_a_wait_for_the_end_of_a_ban_ends_with_the_session(
    exchange: ScriptedExchange,
) -> None:
    exchange.on("order.place", refuse(418, -1003, "banned", retryAfter=NOW_MS + 15_000))

    async with opened_at(exchange, read_retries_s=20.0) as client:
        await client.place(INTENT)
        waiting = asyncio.create_task(client.account())
        await asyncio.sleep(0)

    with pytest.raises(Unavailable, match=r"account\.status was not sent"):
        await asyncio.wait_for(waiting, 5)


async def test_not_even_the_time_is_asked_for_while_the_exchange_limits_requests(
    exchange: ScriptedExchange,
) -> None:
    until_ms = int(time.time() * 1000) + 60_000
    exchange.on("account.status", refuse(429, -1003, "Too much", retryAfter=until_ms))

    async with opened(exchange) as client:
        with pytest.raises(RateLimited):
            await client.account()
        with pytest.raises(RateLimited, match="time was not sent"):
            await client._client.measure_clock()

    assert len(exchange.asked("time")) == 1


async def test_a_handshake_that_is_limited_is_not_tried_again_before_its_time() -> None:
    """An attempt that comes too soon would make the ban longer."""
    rate_limit = RateLimit(lambda: 0)

    async with refusing(HTTPStatus.TOO_MANY_REQUESTS, Retry_After="37") as (url, asked):
        for why in ("HTTP 429", "a connection was not opened: the exchange limits requests"):
            client = BinanceExchange(
                settings_for(url),
                KEY,
                monotonic_ns=time.monotonic_ns,
                random=lambda: 0.5,
                rate_limit=rate_limit,
            )
            with pytest.raises(Unavailable, match=why) as caught:
                await client.open()
            assert caught.value.retry_in_s == 37

    assert len(asked) == 1


async def test_of_two_bans_in_one_answer_the_longer_counts() -> None:
    headers = Headers([("Retry-After", "5"), ("Retry-After", "60")])
    refused = InvalidStatus(Response(429, "Too Many Requests", headers))
    assert unreachable("ws://exchange:1", refused).retry_in_s == 60


@pytest.mark.parametrize("asked_s", ["9" * 400, "99999999"])
async def test_no_ban_is_longer_than_the_longest_that_there_is(asked_s: str) -> None:
    async with refusing(HTTPStatus.TOO_MANY_REQUESTS, Retry_After=asked_s) as (url, _):
        client = BinanceExchange(
            settings_for(url), KEY, monotonic_ns=time.monotonic_ns, random=lambda: 0.5
        )
        with pytest.raises(Unavailable) as caught:
            await client.open()
        assert caught.value.retry_in_s == 3 * 86_400


async def test_a_limit_is_not_over_because_the_connection_is(exchange: ScriptedExchange) -> None:
    """The next session does not even connect, which counts as well."""
    until_ms = int(time.time() * 1000) + 60_000
    exchange.on(
        "time", refuse(429, -1003, "Too much", retryAfter=until_ms, serverTime=until_ms - 60_000)
    )
    rate_limit = RateLimit(lambda: 0)
    settings = settings_for(exchange.url)

    for _ in range(2):
        client = BinanceExchange(
            settings, KEY, monotonic_ns=time.monotonic_ns, random=lambda: 0.5, rate_limit=rate_limit
        )
        with pytest.raises(RateLimited):
            await client.open()

    assert len(exchange.connections) == 1


async def test_reading_leaves_room_for_orders(exchange: ScriptedExchange) -> None:
    """Before the limit is reached, what reads waits for the next minute; what trades does not."""
    used = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 60 * 24}

    async def much_used(request: Request) -> None:
        limits = [used | {"limit": 6000, "count": 4500}]
        result = payloads.account()
        await send(request.connection, id=request.id, status=200, result=result, rateLimits=limits)

    exchange.on("account.status", much_used)
    exchange.on("order.place", reply(payloads.placed()))

    async with opened(exchange) as client:
        await client.account()
        waiting = asyncio.create_task(client.account())
        assert isinstance(await client.place(INTENT), Accepted)
        assert not waiting.done()

    with pytest.raises(Unavailable, match="was not sent: the session was closed"):
        await waiting
    assert len(exchange.asked("account.status")) == 1


async def test_requests_go_on_when_the_limit_has_passed(exchange: ScriptedExchange) -> None:
    past_ms = int(time.time() * 1000) - 1_000
    limited = refuse(418, -1003, "banned", retryAfter=past_ms)
    exchange.on("account.status", limited, reply(payloads.account()))

    async with opened(exchange) as client:
        with pytest.raises(RateLimited):
            await client.account()

        assert (await client.account()).uid == "354937868"


async def test_an_overloaded_exchange_is_given_up_when_patience_ends(
    exchange: ScriptedExchange,
) -> None:
    exchange.on("account.status", refuse(429, -1008, "overloaded", retryAfter=LATE_MS))

    async with opened_at(exchange) as client:
        with pytest.raises(RateLimited, match="-1008 overloaded") as caught:
            await client.account()
        assert client.held_until_ms() is None, "orders are not held up"

    assert caught.value.retry_in_s == 60
    assert len(exchange.asked("account.status")) == 1


async def test_an_overloaded_exchange_is_asked_again_when_it_says(
    exchange: ScriptedExchange,
) -> None:
    until_ms = 0

    async def overloaded(request: Request) -> None:
        nonlocal until_ms
        until_ms = int(time.time() * 1000) + 50
        await refuse(429, -1008, "overloaded", retryAfter=until_ms)(request)

    exchange.on("account.status", overloaded, reply(payloads.account()))

    async with opened(exchange) as client:
        await client.account()

    assert exchange.asked("account.status")[1]["timestamp"] >= until_ms


async def test_one_overload_while_the_clock_is_measured_ends_nothing(
    exchange: ScriptedExchange,
) -> None:
    exchange.on("time", refuse(429, -1008, "overloaded"), reply({"serverTime": NOW_MS}))

    async with opened(exchange, clock=lambda: 0) as client:
        assert client.now_ms() == NOW_MS


async def test_a_clock_that_is_never_in_time_does_not_lead_to_itself(
    exchange: ScriptedExchange,
) -> None:
    async with opened(exchange, read_retries_s=0.05) as client:
        exchange.on("time", refuse(400, -1021))
        exchange.on("account.status", refuse(400, -1021))
        with pytest.raises(Unavailable, match="-1021"):
            await client.account()


# --- requests that only read ------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        refuse(500, -1000),
        refuse(503, -1008),
        refuse(429, -1008),
        refuse(400, -1001),
        refuse(400, -1006),
        refuse(408, -1007),
        silence,
    ],
    ids=["500", "503", "-1008", "-1001", "-1006", "-1007", "silence"],
)
async def test_reading_is_repeated_with_a_fresh_timestamp(
    exchange: ScriptedExchange, fault: Answer
) -> None:
    now_ns = iter(range(0, 10**12, 10**9))
    exchange.on("account.status", fault, reply(payloads.account()))

    async with opened(exchange, clock=lambda: next(now_ns)) as client:
        if fault is silence:
            client._line.current.link._settings = settings_for(exchange.url, request_timeout_s=0.5)
        assert (await client.account()).free["XRP"] == Decimal("10.5")

    first, second = exchange.asked("account.status")
    assert first["timestamp"] < second["timestamp"]
    assert first["signature"] != second["signature"]


async def test_reading_outside_the_window_measures_the_clock_first(
    exchange: ScriptedExchange,
) -> None:
    exchange.on("time", reply({"serverTime": 1_000_000}), reply({"serverTime": 5_000_000}))
    exchange.on("account.status", refuse(400, -1021), reply(payloads.account()))

    async with opened(exchange) as client:
        await client.account()

    first, second = exchange.asked("account.status")
    assert second["timestamp"] - first["timestamp"] > 3_000_000


@pytest.mark.parametrize(
    ("fault", "words"),
    [(refuse(503, -1001, "Internal error"), "-1001 Internal error"), (silence, "no reply")],
)
async def test_reading_is_repeated_for_a_bounded_time(
    exchange: ScriptedExchange, fault: Answer, words: str
) -> None:
    exchange.on("openOrders.status", fault)

    async with opened(exchange, read_retries_s=0.2) as client:
        client._line.current.link._settings = settings_for(exchange.url, request_timeout_s=0.05)
        with pytest.raises(Unavailable, match=words):
            await client.open_orders()

    assert exchange.asked("openOrders.status")


async def test_reading_is_not_repeated_where_the_answer_is_definite(
    exchange: ScriptedExchange,
) -> None:
    exchange.on("myTrades", refuse(400, -1128, "Combination of parameters invalid."))

    async with opened(exchange) as client:
        with pytest.raises(Unavailable, match="myTrades: -1128"):
            await client.trades(None)

    assert len(exchange.asked("myTrades")) == 1


async def test_a_code_that_is_not_known_is_waited_out_and_counted(
    exchange: ScriptedExchange, caplog: pytest.LogCaptureFixture
) -> None:
    exchange.on("myTrades", refuse(400, -9999, "something new"), reply([]))
    exchange.on("order.place", refuse(400, -9999, "something new"))
    surprises = Surprises()

    async with opened(exchange, surprises=surprises) as client:
        assert await client.trades(None) == ()
        assert isinstance(await client.place(INTENT), Unknown)

    assert surprises.counts[Surprise.UNKNOWN_CODE] == 2
    assert caplog.text.count("-9999: something new (status 400, myTrades)") == 1
    assert len(exchange.asked("order.place")) == 1


async def test_a_message_that_is_too_long_ends_the_session_and_is_counted(
    exchange: ScriptedExchange,
) -> None:
    exchange.on("account.status", reply("x" * 2_000))
    surprises = Surprises()

    async with opened(exchange, surprises=surprises, message_bytes_max=1_000) as client:
        with pytest.raises(Unavailable):
            await client.account()

    assert surprises.counts[Surprise.OVERSIZED] == 1


async def test_reading_is_not_repeated_on_a_lost_connection(
    exchange: ScriptedExchange, caplog: pytest.LogCaptureFixture
) -> None:
    exchange.on("myTrades", hang_up)
    caplog.set_level(logging.INFO)

    async with opened(exchange) as client:
        with pytest.raises(Unavailable, match="was lost"):
            await client.trades(None)

    assert len(exchange.asked("myTrades")) == 1
    assert "asked again" not in caplog.text


async def test_an_answer_that_cannot_be_read_is_unavailable(exchange: ScriptedExchange) -> None:
    exchange.on("account.status", reply(payloads.account(uid="text")))

    async with opened(exchange) as client:
        with pytest.raises(Unavailable, match=r"account\.uid"):
            await client.account()


async def test_trades_are_asked_for_from_an_id_on(exchange: ScriptedExchange) -> None:
    exchange.on("myTrades", reply([payloads.trade(8)]))

    async with opened(exchange) as client:
        (fill,) = await client.trades(8, order_id=101)

    assert fill.trade_id == 8
    (params,) = exchange.asked("myTrades")
    assert (params["fromId"], params["orderId"]) == (8, 101)


async def test_open_orders(exchange: ScriptedExchange) -> None:
    exchange.on("openOrders.status", reply([payloads.order(time=1)]))

    async with opened(exchange) as client:
        (order,) = await client.open_orders()

    assert order.client_order_id == ORDER_ID


async def test_an_order_is_looked_for_after_the_time_was_asked(exchange: ScriptedExchange) -> None:
    exchange.on(
        "order.status",
        reply(payloads.order(time=1)),
        refuse(400, -2013, "no such order"),
        refuse(400, -2026, "archived"),
    )

    async with opened(exchange) as client:
        exchange.on("time", reply({"serverTime": 77}))
        found = await client.order(ORDER_ID)
        missing = await client.order(ORDER_ID)
        archived = await client.order(ORDER_ID)

    assert isinstance(found, ExchangeOrder)
    assert found.order_id == 101
    assert missing == NotFound(as_of_ms=77)
    assert archived == Archived()
    assert [request.method for request in exchange.requests[-2:]] == ["time", "order.status"]


async def test_an_order_that_cannot_be_looked_for_is_not_missing(
    exchange: ScriptedExchange,
) -> None:
    exchange.on("order.status", refuse(400, -1102, "Mandatory parameter"))

    async with opened(exchange) as client:
        with pytest.raises(Unavailable, match="-1102"):
            await client.order(ORDER_ID)


async def test_a_symbol_is_public(exchange: ScriptedExchange) -> None:
    exchange.on("exchangeInfo", reply(payloads.exchange_info()))

    async with opened(exchange) as client:
        assert (await client.symbol()).base_asset == "XRP"

    assert exchange.asked("exchangeInfo") == [{"symbol": SYMBOL}]


async def test_a_filter_that_is_not_known_is_logged_once_and_left_to_the_exchange(
    exchange: ScriptedExchange, caplog: pytest.LogCaptureFixture
) -> None:
    new = {"filterType": "SOMETHING_NEW", "limit": 3}
    info = payloads.exchange_info(payloads.PRICE_FILTER, payloads.LOT_SIZE, new)
    exchange.on("exchangeInfo", reply(info))
    surprises = Surprises()

    async with opened(exchange, surprises=surprises) as client:
        await client.symbol()
        await client.symbol()

    assert surprises.counts[Surprise.UNKNOWN_FILTER] == 2
    assert caplog.text.count("SOMETHING_NEW: left to the exchange: {") == 1


async def test_the_accounts_limits_are_none_where_the_exchange_has_no_answer(
    exchange: ScriptedExchange,
) -> None:
    limits = {"assetFilters": [{"filterType": "MAX_ASSET", "asset": "XRP", "limit": "7"}]}
    exchange.on("myFilters", reply(limits), refuse(400, -1100), reply({}))

    async with opened(exchange) as client:
        assert await client.asset_limits() == {"XRP": Decimal(7)}
        assert await client.asset_limits() == {}
        assert await client.asset_limits() == {}

    assert "signature" in exchange.asked("myFilters")[0]


async def test_bids_of_other_symbols_come_by_one_request(exchange: ScriptedExchange) -> None:
    exchange.on("ticker.book", reply([{"symbol": "BTCUSDT", "bidPrice": "50000"}]))

    async with opened(exchange) as client:
        assert await client.best_bids(("BTCUSDT", "ETHUSDT")) == {"BTCUSDT": Decimal(50_000)}

    assert exchange.asked("ticker.book") == [{"symbols": '["BTCUSDT","ETHUSDT"]'}]


async def test_a_symbol_that_is_gone_takes_no_other_s_bid_away(exchange: ScriptedExchange) -> None:
    unknown, known = refuse(400, -1121), reply([{"symbol": "BTCUSDT", "bidPrice": "50000"}])
    exchange.on("ticker.book", unknown, known, unknown)

    async with opened(exchange) as client:
        assert await client.best_bids(("BTCUSDT", "LUNAUSDT")) == {"BTCUSDT": Decimal(50_000)}

    both, *alone = [params["symbols"] for params in exchange.asked("ticker.book")]
    assert (both, alone) == ('["BTCUSDT","LUNAUSDT"]', ['["BTCUSDT"]', '["LUNAUSDT"]'])


NO_REFERENCE = {"code": -2043, "msg": "This symbol doesn't have a reference price."}


@pytest.mark.parametrize(
    ("reference", "minutes", "source"),
    [
        (reply({"symbol": SYMBOL, "referencePrice": "0.5", "timestamp": 1}), 5, "the reference"),
        (reply(NO_REFERENCE), 5, "the average price of 5 minutes"),
        (refuse(400, -1100, "unknown method"), 5, "the average price of 5 minutes"),
        (reply(NO_REFERENCE), 0, "the last price"),
        (reply(NO_REFERENCE), 1, None),
    ],
)
async def test_percent_filters_measure_from_the_reference_price_or_else_the_average(
    exchange: ScriptedExchange, reference: Answer, minutes: int, source: str | None
) -> None:
    exchange.on("referencePrice", reference)
    exchange.on("avgPrice", reply({"mins": 5, "price": "0.5", "closeTime": 1}))
    exchange.on("ticker.price", reply({"symbol": SYMBOL, "price": "0.5"}))

    async with opened(exchange) as client:
        price = await client.reference_price(minutes)

    if source is None:
        assert price is None
    else:
        assert price is not None
        assert price.source.startswith(source)


async def test_without_any_market_price_percent_filters_are_left_to_the_exchange(
    exchange: ScriptedExchange,
) -> None:
    for method in ("referencePrice", "avgPrice"):
        exchange.on(method, refuse(400, -1100, "unknown method"))

    async with opened(exchange) as client:
        assert await client.reference_price(5) is None


async def test_a_symbol_that_the_exchange_does_not_know(exchange: ScriptedExchange) -> None:
    unknown = refuse(400, -1121, "Invalid symbol.")
    exchange.on("exchangeInfo", unknown, unknown, refuse(400, -1100))
    exchange.on("openOrders.status", unknown, reply([]))

    async with opened(exchange) as client:
        with pytest.raises(UnknownSymbol, match=SYMBOL):
            await client.symbol()
        with pytest.raises(Unavailable, match="yet answers for its open orders"):
            await client.symbol()
        with pytest.raises(Unavailable, match="-1100"):
            await client.symbol()


async def test_the_newest_public_trade(exchange: ScriptedExchange) -> None:
    trade = {"id": 28457, "price": "4.00000100", "qty": "12.0", "time": 1_700_000_003_000}
    exchange.on("trades.recent", reply([trade]), reply([]))

    async with opened(exchange) as client:
        assert await client.last_trade() == Price(28457, Decimal("4.000001"), 1_700_000_003_000)
        assert await client.last_trade() is None

    assert exchange.asked("trades.recent")[0] == {"symbol": SYMBOL, "limit": 1}


GAP = TradeGap(10, 2_509, 1_700_000_000_000, 1_700_000_009_000)


def aggregates(first: int, count: int, price: str = "2") -> list[dict[str, Any]]:
    """Make a page of `trades.aggregate`: trades whose ids are their own."""
    return [
        {"a": n + 7, "f": n, "l": n, "p": price, "q": "1", "T": 1, "m": True, "M": True}
        for n in range(first, first + count)
    ]


async def test_the_lowest_price_of_a_gap_is_that_of_the_trades_in_it(
    exchange: ScriptedExchange,
) -> None:
    pages = [
        [*aggregates(8, 2, "0.1"), *aggregates(10, 998)],
        [*aggregates(1_008, 500), *aggregates(1_508, 1, "0.9"), *aggregates(1_509, 499)],
        [*aggregates(2_008, 502), *aggregates(2_510, 2, "0.1")],
    ]
    exchange.on("trades.aggregate", *map(reply, pages))

    async with opened(exchange) as client:
        assert await client.lowest_price(GAP) == Decimal("0.9")

    assert exchange.asked("trades.aggregate") == [
        {
            "symbol": SYMBOL,
            "startTime": GAP.after_ms - 1_000,
            "endTime": GAP.before_ms,
            "limit": 1_000,
        },
        {"symbol": SYMBOL, "fromId": 1_015, "limit": 1_000},
        {"symbol": SYMBOL, "fromId": 2_015, "limit": 1_000},
    ]


async def test_an_aggregated_trade_that_reaches_into_the_gap_counts(
    exchange: ScriptedExchange,
) -> None:
    page = [{**aggregates(7, 1, "0.5")[0], "l": 12}]
    exchange.on("trades.aggregate", reply(page), reply([]))

    async with opened(exchange) as client:
        assert await client.lowest_price(GAP) == Decimal("0.5")
        assert await client.lowest_price(GAP) is None


async def test_of_a_very_long_gap_the_first_trades_are_read(exchange: ScriptedExchange) -> None:
    exchange.on("trades.aggregate", *(reply(aggregates(10 + n * 1_000, 1_000)) for n in range(9)))
    endless = replace(GAP, last_id=100_000)

    async with opened(exchange) as client:
        assert await client.lowest_price(endless) == 2

    assert len(exchange.asked("trades.aggregate")) == GAP_PAGES_MAX


async def test_the_exchange_says_itself_how_many_connections_it_takes(
    exchange: ScriptedExchange,
) -> None:
    class Slots:
        async def reserve(self, _: float) -> float | None:
            return 0.0

    pacer = ConnectionPacer(Slots(), clock=lambda: 0.0, random=lambda: 0.5)
    limits = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
        {"rateLimitType": "CONNECTIONS", "interval": "MINUTE", "intervalNum": 5, "limit": 150},
    ]
    exchange.on("exchangeInfo", reply({**payloads.exchange_info(), "rateLimits": limits}))
    client = BinanceExchange(
        settings_for(exchange.url),
        KEY,
        monotonic_ns=time.monotonic_ns,
        random=lambda: 0.5,
        pacer=pacer,
    )
    await client.open()
    assert (await client.symbol()).name == SYMBOL
    await client.close()

    assert pacer.known.limit == ConnectionLimit(150, 300.0)


MINUTE_MS = 1_699_999_980_000
"""The minute in which `NOW_MS` is."""


def klines(close: str, opened_ms: int = MINUTE_MS) -> Answer:
    row = [opened_ms, "1", "9", "1", close, "5", opened_ms + 59_999, "5", 3, "2", "2", "0"]
    return reply([row])


async def test_what_an_asset_cost_is_the_close_of_its_minute(exchange: ScriptedExchange) -> None:
    exchange.on("exchangeInfo", reply(payloads.exchange_info()))
    exchange.on("klines", klines("612.5"))

    async with opened_at(exchange) as client:
        past = await client.price_of("BNB", MINUTE_MS - 1)
        latest = await client.price_of("BNB", NOW_MS)

    assert past is None, "the candle that came begins after the time"
    # The minute is not over yet.
    assert latest == AssetPrice(Decimal("612.5"), "klines BNBUSDT 1m", NOW_MS)
    assert exchange.asked("exchangeInfo") == [{"symbol": SYMBOL}], "learnt once"
    *_, asked = exchange.asked("klines")
    assert asked == {
        "symbol": "BNBUSDT",
        "interval": "1m",
        "endTime": MINUTE_MS + 59_999,
        "limit": 1,
    }


async def test_the_inverse_market_prices_an_asset_as_well(exchange: ScriptedExchange) -> None:
    unknown = refuse(400, -1121, "Invalid symbol.")
    exchange.on("exchangeInfo", reply(payloads.exchange_info(quoteAsset="TRY")))
    exchange.on("klines", unknown, klines("32"), unknown, unknown)

    async with opened_at(exchange) as client:
        await client.symbol()
        found = await client.price_of("USDT", MINUTE_MS)
        nothing = await client.price_of("USDT", MINUTE_MS)

    assert found == AssetPrice(Decimal("0.03125"), "klines TRYUSDT 1m, inverted", NOW_MS)
    assert nothing is None
    names = [params["symbol"] for params in exchange.asked("klines")]
    assert names == ["USDTTRY", "TRYUSDT", "USDTTRY", "TRYUSDT"]


@pytest.mark.parametrize(
    "fault", [refuse(400, -1100), reply([[1, "2"]]), reply({}), reply([[1, 2, 3, 4, "x", 5, 6]])]
)
async def test_a_price_that_cannot_be_read_is_not_missing(
    exchange: ScriptedExchange, fault: Answer
) -> None:
    exchange.on("exchangeInfo", reply(payloads.exchange_info()))
    exchange.on("klines", fault)

    async with opened(exchange) as client:
        with pytest.raises(Unavailable, match="klines"):
            await client.price_of("BNB", MINUTE_MS)


async def test_the_commission_of_the_symbol(exchange: ScriptedExchange) -> None:
    exchange.on("account.commission", reply(payloads.commission()))

    async with opened(exchange) as client:
        assert await client.commission() == Commission(Decimal("0.00151"), Decimal("0.00152"))


@pytest.mark.parametrize("fault", [refuse(400, -1100), reply({})], ids=["refused", "unreadable"])
async def test_without_a_commission_of_the_symbol_the_accounts_counts_and_then_the_default(
    exchange: ScriptedExchange, fault: Answer
) -> None:
    exchange.on("account.commission", fault)
    exchange.on("account.status", reply(payloads.account()), fault)

    async with opened(exchange) as client:
        assert await client.commission() == Commission(Decimal("0.0015"), Decimal("0.0016"))
        assert await client.commission() == DEFAULT_COMMISSION


async def test_an_unreachable_exchange_has_no_default_commission(
    exchange: ScriptedExchange,
) -> None:
    exchange.on("account.commission", hang_up)

    async with opened(exchange) as client:
        with pytest.raises(Unavailable):
            await client.commission()


# --- the life of a session --------------------------------------------------------------------


async def test_time_is_the_exchanges(exchange: ScriptedExchange) -> None:
    exchange.on("time", reply({"serverTime": 1_700_000_000_000}))

    async with opened(exchange, clock=lambda: 42_000_000_000) as client:
        assert client.now_ms() == 1_700_000_000_000


async def test_the_clock_is_measured_by_several_questions_and_again_after_a_while(
    exchange: ScriptedExchange,
) -> None:
    async with opened(exchange, clock_samples=3, clock_interval_s=0.01):
        for _ in range(6):
            await exchange.heard("time")


async def test_a_clock_that_cannot_be_measured_again_stays_as_it_was(
    exchange: ScriptedExchange, caplog: pytest.LogCaptureFixture
) -> None:
    fault = refuse(400, -1100)
    exchange.on("time", reply({"serverTime": 7_000_000}), fault, fault, reply({}))
    exchange.on("account.status", reply(payloads.account()))

    async with opened(exchange, clock=lambda: 0, clock_interval_s=0.01) as client:
        for _ in range(5):
            await exchange.heard("time")
        assert client.now_ms() == 7_000_000

    assert "was not measured again: time: -1100" in caplog.text
    assert "was not measured again: time: unreadable" in caplog.text


async def test_user_data_is_buffered_from_the_subscription_on(exchange: ScriptedExchange) -> None:
    subscribed = reply({"subscriptionId": 0})
    foreign = payloads.report(s="BTCUSDT")
    exchange.on(
        "userDataStream.subscribe.signature",
        both(push(payloads.report()), subscribed, push(foreign), push(TRADE_REPORT)),
    )

    async with opened(exchange) as client:
        await exchange.push(POSITION)
        events = client.user_events()
        first, second, third = [await anext(events) for _ in range(3)]

    assert isinstance(first, ExecutionReport)
    assert first.execution_type == "NEW"
    assert isinstance(second, ExecutionReport)
    assert second.fill is not None
    assert third == BalanceChanged({"USDT": Decimal(950)}, {"USDT": Decimal(30)})


async def test_more_user_data_than_is_read_ends_the_session(exchange: ScriptedExchange) -> None:
    async with opened(exchange, user_events_max=2) as client:
        for number in range(3):
            await exchange.push(payloads.report(I=number))
        events = client.user_events()
        await asyncio.gather(*(anext(events) for _ in range(2)))

        with pytest.raises(Unavailable, match="more user events"):
            await anext(events)
        with pytest.raises(Unavailable, match="more user events"):
            await client.account()


async def test_the_end_of_the_stream_lets_the_reply_that_is_due_arrive(
    exchange: ScriptedExchange,
) -> None:
    ending = push({"e": "eventStreamTerminated", "E": 1})
    exchange.on("order.place", both(ending, reply(payloads.placed())))

    async with opened(exchange) as client:
        assert isinstance(await client.place(INTENT), Accepted)
        with pytest.raises(Unavailable, match="the exchange"):
            await anext(client.user_events())
        assert isinstance(await client.place(INTENT), Unknown)

    assert len(exchange.asked("order.place")) == 1


async def test_a_report_that_cannot_be_read_ends_the_session(exchange: ScriptedExchange) -> None:
    cut = payloads.report()
    del cut["z"]

    async with opened(exchange) as client:
        await exchange.push(cut)
        with pytest.raises(Unavailable, match=r"message\.event\.z: missing"):
            await anext(client.user_events())


async def test_a_closed_session_ends_its_events(exchange: ScriptedExchange) -> None:
    async with opened(exchange) as client:
        pass

    with pytest.raises(Unavailable, match="the session was closed"):
        await anext(client.user_events())
    await client.close()


async def test_closing_what_was_never_opened_is_no_error() -> None:
    await client_of("ws://127.0.0.1:1").close()


@pytest.mark.parametrize("code", [-2014, -2015, -1022])
async def test_a_refused_key_is_reported_with_a_remedy_and_leaves_nothing_open(
    exchange: ScriptedExchange, code: int
) -> None:
    exchange.on("userDataStream.subscribe.signature", refuse(401, code, "refused"))
    client = client_of(exchange.url)

    with pytest.raises(BadCredentials, match=rf"{code} refused \(.*\?\)") as caught:
        await client.open()

    await exchange.connections[-1].wait_closed()
    assert API_KEY not in str(caught.value)
    assert API_SECRET not in str(caught.value)


async def test_a_subscription_whose_reply_was_lost_is_not_mistaken_for_a_failure(
    exchange: ScriptedExchange,
) -> None:
    exchange.on("userDataStream.subscribe.signature", silence, refuse(400, -2035, "active"))

    async with opened(exchange, request_timeout_s=0.5) as client:
        await exchange.push(payloads.report())
        assert isinstance(await anext(client.user_events()), ExecutionReport)


async def test_a_subscription_that_is_refused_fails_the_opening(exchange: ScriptedExchange) -> None:
    exchange.on("userDataStream.subscribe.signature", refuse(400, -2042, "used up"))

    with pytest.raises(Unavailable, match="-2042"):
        await client_of(exchange.url).open()


async def test_nobody_listening_is_said_with_the_address() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

        with pytest.raises(Unavailable) as caught:
            await client_of(f"ws://127.0.0.1:{port}/ws-api/v3").open()

    assert str(caught.value) == f"cannot connect to 127.0.0.1:{port}: connection refused"


async def test_a_host_that_does_not_answer_is_given_up() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        url = f"ws://127.0.0.1:{mute.getsockname()[1]}"

        with pytest.raises(Unavailable, match="no answer in time"):
            await client_of(url, open_timeout_s=0.05).open()


async def test_no_secret_reaches_the_log(
    exchange: ScriptedExchange, caplog: pytest.LogCaptureFixture
) -> None:
    exchange.on("order.place", reply(payloads.placed()))
    exchange.on("account.status", refuse(500, -1000))
    caplog.set_level(logging.DEBUG)

    async with opened(exchange, read_retries_s=0.05) as client:
        await client.place(INTENT)
        with pytest.raises(Unavailable):
            await client.account()

    # The server of this test logs what it receives; the client's side must not.
    ours = [record for record in caplog.records if record.name.startswith("symbol_trader")]
    text = "\n".join(record.getMessage() for record in ours)
    assert "account.status is asked again" in text
    assert API_KEY not in text
    assert API_SECRET not in text
    assert "TEXT" not in text, "frames hold keys and signatures"


async def test_a_failure_of_the_reader_is_not_silent(
    exchange: ScriptedExchange,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Should the code that reads messages have a bug, orders are unknown, and the log says why."""
    exchange.on("order.place", reply(payloads.placed()))

    async with opened(exchange) as client:
        monkeypatch.setattr(client._line.current.link._session, "_hear", lambda _: 1 / 0)
        outcome = await client.place(INTENT)

    assert isinstance(outcome, Unknown)
    assert "the reader of the session failed" in caplog.text


async def test_distinct_intents_go_out_as_they_are(exchange: ScriptedExchange) -> None:
    second = replace(INTENT, price=Decimal("0.4999"), timestamp_ms=INTENT.timestamp_ms + 5)
    exchange.on("order.place", reply(payloads.placed()))

    async with opened(exchange) as client:
        await client.place(INTENT)
        await client.place(second)

    assert [params["price"] for params in exchange.asked("order.place")] == ["0.5", "0.4999"]

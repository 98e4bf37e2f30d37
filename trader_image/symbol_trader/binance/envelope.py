"""The envelope of requests and replies. Source: web-socket-api.md, "Request/Response format"."""

import json
from dataclasses import dataclass
from typing import Any

from symbol_trader.binance.fields import Fields
from symbol_trader.binance.rate_limit import Weight
from symbol_trader.binance.signing import Params

OK = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """The exchange's answer to one request: a result with status 200, else an error.

    `status` is HTTP-like. `retry_after_ms` is the exchange time before which a client that is
    over its limits should not ask again, `server_time_ms` the exchange time with which it came.
    """

    status: int
    result: Any = None
    code: int = 0
    message: str = ""
    retry_after_ms: int | None = None
    server_time_ms: int | None = None
    weight: Weight | None = None


@dataclass(frozen=True, slots=True)
class NoReply:
    """There is no readable answer; the request may have been carried out all the same."""

    why: str


Answer = Reply | NoReply
"""What came of a request that was written to the socket."""


def request(request_id: int, method: str, params: Params) -> str:
    """Write one request."""
    return json.dumps({"id": request_id, "method": method, "params": params})


def reply(message: Fields) -> Reply:
    """Read one reply. Raises `PayloadError` if it is neither a result nor an error."""
    status = message.integer("status")
    weight = _weight(message)
    if status == OK:
        return Reply(status, message.raw("result"), weight=weight)
    error = message.child("error")
    return Reply(
        status,
        code=error.integer("code"),
        message=error.text("msg"),
        retry_after_ms=_time_of(error, "retryAfter"),
        server_time_ms=_time_of(error, "serverTime"),
        weight=weight,
    )


def _time_of(error: Fields, name: str) -> int | None:
    if "data" not in error:
        return None
    data = error.child("data")
    return data.time_ms(name) if name in data else None


def _weight(message: Fields) -> Weight | None:
    """Read how much request weight is used, counted in minutes, if the reply says so."""
    for limit in message.children("rateLimits") if "rateLimits" in message else ():
        if (limit.text("rateLimitType"), limit.text("interval")) == ("REQUEST_WEIGHT", "MINUTE"):
            count, most = limit.integer("count"), limit.integer("limit")
            return Weight(count, most, limit.integer("intervalNum"))
    return None

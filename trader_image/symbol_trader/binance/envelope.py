"""The envelope of requests and replies. Source: web-socket-api.md, "Request/Response format"."""

import json
from dataclasses import dataclass
from typing import Any

from symbol_trader.binance.fields import Fields
from symbol_trader.binance.rate_limit import Counted, Use
from symbol_trader.binance.signing import Params

OK = 200

INTERVALS_MS = {"SECOND": 1_000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": 86_400_000}
_COUNTED = {"REQUEST_WEIGHT": Counted.WEIGHT, "ORDERS": Counted.ORDERS}


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
    uses: tuple[Use, ...] = ()
    """What is used of limits by now."""


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
    uses = _uses(message)
    if status == OK:
        return Reply(status, message.raw("result"), uses=uses)
    error = message.child("error")
    return Reply(
        status,
        code=error.integer("code"),
        message=error.text("msg"),
        retry_after_ms=_time_of(error, "retryAfter"),
        server_time_ms=_time_of(error, "serverTime"),
        uses=uses,
    )


def _time_of(error: Fields, name: str) -> int | None:
    if "data" not in error:
        return None
    data = error.child("data")
    return data.time_ms(name) if name in data else None


def _uses(message: Fields) -> tuple[Use, ...]:
    """Read how much of the limits is used, as far as the reply says so and it is known here."""
    limits = message.children("rateLimits") if "rateLimits" in message else ()
    return tuple(use for limit in limits if (use := _use(limit)))


def _use(limit: Fields) -> Use | None:
    counted = _COUNTED.get(limit.text("rateLimitType"))
    interval_ms = INTERVALS_MS.get(limit.text("interval"))
    if counted is None or interval_ms is None:
        return None
    window_ms = limit.integer("intervalNum") * interval_ms
    return Use(counted, limit.integer("count"), limit.integer("limit"), window_ms)

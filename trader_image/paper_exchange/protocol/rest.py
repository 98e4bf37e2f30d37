"""The few unsigned REST reads that clients make before they open a WebSocket."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from paper_exchange.core.errors import ExchangeError
from paper_exchange.protocol.api import Api, Request
from paper_exchange.protocol.params import Params
from paper_exchange.protocol.session import ApiSession
from paper_exchange.protocol.text import dumps

PREFIX = "/api/v3/"

_METHODS = {
    "ping": "ping",
    "time": "time",
    "exchangeInfo": "exchangeInfo",
    "ticker/price": "ticker.price",
    "ticker/bookTicker": "ticker.book",
    "trades": "trades.recent",
    "klines": "klines",
    "avgPrice": "avgPrice",
    "executionRules": "executionRules",
    "referencePrice": "referencePrice",
    "referencePrice/calculation": "referencePrice.calculation",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response: its status, JSON body and headers."""

    status: int
    body: str
    headers: dict[str, str]


def get(api: Api, address: str, path: str, query: str) -> Answer | None:
    """Answer GET; None for a path that is not served."""
    method = _METHODS.get(path.removeprefix(PREFIX))
    if method is None or not path.startswith(PREFIX):
        return None
    now = api.venue.clock()
    request = Request(None, method, Params(dict(parse_qsl(query))))
    body = api.answer(ApiSession(address, now), request, now).body
    headers = {"X-MBX-USED-WEIGHT-1M": str(api.limits.weight.count(address, now))}
    shown = body.get("error") or {}
    return Answer(
        body["status"],
        dumps(body.get("result", shown)),
        headers | _wait(shown.get("data", {}), now),
    )


def refused(error: ExchangeError, now: int) -> Answer:
    """Answer by a refusal."""
    shown = {"code": error.code, "msg": error.message}
    return Answer(error.status, dumps(shown), _wait(error.data or {}, now))


def _wait(data: dict[str, Any], now: int) -> dict[str, str]:
    """Return the header that says in how many seconds to come back."""
    if "retryAfter" not in data:
        return {}
    return {"Retry-After": str(-((now - data["retryAfter"]) // 1000))}

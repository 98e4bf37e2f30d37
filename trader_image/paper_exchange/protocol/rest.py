"""The few REST reads that clients make: market data, and what a key may do."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from paper_exchange.core.errors import ExchangeError
from paper_exchange.protocol.api import Api, Request
from paper_exchange.protocol.params import Params
from paper_exchange.protocol.session import ApiSession
from paper_exchange.protocol.text import dumps

PREFIX = "/api/v3/"
RESTRICTIONS_WEIGHT = 1
CREATED = 1_600_000_000_000
"""When each key was made."""
OK, UNAUTHORIZED, BAD_KEY = 200, 401, -2015
RESTRICTIONS = "/sapi/v1/account/apiRestrictions"

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


def get(api: Api, address: str, path: str, query: str, api_key: str = "") -> Answer | None:
    """Answer GET; None for a path that is not served.

    `api_key` is that of the header X-MBX-APIKEY.
    """
    if path == RESTRICTIONS:
        return _restrictions(api, address, query, api_key)
    method = _METHODS.get(path.removeprefix(PREFIX))
    if method is None or not path.startswith(PREFIX):
        return None
    now = api.venue.clock()
    request = Request(None, method, Params(dict(parse_qsl(query))))
    body = api.answer(ApiSession(address, now), request, now).body
    shown = body.get("error") or {}
    return Answer(
        body["status"],
        dumps(body.get("result", shown)),
        _used(api, address, now) | _wait(shown.get("data", {}), now),
    )


def _restrictions(api: Api, address: str, query: str, api_key: str) -> Answer:
    """Say what a key may do. Source: Binance Wallet API, "Get API Key Permission"."""
    now = api.venue.clock()
    params = Params(dict(parse_qsl(query)))
    try:
        api.limits.charge(address, now, RESTRICTIONS_WEIGHT)
        account = api.keys.account(api_key)
        params.text("signature")
        api.check_time(params, now)
        api.keys.verify_query(api_key, query)
    except ExchangeError as error:
        answer = refused(error, now)
        return replace(answer, status=UNAUTHORIZED) if error.code == BAD_KEY else answer
    body = {**api.keys.permissions[account], "createTime": CREATED}
    return Answer(OK, dumps(body), _used(api, address, now))


def refused(error: ExchangeError, now: int) -> Answer:
    """Answer by a refusal."""
    shown = {"code": error.code, "msg": error.message}
    return Answer(error.status, dumps(shown), _wait(error.data or {}, now))


def _used(api: Api, address: str, now: int) -> dict[str, str]:
    return {"X-MBX-USED-WEIGHT-1M": str(api.limits.weight.count(address, now))}


def _wait(data: dict[str, Any], now: int) -> dict[str, str]:
    """Return the header that says in how many seconds to come back."""
    if "retryAfter" not in data:
        return {}
    return {"Retry-After": str(-((now - data["retryAfter"]) // 1000))}

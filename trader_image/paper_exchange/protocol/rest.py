"""The few REST reads that clients make: market data, and what a key may do."""

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
}


def get(api: Api, address: str, path: str, query: str, api_key: str = "") -> tuple[int, str] | None:
    """Answer GET with status and JSON body; None for a path that is not served.

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
    return body["status"], dumps(body.get("result", body.get("error")))


def _restrictions(api: Api, address: str, query: str, api_key: str) -> tuple[int, str]:
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
        status = UNAUTHORIZED if error.code == BAD_KEY else error.status
        return status, dumps({"code": error.code, "msg": error.message})
    return OK, dumps({**api.keys.permissions[account], "createTime": CREATED})

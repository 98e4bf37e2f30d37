"""The few unsigned REST reads that clients make before they open a WebSocket."""

from urllib.parse import parse_qsl

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
}


def get(api: Api, address: str, path: str, query: str) -> tuple[int, str] | None:
    """Answer GET with status and JSON body; None for a path that is not served."""
    method = _METHODS.get(path.removeprefix(PREFIX))
    if method is None or not path.startswith(PREFIX):
        return None
    now = api.venue.clock()
    request = Request(None, method, Params(dict(parse_qsl(query))))
    body = api.answer(ApiSession(address, now), request, now).body
    return body["status"], dumps(body.get("result", body.get("error")))

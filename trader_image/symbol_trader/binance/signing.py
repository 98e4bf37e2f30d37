"""Signatures of the WebSocket API.

Source: Binance Spot, web-socket-api.md, "Signed requests": every parameter but the signature,
sorted by name, joined as `name=value` with `&`, without percent-encoding (which is REST's
business), signed with the key.
"""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from symbol_trader.binance.keys import Key

ParamValue = str | int | bool
Params = Mapping[str, ParamValue]
"""Parameters of a request. Prices and quantities are strings; nothing is ever a float."""


def signed(params: Params, key: Key) -> dict[str, ParamValue]:
    """Return the parameters with the key and the signature; `timestamp` must be among them."""
    full: dict[str, ParamValue] = {**params, "apiKey": key.api_key}
    return {**full, "signature": key.sign(payload(full))}


def payload(params: Params) -> str:
    """Return the text that is signed."""
    return "&".join(f"{name}={_text(params[name])}" for name in sorted(params))


def signed_query(params: Params, key: Key) -> str:
    """Return the query of a REST request: percent-encoded before it is signed, in any order.

    The key's name goes into a header. Source: rest-api.md, "SIGNED endpoint security".
    """
    query = urlencode({name: _text(value) for name, value in params.items()}, quote_via=quote)
    return f"{query}&signature={quote(key.sign(query), safe='')}"


def _text(value: ParamValue) -> str:
    """Write a value as it stands in the JSON of the request: that is what the server verifies."""
    return str(value).lower() if isinstance(value, bool) else str(value)

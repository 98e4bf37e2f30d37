"""Signatures of the WebSocket API.

Source: Binance Spot, web-socket-api.md, "Signed requests": every parameter but the signature,
sorted by name, joined as `name=value` with `&`, without percent-encoding (which is REST's
business), HMAC-SHA-256 with the secret, in hexadecimal.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

ParamValue = str | int | bool
Params = Mapping[str, ParamValue]
"""Parameters of a request. Prices and quantities are strings; nothing is ever a float."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """An API key and its secret. Neither shows in a repr, so neither gets into a log."""

    key: str = field(repr=False)
    secret: str = field(repr=False)


def signed(params: Params, credentials: Credentials) -> dict[str, ParamValue]:
    """Return the parameters with the key and the signature; `timestamp` must be among them."""
    full: dict[str, ParamValue] = {**params, "apiKey": credentials.key}
    return {**full, "signature": signature(payload(full), credentials.secret)}


def payload(params: Params) -> str:
    """Return the text that is signed."""
    return "&".join(f"{name}={_text(params[name])}" for name in sorted(params))


def signature(text: str, secret: str) -> str:
    """Return the HMAC-SHA-256 of the text, in hexadecimal."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _text(value: ParamValue) -> str:
    """Write a value as it stands in the JSON of the request: that is what the server verifies."""
    return str(value).lower() if isinstance(value, bool) else str(value)

"""HMAC-SHA-256 signatures of requests (WebSocket API, request security)."""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import quote, urlencode

from paper_exchange.protocol.text import signed_text


def payload(params: Mapping[str, object]) -> str:
    """Return the signed text: every parameter but the signature, sorted by name."""
    return "&".join(f"{name}={value}" for name, value in _signed(params))


def sign(secret: str, text: str) -> str:
    """Return the hexadecimal signature of a payload."""
    return hmac.new(secret.encode(), text.encode(), sha256).hexdigest()


def is_signed(params: Mapping[str, object], secret: str) -> bool:
    """Return whether `signature` fits, over the payload as documented or percent-encoded.

    Widely used clients sign the percent-encoded text; both mean the same request.
    """
    given = params.get("signature")
    if not isinstance(given, str):
        return False
    pairs = _signed(params)
    texts = {payload(params), urlencode(pairs), urlencode(pairs, quote_via=quote)}
    return any(
        hmac.compare_digest(sign(secret, text).encode(), given.lower().encode()) for text in texts
    )


def _signed(params: Mapping[str, object]) -> list[tuple[str, str]]:
    return sorted(
        (name, signed_text(value)) for name, value in params.items() if name != "signature"
    )

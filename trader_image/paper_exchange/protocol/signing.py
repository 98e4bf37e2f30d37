"""Signatures of requests, by HMAC-SHA-256 or Ed25519 (WebSocket API, request security)."""

import binascii
import hmac
from base64 import b64decode
from collections.abc import Callable, Mapping
from hashlib import sha256
from urllib.parse import quote, unquote, urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from paper_exchange.accounts import Key
from paper_exchange.protocol.text import signed_text

Verify = Callable[[str, str], bool]
"""Whether a text has a signature."""


def payload(params: Mapping[str, object]) -> str:
    """Return the signed text: every parameter but the signature, sorted by name."""
    return "&".join(f"{name}={value}" for name, value in _signed(params))


def sign(secret: str, text: str) -> str:
    """Return the hexadecimal signature of a payload."""
    return hmac.new(secret.encode(), text.encode(), sha256).hexdigest()


def verifier(key: Key) -> Verify:
    """Return what verifies the signatures of a key."""
    return by_secret(key.secret) if key.public is None else by_public_key(key.public)


def by_secret(secret: str) -> Verify:
    """Verify by HMAC; the signature's letters may be of either case."""

    def verify(text: str, signature: str) -> bool:
        return hmac.compare_digest(sign(secret, text).encode(), signature.lower().encode())

    return verify


def by_public_key(public: Ed25519PublicKey) -> Verify:
    """Verify by Ed25519; the signature is base64, its letters of the right case."""

    def verify(text: str, signature: str) -> bool:
        try:
            public.verify(b64decode(signature, validate=True), text.encode())
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True

    return verify


def is_signed(params: Mapping[str, object], verify: Verify) -> bool:
    """Return whether `signature` fits, over the payload as documented or percent-encoded.

    Widely used clients sign the percent-encoded text; both mean the same request.
    """
    given = params.get("signature")
    if not isinstance(given, str):
        return False
    pairs = _signed(params)
    texts = {payload(params), urlencode(pairs), urlencode(pairs, quote_via=quote)}
    return any(verify(text, given) for text in texts)


def is_query_signed(query: str, verify: Verify) -> bool:
    """Whether a REST query ends with a signature of all that stands before it."""
    text, _, signature = query.rpartition("&signature=")
    return verify(text, unquote(signature))


def _signed(params: Mapping[str, object]) -> list[tuple[str, str]]:
    return sorted(
        (name, signed_text(value)) for name, value in params.items() if name != "signature"
    )

"""A key of the exchange, told apart by what it consists of: Ed25519, or HMAC.

Source: Binance Spot, faqs/api_key_types.md (Ed25519 is recommended, HMAC deprecated) and
web-socket-api.md, "Session Authentication" (Ed25519 keys alone log a session on).
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from symbol_trader.errors import BadCredentials
from tradingsymbol_api.names import API_KEY_FILE, API_SECRET_FILE, PRIVATE_KEY_FILE

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MAKE_ONE: Final = "openssl genpkey -algorithm ed25519"
_WORD: Final = re.compile(r"[!-~]{1,256}")
"""What an API key or an HMAC secret can be: one word."""
_PEM: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----")


class Key(Protocol):
    """What requests are signed with. No part of it shows in a repr, so none gets into a log."""

    @property
    def api_key(self) -> str:
        """Return the name by which the exchange knows it."""

    @property
    def logs_on(self) -> bool:
        """Return whether it logs a session on, whose requests need no signature then."""

    def sign(self, text: str) -> str:
        """Return the signature of a text."""


@dataclass(frozen=True, slots=True)
class HmacKey:
    """A key whose secret the exchange has, too."""

    api_key: str = field(repr=False)
    secret: str = field(repr=False)

    @property
    def logs_on(self) -> bool:
        """Return False: each request is signed."""
        return False

    def sign(self, text: str) -> str:
        """Return the HMAC-SHA-256 of the text, in hexadecimal."""
        return hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Ed25519Key:
    """A key of which the exchange has the public half."""

    api_key: str = field(repr=False)
    pem: str = field(repr=False)
    """What it was read from, by which it is compared."""
    private: "Ed25519PrivateKey" = field(repr=False, compare=False)

    @property
    def logs_on(self) -> bool:
        """Return True."""
        return True

    def sign(self, text: str) -> str:
        """Return the signature of the text, in base64."""
        return base64.b64encode(self.private.sign(text.encode())).decode()


def read_key(files: Mapping[str, bytes]) -> Key:
    """Make a key of the files that it was given as.

    Raises `BadCredentials`, which says which file is wrong and what helps, and nothing of the key.
    """
    texts = {name: _text(name, content) for name, content in files.items()}
    api_key = _word(API_KEY_FILE, texts.get(API_KEY_FILE, ""))
    pem, secret = texts.get(PRIVATE_KEY_FILE, ""), texts.get(API_SECRET_FILE, "")
    if pem and secret:
        raise BadCredentials(
            f"the key has both {PRIVATE_KEY_FILE} and {API_SECRET_FILE}: leave the one that "
            f"belongs to {API_KEY_FILE}"
        )
    if pem:
        return Ed25519Key(api_key, pem, _private_key(pem))
    if not secret:
        raise BadCredentials(
            f"the key has neither {PRIVATE_KEY_FILE} (Ed25519, PEM) nor {API_SECRET_FILE} (HMAC): "
            "add one of them"
        )
    if _PEM.search(secret):
        raise BadCredentials(
            f"{API_SECRET_FILE} holds a PEM key: name it {PRIVATE_KEY_FILE} if it is Ed25519"
        )
    return HmacKey(api_key, _word(API_SECRET_FILE, secret))


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode("ascii").strip()
    except UnicodeDecodeError:
        raise BadCredentials(
            f"{name} holds bytes that are no text: write it anew, as the exchange shows it"
        ) from None


def _word(name: str, text: str) -> str:
    if not text:
        raise BadCredentials(f"the key has no {name}: add it, as the exchange shows it")
    if not _WORD.fullmatch(text):
        raise BadCredentials(f"{name} holds more than one word: copy it anew, and nothing else")
    return text


def _private_key(pem: str) -> "Ed25519PrivateKey":
    """Read an Ed25519 key. What the library says of another one stays unsaid: it may quote it."""
    # Loaded here alone: it costs memory that a paper key does without.
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - see above
        Ed25519PrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - see above
        load_pem_private_key,
    )

    label = found[1] if (found := _PEM.search(pem)) else ""
    if label != "PRIVATE KEY":
        raise BadCredentials(_refusal(label))
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadCredentials(
            f"{PRIVATE_KEY_FILE} cannot be read: it is cut off or changed; copy the whole PEM file"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadCredentials(_refusal("RSA or EC PRIVATE KEY"))
    return key


def _refusal(label: str) -> str:
    """Say why a PEM file of this label is refused."""
    if not label:
        return f"{PRIVATE_KEY_FILE} is no PEM file: it begins with -----BEGIN PRIVATE KEY-----"
    if "PUBLIC" in label:
        return (
            f"{PRIVATE_KEY_FILE} holds a public key: that one is the exchange's, and the private "
            "key belongs here"
        )
    if "ENCRYPTED" in label:
        return (
            f"{PRIVATE_KEY_FILE} is encrypted, and nobody is there to type a password: store it "
            "decrypted (openssl pkey -in FILE), the Secret protects it"
        )
    return (
        f"{PRIVATE_KEY_FILE} is no Ed25519 key (PEM: {label}), and no other kind is supported: "
        f"make one with `{MAKE_ONE}` and register its public key"
    )

"""What a database URL says, read so that no piece of a secret is taken for something else.

The driver splits a URL at the first character that could end a part, so that of a password with an
unencoded `/`, `?`, `#` or `@` a piece becomes a host, a port or a database's name, which errors
quote. A URL that could be read in two ways is therefore refused, and nothing of it is shown.
"""

import os
import re
from typing import Final
from urllib.parse import parse_qs, unquote, unquote_plus

_WHOLE: Final = re.compile(
    r"postgres(?:ql)?://"
    r"(?:(?P<user>[^@/?#\s]*)@)?(?P<hosts>[^@/?#\s]*)"
    r"(?:/(?P<name>[^@/?#\s]*))?(?:\?(?P<query>[^#\s]*))?"
)
_HOSTS: Final = re.compile(r"[\w.:,\[\]%/-]*")
_PORTS: Final = re.compile(r"(\[[^\]]*\]|[^:,\[\]]*)(:\d+)?(,(\[[^\]]*\]|[^:,\[\]]*)(:\d+)?)*")
_NAME: Final = re.compile(r"[\w.%-]*")
_SECRET_KEY: Final = re.compile("pass(?!file)", re.IGNORECASE)
FORM: Final = (
    "the database URL is malformed: it has the form postgresql://user:password@host:port/name, and "
    "whatever is neither a letter nor a digit in user and password is percent-encoded"
)
"""Says what is wrong with a URL without quoting it."""
_QUOTED_LENGTH_MIN: Final = 4
"""A shorter secret is in any sentence by chance; blotting that out would tell what it is."""


def place(url: str) -> str:
    """Return host, port and database's name as far as a URL tells them beyond doubt, else ""."""
    parts = _WHOLE.fullmatch(url)
    if parts is None or "@" in (parts["query"] or ""):
        return ""
    hosts = parts["hosts"] or parameters(url).get("host", "")
    name = f"/{parts['name']}" if parts["name"] else ""
    if not _HOSTS.fullmatch(hosts) or not _PORTS.fullmatch(hosts) or not _NAME.fullmatch(name[1:]):
        return ""
    return hosts + name


def malformed(url: str) -> str | None:
    """Return what is wrong with a URL and the remedy, without quoting it; None if it is clear."""
    return None if _WHOLE.fullmatch(url) else FORM


def parameters(url: str) -> dict[str, str]:
    """Return the parameters of a URL's query; the last of several with one name counts."""
    query = url.partition("?")[2]
    return {key: values[-1] for key, values in parse_qs(query).items()}


def secrets(url: str) -> frozenset[str]:
    """Return what no message may quote: passwords as written and as meant, the environment's too.

    Where a URL can be read in several ways, the secrets of all of them are among these.
    """
    user_part = url.partition("://")[2].rpartition("@")[0]
    written = {user_part.partition(":")[2], user_part.partition("@")[0].partition(":")[2]}
    for pair in re.split("[?&;]", url):
        key, _, value = pair.partition("=")
        if _SECRET_KEY.search(unquote_plus(key)):
            written.add(value)
    meant = {decode(text) for text in written for decode in (unquote, unquote_plus)}
    return frozenset((written | meant | {os.environ.get("PGPASSWORD", "")}) - {""})


def redacted(text: str, hidden: frozenset[str]) -> str:
    """Return a text without the secrets that it quotes."""
    for secret in sorted(hidden, key=len, reverse=True):
        if len(secret) >= _QUOTED_LENGTH_MIN:
            text = text.replace(secret, "***")
    return text

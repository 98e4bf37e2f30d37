"""The project's own API server, for those who speak to it without kubectl."""

import base64
import ssl
from typing import Any, NamedTuple

import yaml

from kind.kubectl import KUBECONFIG


class Access(NamedTuple):
    """What the project's kubeconfig says."""

    address: str
    trust: ssl.SSLContext
    """Trusts this server, and shows it nobody's certificate."""
    user: dict[str, Any]


def access() -> Access:
    """Read the project's kubeconfig."""
    document = yaml.safe_load(KUBECONFIG.read_text(encoding="utf-8"))
    cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
    trust = ssl.create_default_context(cadata=decoded(cluster["certificate-authority-data"]))
    return Access(cluster["server"], trust, user)


def decoded(data: str) -> str:
    """Decode a certificate or key as a kubeconfig carries it."""
    return base64.b64decode(data).decode()

"""What the operator and the leader agree on about the leader's pod, and its fence's.

The operator writes pods of it, and reads from it how they ended; the leader is told by it, answers
probes by it, and ends by it.
"""

from enum import StrEnum, auto
from typing import Final

ENV_PREFIX: Final = "SYMBOL_TRADER"
"""Begins the name of each environment variable of the trader."""


class Variable(StrEnum):
    """What a leader or a fence is told; each is a flag of the command and a variable of the pod."""

    CLUSTER = auto()
    """Uid of the namespace kube-system."""
    NAMESPACE = auto()
    NAME = auto()
    POD = auto()
    POD_UID = auto()
    NODE = auto()
    EXCHANGE_ENVIRONMENT = auto()
    EXCHANGE_API_URL = auto()
    EXCHANGE_STREAM_URL = auto()
    EXCHANGE_REST_URL = auto()
    EXCHANGE_KEY = auto()
    """The folder that holds the key's files."""
    EXCHANGE_CA_FILE = auto()
    EXCHANGE_ADDRESS_GROUP = auto()
    REAL_MONEY = auto()
    ALLOW_UNRESTRICTED_KEY = auto()
    EXCHANGE_TIMEOUT_MS = auto()
    EXCHANGE_MARGIN_MS = auto()
    RECV_WINDOW_MS = auto()
    DATABASE_URL = auto()
    DATABASE_URL_FILE = auto()
    """The file that holds it, which is read before each connection."""
    HTTP_HOST = auto()
    HTTP_PORT = auto()
    LOG_FORMAT = auto()
    FENCED_POD = auto()
    """Uid of the lost pod that a fence is for."""

    @property
    def env(self) -> str:
        """Name of the environment variable."""
        return f"{ENV_PREFIX}_{self.value.upper()}"

    @property
    def flag(self) -> str:
        """Flag of the command."""
        return f"--{self.value.replace('_', '-')}"


HTTP_PORT: Final = 8080
"""Port on which a leader in a pod serves its probes and metrics."""
EVERYWHERE: Final = "::"
"""Where it does: at every address of the pod, of IPv6 and of IPv4."""
HEALTHZ: Final = "/healthz"
"""Whether the leader's loop moves."""
READYZ: Final = "/readyz"
"""Whether the leader can trade."""
METRICS: Final = "/metrics"

KEY_FOLDERS: Final = "/run/exchange-keys"
"""A leader's key is mounted in the folder here that has the name of its Secret."""
DATABASE_FOLDERS: Final = "/run/database"
"""The database's URL is mounted in the folder here that has the name of its Secret."""
CA_FOLDERS: Final = "/run/exchange-ca"
"""The certificates of the exchange's authorities are mounted in the folder here that has the name
of their ConfigMap or Secret."""
PROXY_VARIABLE: Final = "HTTPS_PROXY"
"""The usual variable for a proxy: of WebSockets and REST alike, with TLS and without."""


class Cause(StrEnum):
    """Why a leader or a fence ended; the termination message of its container carries it."""

    DRAINED = "drained"
    """The shutdown is done, and the resource says off."""
    FENCED = "fenced"
    """A later leader has the epoch. Of a fence: it has taken that of the lost leader."""
    STOPPED = "stopped"
    """The resource says off."""
    TERMINATED = "terminated"
    """Asked by a signal."""


RECV_WINDOW_MS: Final = 3_000
"""How late the exchange accepts an order that is on its way, unless it is configured."""
RECV_WINDOW_MAX_MS: Final = 60_000
"""Longest window that Binance takes."""
EXCHANGE_TIMEOUT_MS: Final = 10_000
"""How long the exchange works on a request at most, by its own account, unless it is configured."""
EXCHANGE_TIMEOUT_MAX_MS: Final = 30_000
"""Longest that can be configured: what a leader waits for stays below what its probe allows."""
EXCHANGE_MARGIN_MS: Final = 1_000
"""Added to both before an order without an answer counts as absent."""
GRACE_SLACK_MS: Final = 7_000
"""For what the leader does besides: writing down the replies it waited for."""


def grace_seconds(
    recv_window_ms: int = RECV_WINDOW_MS, exchange_timeout_ms: int = EXCHANGE_TIMEOUT_MS
) -> int:
    """Return how long a leader's pod may take to end, in seconds.

    Shorter times of the exchange than the defaults do not shorten it: the leader has other waits.
    """
    exchange_ms = max(recv_window_ms, RECV_WINDOW_MS)
    exchange_ms += max(exchange_timeout_ms, EXCHANGE_TIMEOUT_MS)
    return -(-(exchange_ms + GRACE_SLACK_MS) // 1_000)

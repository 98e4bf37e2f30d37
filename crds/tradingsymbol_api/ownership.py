"""What a leader says where another resource owns its symbol; `kubectl trading` reads it."""

import re
from dataclasses import dataclass
from typing import Final

FILE_CLUSTER: Final = "file"
"""Stands for the cluster of resources that are files."""

_SENTENCE: Final = re.compile(
    r"(?P<symbol>\S+) \(account (?P<account>\S+), (?P<environment>\S+)\) belongs to another "
    r"resource: (?P<namespace>.+)/(?P<name>[^/ ]+) in cluster (?P<cluster>\S+)(?: |$)"
)


@dataclass(frozen=True, slots=True)
class ForeignOwner:
    """Another resource owns a symbol of an account; its text begins the condition's message."""

    symbol: str
    account: str
    environment: str
    cluster: str
    """Uid of its namespace kube-system, or `FILE_CLUSTER`."""
    namespace: str
    name: str

    def __str__(self) -> str:
        return (
            f"{self.symbol} (account {self.account}, {self.environment}) belongs to another "
            f"resource: {self.namespace}/{self.name} in cluster {self.cluster}"
        )


def parse_foreign_owner(message: str) -> ForeignOwner | None:
    """Read who owns the symbol from a condition's message; None if it does not say. No effects."""
    found = _SENTENCE.match(message)
    return ForeignOwner(**found.groupdict()) if found else None

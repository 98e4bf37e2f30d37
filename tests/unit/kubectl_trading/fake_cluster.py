"""The cluster as lists of resources."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Generic, TypeVar

from click.testing import CliRunner, Result

from kubectl_trading.__main__ import main
from kubectl_trading.connection import ClusterError, NotFound, Where
from kubectl_trading.events import Event
from kubectl_trading.kinds import LIMITS, SYMBOLS, Found, Kind
from kubectl_trading.options import SPOKEN
from kubectl_trading.serving import Claim, Leader
from kubectl_trading.symbols import Symbol
from tradingsymbol_api.values import TradingStatus
from unit.kubectl_trading.documents import Document

Told = TypeVar("Told")


class FakeResources(Generic[Found]):
    """Resources that are as they were put here; what happens later is put into `later`.

    A name is that of one in the namespace `trading`, or `NAMESPACE/NAME` of one in another.
    """

    def __init__(self, cluster: "FakeCluster", kind: Kind[Found], *documents: Document) -> None:
        self.kind = kind
        self.documents = {found["metadata"]["name"]: found for found in documents}
        self.later: list[tuple[Document, bool] | ClusterError] = []
        self.written: list[tuple[str, Document, bool]] = []
        """The name, the spec, and whether it was to be written whatever others have written."""
        self.failures: list[ClusterError] = []
        """What the next writes fail with."""
        self.unreadable: ClusterError | None = None
        """What lists fail with."""
        self.fitting: dict[str, set[str]] = {}
        """Which names a selector fits; all if it is not here."""
        self.watched: list[str] = []
        """The name that each watch was limited to."""
        self._cluster = cluster

    def list(self, selector: str = "", name: str = "") -> list[Found]:
        if self.unreadable:
            raise self.unreadable
        fitting = self.fitting.get(selector, set(self.documents))
        return [self.kind.read(found) for key, found in self.documents.items() if key in fitting]

    def get(self, name: str, namespace: str = "") -> Found:
        key = self._key(name, namespace)
        if key not in self.documents:
            raise NotFound(f"no {self.kind.name} is named {name}")
        return self.kind.read(self.documents[key])

    def named(self, name: str) -> Sequence[Found]:
        if not self._cluster.where.all_namespaces:
            return [self.get(name)]
        return [found for found in self.list() if found.name == name]

    def write(self, found: Found, spec: Document, *, whatever_it_says: bool = False) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.written.append((found.name, spec, whatever_it_says))
        self.documents[self._key(found.name, found.namespace)]["spec"] |= spec

    def changes(self, seconds: int, name: str = "") -> Iterator[tuple[Found, bool]]:
        self.watched.append(name)
        yield from ((found, False) for found in self.list())
        while self.later:
            event = self.later.pop(0)
            if isinstance(event, ClusterError):
                raise event
            yield self.kind.read(event[0]), event[1]
        raise KeyboardInterrupt

    def _key(self, name: str, namespace: str) -> str:
        return f"{namespace}/{name}" if namespace not in {"", self._cluster.namespace} else name


class FakeCluster:
    """A cluster with symbols and limits."""

    namespace = "trading"
    now = datetime(2026, 1, 1, 13, tzinfo=UTC)

    def __init__(self, *documents: Document) -> None:
        self.symbols = FakeResources(self, SYMBOLS, *documents)
        self.limits = FakeResources(self, LIMITS)
        self.where = Where()
        self.request_s: float | None = None
        self.pods: list[list[Leader] | ClusterError] = [[]]
        """What the looks at leader pods find, one after the other; the last one lasts."""
        self.claimed: list[Claim] | ClusterError = []
        self.told: list[Event] | ClusterError = []
        self.cluster: str | ClusterError = "uid"

    @property
    def asked(self) -> list[tuple[str, TradingStatus]]:
        """What was asked of which symbol."""
        return [(name, spec["status"]) for name, spec, _ in self.symbols.written]

    def require_namespace(self) -> None:
        if self.where.namespace == "nowhere":
            raise ClusterError("there is no namespace nowhere")

    def namespaces(self) -> Sequence[str]:
        return ["kube-system", "trading", "trading-system"]

    def leaders(self) -> Sequence[Leader]:
        found = self.pods.pop(0) if len(self.pods) > 1 else self.pods[0]
        return _found(found)

    def claims(self) -> Sequence[Claim]:
        return _found(self.claimed)

    def events(self, symbol: Symbol) -> Sequence[Event]:
        found = _found(self.told)
        return [event for event in found if event.about.endswith(f"/{symbol.name}")]

    def leader_cluster(self, symbol: Symbol) -> str:
        return _found(self.cluster)


def _found(found: Told | ClusterError) -> Told:
    if isinstance(found, ClusterError):
        raise found
    return found


def run(*arguments: str, stdin: str | None = None, program: str = SPOKEN) -> Result:
    """Run the command line."""
    return CliRunner().invoke(main, arguments, input=stdin, prog_name=program)

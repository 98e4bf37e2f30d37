"""The cluster as a list of symbols."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from click.testing import CliRunner, Result

from kubectl_trading.__main__ import main
from kubectl_trading.connection import ClusterError, Conflict, NotFound, Where
from kubectl_trading.events import Event
from kubectl_trading.limits import Limit
from kubectl_trading.options import SPOKEN
from kubectl_trading.serving import Claim, Leader
from kubectl_trading.symbols import Symbol
from tradingsymbol_api.values import TradingStatus
from unit.kubectl_trading.documents import Document

Found = TypeVar("Found")


class FakeCluster:
    """Symbols that are as they were put here; what happens later is put into `later`.

    A name is that of one symbol, or `NAMESPACE/NAME` of one in another namespace.
    """

    namespace = "trading"
    now = datetime(2026, 1, 1, 13, tzinfo=UTC)

    def __init__(self, *documents: Document) -> None:
        self.documents = {found["metadata"]["name"]: found for found in documents}
        self.later: list[tuple[Document, bool] | ClusterError] = []
        self.written: list[tuple[str, TradingStatus]] = []
        self.conflicts = 0
        self.where = Where()
        self.request_s: float | None = None
        self.watched: list[str] = []
        """The name that each watch was limited to."""
        self.pods: list[list[Leader] | ClusterError] = [[]]
        """What the looks at leader pods find, one after the other; the last one lasts."""
        self.claimed: list[Claim] | ClusterError = []
        self.told: list[Event] | ClusterError = []
        self.fitting: dict[str, set[str]] = {}
        """Which names a selector fits; all if it is not here."""
        self.cluster: str | ClusterError = "uid"
        self.declared: dict[str, Document] = {}
        """Limits by name."""
        self.halted: list[tuple[str, Document, bool]] = []

    def list(self, selector: str = "", name: str = "") -> list[Symbol]:
        fitting = self.fitting.get(selector, set(self.documents))
        return [Symbol.of(found) for key, found in self.documents.items() if key in fitting]

    def get(self, name: str, namespace: str = "") -> Symbol:
        key = f"{namespace}/{name}" if namespace not in {"", self.namespace} else name
        if key not in self.documents:
            raise NotFound(f"no TradingSymbol is named {name}")
        return Symbol.of(self.documents[key])

    def named(self, name: str) -> Sequence[Symbol]:
        if not self.where.all_namespaces:
            return [self.get(name)]
        return [symbol for symbol in self.list() if symbol.name == name]

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

    def write(self, symbol: Symbol, status: TradingStatus) -> None:
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict("changed")
        self.written.append((symbol.name, status))
        self.documents[symbol.name]["spec"]["status"] = status.value

    def limits(self) -> Sequence[Limit]:
        return [Limit.of(found) for found in self.declared.values()]

    def write_limit(self, limit: Limit, spec: Document, *, whatever_it_says: bool) -> None:
        self.halted.append((limit.name, spec, whatever_it_says))
        self.declared[limit.name]["spec"] |= spec

    def changes(self, seconds: int, name: str = "") -> Iterator[tuple[Symbol, bool]]:
        self.watched.append(name)
        yield from ((symbol, False) for symbol in self.list())
        while self.later:
            event = self.later.pop(0)
            if isinstance(event, ClusterError):
                raise event
            yield Symbol.of(event[0]), event[1]
        raise KeyboardInterrupt


def _found(found: Found | ClusterError) -> Found:
    if isinstance(found, ClusterError):
        raise found
    return found


def run(*arguments: str, stdin: str | None = None, program: str = SPOKEN) -> Result:
    """Run the command line."""
    return CliRunner().invoke(main, arguments, input=stdin, prog_name=program)
